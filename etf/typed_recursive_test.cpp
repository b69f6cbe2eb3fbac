#include "etf/typed_test.hpp"
#include <erl/etf/boxed.hpp>
#include <erl/etf/cons.hpp>
#include <erl/etf/fun.hpp>
#include <erl/etf/parse.hpp>
#include <erl/etf/std_duration.hpp>
#include <erl/etf/std_memory.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <pthread.h>

using namespace typed_test;
using erl::etf_errc;

namespace {

struct chain {
  int value = 0;
  std::optional<erl::boxed<chain>> next;
  bool operator==(const chain&) const = default;
};

struct bush {
  int value = 0;
  std::vector<bush> kids;
  bool operator==(const bush&) const = default;
};

struct owner {
  int value = 0;
  std::unique_ptr<owner> left, right;
};

struct sum;
using expression = std::variant<int, erl::boxed<sum>>;
struct sum {
  expression left, right;
  bool operator==(const sum&) const = default;
};

/// A first field that may be the type itself makes choosing among alternatives look into it.
struct one;
struct other;
using either = std::variant<erl::boxed<one>, erl::boxed<other>>;
struct one {
  std::optional<either> inside;
  int a = 0;
};
struct other {
  std::optional<either> inside;
  bool a = false;
};

struct cell_chain {
  erl::cons<int, std::optional<erl::boxed<cell_chain>>> cell;
};

struct elixir_node {
  std::unique_ptr<elixir_node> next;
};

erl::term text(std::string_view erlang) { return erl::parse_term(erlang).value(); }

template <class T> void check_text(const T& value, std::string_view erlang) {
  INFO(erlang);
  check_both_ways(value, erl::test::to_hex(erl::encode(text(erlang))));
}

template <class T> std::string refusal(std::string_view erlang, etf_errc code) {
  const auto error = check_refuses<T>(erl::test::to_hex(erl::encode(text(erlang))), code);
  return error.path + ": " + error.detail;
}

std::vector<std::byte> nested(std::string_view open, std::size_t depth, std::string_view rest) {
  std::string hex = "83";
  for (std::size_t i = 0; i < depth; ++i)
    hex += open;
  return bytes(hex + std::string(rest));
}

/// Runs `function` where there are 256 KB of stack.
void with_small_stack(void (*function)()) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, std::size_t{256} * 1024) == 0);
  pthread_t thread{};
  const auto run = [](void* what) -> void* {
    reinterpret_cast<void (*)()>(what)();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, reinterpret_cast<void*>(function)) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

template <class T> void check_depth(std::string_view open, std::string_view rest) {
  static std::vector<std::byte> input;
  static std::optional<etf_errc> from_bytes, from_tree;
  for (const std::size_t depth : {200'000U, 400U, 250U}) {
    input = nested(open, depth, rest);
    with_small_stack([] {
      const auto value = erl::decode<T>(input);
      from_bytes = value ? std::nullopt : std::optional(value.error().code);
      const auto tree = erl::decode_external(input);
      const auto typed = tree ? erl::decode<T>(*tree) : erl::decode<T>(erl::term());
      from_tree = typed ? std::nullopt : std::optional(typed.error().code);
    });
    if (depth > erl::source::max_depth)
      CHECK(from_bytes == etf_errc::too_deep);
  }
}

} // namespace

template <> inline constexpr auto erl::shape<chain> = erl::tagged<"chain">;
template <> inline constexpr auto erl::shape<bush> = erl::map_shape;
template <> inline constexpr auto erl::shape<owner> = erl::tagged<"owner">;
template <> inline constexpr auto erl::shape<sum> = erl::tagged<"sum">;
template <> inline constexpr auto erl::shape<one> = erl::plain_tuple;
template <> inline constexpr auto erl::shape<other> = erl::plain_tuple;
template <> inline constexpr auto erl::shape<cell_chain> = erl::plain_tuple;
template <> inline constexpr auto erl::shape<elixir_node> = erl::elixir_struct<"Elixir.Node">;

TEST_CASE("a type may contain itself in a box, a pointer or a list", "[typed]") {
  check_text(chain{1, chain{2, chain{3, std::nullopt}}}, "{chain,1,{chain,2,{chain,3,undefined}}}");
  check_text(bush{1, {{2, {}}, {3, {{4, {}}}}}},
             "#{value => 1, kids => [#{value => 2, kids => []}, "
             "#{value => 3, kids => [#{value => 4, kids => []}]}]}");
  check_text(expression(sum{1, sum{2, 3}}), "{sum,1,{sum,2,3}}");
  CHECK(refusal<chain>("{chain,1,{chain,a,undefined}}", etf_errc::wrong_type) ==
        ".next.value: expected integer, got a");
}

TEST_CASE("a null pointer is undefined, or nil in an Elixir struct", "[typed]") {
  const auto value = text("{owner,1,undefined,{owner,2,undefined,undefined}}");
  const auto tree = erl::decode<owner>(value).value();
  CHECK(tree.left == nullptr);
  CHECK(tree.right->value == 2);
  CHECK(erl::to_term(tree) == value);
  const auto node = text("#{'__struct__' => 'Elixir.Node', next => nil}");
  CHECK(erl::to_term(erl::decode<elixir_node>(node).value()) == node);
  CHECK(erl::decode<elixir_node>(text("#{'__struct__' => 'Elixir.Node'}")).has_value());
  CHECK(refusal<std::variant<std::unique_ptr<bush>>>("5", etf_errc::wrong_type) ==
        ": expected map or undefined, got 5");
}

TEST_CASE("a box is a value: it is copied with what it holds", "[typed]") {
  erl::boxed<std::string> first("a");
  erl::boxed<std::string> second = first;
  *second += "b";
  CHECK(*first == "a");
  CHECK(second->size() == 2);
  first = std::move(second);
  CHECK(*first == "ab");
  CHECK(erl::boxed<int>() == erl::boxed<int>(0));
}

TEST_CASE("nesting without end is an error also where the stack is small", "[typed]") {
  check_depth<chain>("68037705636861696e6101", "7709756e646566696e6564");
  check_depth<bush>("74000000027705"
                    "76616c756561017704"
                    "6b6964736c00000001",
                    "6a");
  check_depth<owner>("680477056f776e6572"
                     "6101",
                     "7709756e646566696e6564");
  check_depth<expression>("6803770373756d", "6101");
  check_depth<either>("6802", "7709756e646566696e6564");
  check_depth<cell_chain>("68016c000000016101", "7709756e646566696e6564");
}

TEST_CASE("choosing among alternatives that begin with themselves does not take for ever",
          "[typed]") {
  const auto input = nested("6802", 200, "7709756e646566696e6564");
  CHECK_FALSE(erl::decode<either>(input).has_value());
}

TEST_CASE("a cons is a list that may end with anything", "[typed]") {
  check_text(erl::cons<erl::atom, erl::atom>{"a", "b"}, "[a|b]");
  check_text(erl::cons<erl::is<"alias">, int>{{}, 5}, "[alias|5]");
  check_text(erl::cons<int, erl::cons<int, erl::atom>>{1, {2, "x"}}, "[1,2|x]");
  check_text(erl::cons<int, std::vector<int>>{1, {}}, "[1]");
  check_text(erl::cons<int, std::vector<int>>{1, {2, 3}}, "[1,2,3]");
  check_text(erl::cons<int, std::vector<int>>{1, {2, 300}}, "[1,2,300]");
  check_text(erl::cons<int, erl::cons<std::string, std::vector<erl::atom>>>{1, {"x", {"y", "z"}}},
             R"([1,<<"x">>,y,z])");
  check_text(std::pair(erl::cons<int, erl::cons<int, erl::atom>>{1, {2, "x"}}, std::string("s")),
             R"({[1,2|x],<<"s">>})");
  check_text(erl::cons<erl::term, erl::term>{text("{a}"), text("[b]")}, "[{a},b]");
}

TEST_CASE("an error in a cons says in which part", "[typed]") {
  using cell = erl::cons<erl::atom, int>;
  CHECK(refusal<cell>("[1|2]", etf_errc::wrong_type) == ".head: expected atom, got 1");
  CHECK(refusal<cell>("[a|b]", etf_errc::wrong_type) == ".tail: expected integer, got b");
  CHECK(refusal<cell>("[a,1]", etf_errc::wrong_type) == ".tail: expected integer, got [1]");
  CHECK(refusal<cell>("[]", etf_errc::wrong_type) == ": expected [_|_], got []");
  CHECK(refusal<cell>("ok", etf_errc::wrong_type) == ": expected [_|_], got ok");
  CHECK(refusal<std::variant<cell, erl::atom>>("{}", etf_errc::wrong_type) ==
        ": expected [_|_] or atom, got {}");
  CHECK(erl::decode<cell>(bytes("836c0000000061016a")).error().code == etf_errc::wrong_type);
}

TEST_CASE("a cons lends from bytes only where its parts are terms of their own", "[typed]") {
  const auto single = erl::encode(text(R"([<<"a">>|<<"b">>])"));
  using cell = erl::cons<std::string_view, std::string_view>;
  CHECK(erl::decode<cell>(single).value() == cell{"a", "b"});
  using two = erl::cons<std::string_view, cell>;
  const auto longer = text(R"([<<"a">>,<<"b">>|<<"c">>])");
  CHECK(erl::decode<two>(erl::encode(longer)).error().code == etf_errc::wrong_type);
  CHECK(erl::decode<two>(longer).value().tail.tail == "c");
  using after = std::tuple<erl::cons<int, std::vector<int>>, std::string_view>;
  const auto input = erl::encode(text(R"({[1,2],<<"d">>})"));
  CHECK(std::get<1>(erl::decode<after>(input).value()) == "d");
}

TEST_CASE("funs travel both ways", "[typed]") {
  check_text(erl::external_fun{"lists", "map", 2}, "fun lists:map/2");
  check_text(erl::fun(erl::external_fun{"lists", "map", 2}), "fun lists:map/2");
  CHECK(refusal<erl::external_fun>("5", etf_errc::wrong_type) == ": expected external fun, got 5");
  CHECK(refusal<erl::fun>("5", etf_errc::wrong_type) == ": expected fun, got 5");
  std::size_t closures = 0;
  for (const auto& line : erl::test::load_vectors("etf.jsonl")) {
    const auto input = erl::test::from_hex(line.at("hex").as_string());
    if (input.size() < 2 || input[1] != std::byte{112})
      continue;
    ++closures;
    const auto value = erl::decode<erl::fun>(input);
    REQUIRE(value.has_value());
    CHECK_FALSE(value->external());
    CHECK(value->arity() == value->value().to_closure()->arity);
    CHECK(erl::encode(*value) == erl::encode(erl::to_term(*value)));
    CHECK(erl::decode<erl::external_fun>(input).error().detail.starts_with(
        "expected external fun, got "));
    using choice = std::variant<erl::external_fun, erl::fun>;
    CHECK(erl::decode<choice>(input).value().index() == 1);
  }
  CHECK(closures > 0);
}

TEST_CASE("bit strings travel both ways, and binaries are among them", "[typed]") {
  check_text(erl::bit_string{{std::byte{0xaa}, std::byte{0xa0}}, 11}, "<<170,5:3>>");
  check_text(erl::bit_string{{std::byte{1}}, 8}, "<<1>>");
  check_text(erl::bit_string{}, "<<>>");
  CHECK(refusal<erl::bit_string>("[]", etf_errc::wrong_type) == ": expected bit string, got []");
  CHECK_THROWS_AS(erl::encode(erl::bit_string{{}, 3}), std::invalid_argument);
}

TEST_CASE("durations are whole numbers of their unit, within its range", "[typed]") {
  using namespace std::chrono_literals;
  check_text(std::tuple(5ms, std::chrono::seconds(5), std::chrono::hours(-1), 7ns), "{5,5,-1,7}");
  check_text(std::chrono::milliseconds::max(), "9223372036854775807");
  CHECK(refusal<std::chrono::milliseconds>("9223372036854775808", etf_errc::out_of_range)
            .starts_with(": expected integer in "));
  CHECK(refusal<std::chrono::duration<std::int16_t>>("32768", etf_errc::out_of_range) ==
        ": expected integer in -32768..32767, got 32768");
  check_text(std::chrono::duration<double>(1.5), "1.5");
  CHECK(refusal<std::chrono::seconds>("1.5", etf_errc::wrong_type) ==
        ": expected integer, got 1.5");
}

TEST_CASE("a time-out is milliseconds or infinity", "[typed]") {
  using namespace std::chrono_literals;
  check_text(erl::timeout(), "infinity");
  check_text(erl::timeout(5s), "5000");
  check_text(erl::timeout(0ms), "0");
  CHECK(erl::timeout(-5s) == erl::timeout(0s));
  CHECK(refusal<erl::timeout>("-1", etf_errc::wrong_value) == ": expected a legal value, got -1");
  CHECK(refusal<erl::timeout>("never", etf_errc::wrong_type) ==
        ": expected infinity or integer, got never");
}
