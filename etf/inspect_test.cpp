#include "support/vectors.hpp"
#include <erl/etf/builder.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <set>
#include <string>

using namespace erl;

namespace {

std::string inspect(term_ref value) { return to_string(value, print_style::elixir); }

/// Replaces the index of the node a@b, which differs from VM to VM, by NODE.
std::string without_node_index(std::string text) {
  const std::string index = std::to_string(atom("a@b").index()) + ".";
  for (const char* before : {"#PID<", "#Port<", "#Reference<"}) {
    const std::string from = before + index;
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from))
      text.replace(at, from.size(), std::string(before) + "NODE.");
  }
  return text;
}

/// What Elixir shows otherwise, and why.
const std::set<std::string> shown_otherwise = {
    // Elixir sorts keys by value, we in exact order.
    "%{0.0 => :a, -0.0 => :b}",
    "%{1 => :c, 1.5 => :b, 2 => :a, 3.0 => :d}",
    // A struct with a form of its own.
    "1..10",
};

/// An atom with letters beyond U+017E, which Elixir does not quote where its release knows them.
bool has_other_letters(term_ref value) {
  const auto name = value.to_atom();
  return name && std::ranges::any_of(name->text(),
                                     [](char c) { return static_cast<unsigned char>(c) > 0xc5; });
}

} // namespace

TEST_CASE("terms print as Elixir's inspect shows them") {
  for (const auto& vector : erl::test::load_vectors("inspect.jsonl")) {
    const std::string hex(vector.at("hex").as_string());
    INFO(hex);
    const auto decoded = decode_external(erl::test::from_hex(hex));
    REQUIRE(decoded);
    std::string text = without_node_index(inspect(*decoded));
    const std::string wanted(vector.at("text").as_string());
    if (has_other_letters(*decoded) && wanted.find('"') == std::string::npos)
      std::erase(text, '"');
    INFO(text);
    INFO(wanted);
    CHECK((text == wanted) != shown_otherwise.contains(wanted));
  }
}

TEST_CASE(
    "atoms with characters beyond Latin-1 are quoted for Elixir, which reads them all the same") {
  CHECK(inspect(atom("\u4e2d")) == ":\"\u4e2d\"");
  CHECK(inspect(list_of(tuple_of(atom("\u03bb"), 1))) == "[\"\u03bb\": 1]");
}

TEST_CASE("a struct of any module shows its fields") {
  const term user = term::map({{atom("__struct__"), atom("Elixir.Nobody.Knows")},
                               {atom("name"), term::text("Ada")},
                               {atom("__exception__"), atoms::true_},
                               {atom("age"), term(36)}});
  CHECK(inspect(user) == "%Nobody.Knows{age: 36, name: \"Ada\"}");
  CHECK(inspect(term::map({{atom("__struct__"), atom("Elixir.Empty")}})) == "%Empty{}");
  CHECK(inspect(term::map({{atom("__struct__"), atom("Elixir.no module")}})) ==
        "%{__struct__: :\"Elixir.no module\"}");
}

TEST_CASE("Elixir's text is cut at the limit, at the border of a character") {
  const std::string thousand(1000, 'x');
  const term value =
      tuple_of(list_of(tuple_of(atoms::ok, 1)), thousand.c_str(), term::text("\u00e5"));
  CHECK(to_string(value, {.style = print_style::elixir, .max_bytes = 20}) ==
        "{[ok: 1], \"xxxxxx...");
  for (std::size_t limit = 3; limit < 40; ++limit) {
    const term accents = list_of("\u00e5\u00e5\u00e5", 1, 2, term::map({{atoms::ok, term(1)}}));
    const std::string text = to_string(accents, {.style = print_style::elixir, .max_bytes = limit});
    CHECK(text.size() <= limit);
    CHECK(atom::intern(text)); // valid UTF-8
  }
}

TEST_CASE("deep terms print for Elixir without recursion") {
  builder b;
  constexpr std::size_t levels = 200000;
  for (std::size_t i = 0; i < levels; ++i)
    b.begin_tuple(1);
  b.nil();
  CHECK(inspect(b.finish()).size() == 2 * levels + 2);
}
