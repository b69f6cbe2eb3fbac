#include <erl/etf/builder.hpp>
#include <erl/etf/match.hpp>
#include <erl/etf/parse.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <stdexcept>
#include <string>

using namespace erl;

namespace {

bool matches(std::string_view pattern_text, std::string_view term_text) {
  const auto made = pattern::parse(pattern_text);
  REQUIRE(made);
  const auto value = parse_term(term_text);
  REQUIRE(value);
  return made->matches(*value);
}

std::string refusal(std::string_view text) {
  const auto made = pattern::parse(text);
  return made ? "none" : made.error().message();
}

} // namespace

TEST_CASE("variables are bound to the parts that they stand for") {
  const pattern call("{'$gen_call', {Pid, _}, {add, A, B}}");
  const pid caller{"a@b", 1, 2, 3};
  const term message =
      tuple_of(atom("$gen_call"), tuple_of(caller, 7), tuple_of(atom("add"), 1, "x"));
  const auto bound = call.match(message);
  REQUIRE(bound);
  CHECK(bound->size() == 3);
  CHECK((*bound)["Pid"].to_pid() == caller);
  CHECK((*bound)["A"].to_int64() == 1);
  CHECK((*bound)[2].to_text() == "x");
  CHECK(call.variables().size() == 3);
  CHECK(call.variables()[1] == "A");
  CHECK_THROWS_AS((*bound)["C"], std::out_of_range);
  CHECK_FALSE(call.matches(atoms::ok));
}

TEST_CASE("a variable that comes twice stands for exactly equal terms") {
  CHECK(matches("{X, X}", "{1, 1}"));
  CHECK_FALSE(matches("{X, X}", "{1, 1.0}"));
  CHECK(matches("[X, {X} | X]", "[[a], {[a]} | [a]]"));
  CHECK_FALSE(matches("[X, {X} | X]", "[[a], {[b]} | [a]]"));
  CHECK(matches("#{a := X, b := X}", "#{a => 1, b => 1, c => 2}"));
  CHECK_FALSE(matches("#{a := X, b := X}", "#{a => 1, b => 2}"));
  CHECK(matches("{_, _}", "{1, 2}"));
  CHECK_FALSE(matches("{_A, _A}", "{1, 2}"));
}

TEST_CASE("constants in patterns must be exactly equal") {
  CHECK(matches("{1, 1.0, a, \"s\", <<\"b\">>, [], {}, fun m:f/1}",
                "{1, 1.0, a, \"s\", <<\"b\">>, [], {}, fun m:f/1}"));
  CHECK_FALSE(matches("1", "1.0"));
  CHECK_FALSE(matches("0.0", "-0.0"));
  CHECK_FALSE(matches("{a}", "{a, b}"));
  CHECK_FALSE(matches("[]", "{}"));
  CHECK_FALSE(matches("<<1>>", "<<1:7>>"));
  CHECK(matches("123456789012345678901234567890", "123456789012345678901234567890"));
}

TEST_CASE("lists match by their elements and their tails") {
  CHECK(matches("[H | T]", "[1]"));
  CHECK(matches("[H | T]", "[1, 2 | 3]"));
  CHECK_FALSE(matches("[H | T]", "[]"));
  CHECK(matches("[A, B]", "[1, 2]"));
  CHECK_FALSE(matches("[A, B]", "[1]"));
  CHECK_FALSE(matches("[A, B]", "[1, 2, 3]"));
  CHECK_FALSE(matches("[A, B]", "[1, 2 | 3]"));
  CHECK(matches("[A | {B}]", "[1 | {2}]"));
  CHECK_FALSE(matches("[A | {B}]", "[1, {2}]"));
  const auto value = *parse_term("[1, 2, 3 | x]");
  const pattern front("[A, B | Rest]");
  const auto bound = front.match(value);
  REQUIRE(bound);
  CHECK(to_string((*bound)["Rest"]) == "[3|x]");
  CHECK(matches("[{[{A} | {B}], C} | {[D | {E}]}]", "[{[{1} | {2}], 3} | {[4 | {5}]}]"));
}

TEST_CASE("a map matches when it has the keys of the pattern") {
  const pattern user("#{name := Name, 1 := {ok, #{x := X}}}");
  const auto value =
      *parse_term("#{1 => {ok, #{x => y, z => w}}, name => <<\"Ada\">>, more => []}");
  const auto bound = user.match(value);
  REQUIRE(bound);
  CHECK((*bound)["Name"].to_text() == "Ada");
  CHECK((*bound)["X"].is("y"));
  CHECK(matches("#{}", "#{a => 1}"));
  CHECK_FALSE(matches("#{}", "[]"));
  CHECK_FALSE(matches("#{1.0 := _}", "#{1 => a}"));
  CHECK(matches("#{#{a => [b]} := _}", "#{#{a => [b]} => 1}"));
  CHECK_FALSE(matches("#{#{a => [b]} := _}", "#{#{a => [b], c => d} => 1}"));
}

TEST_CASE("what is bound can outlive the term that it is part of") {
  std::optional<term> kept;
  {
    const term whole = tuple_of(atoms::ok, list_of("text", 1));
    const pattern ok("{ok, Rest}");
    kept = whole.share((*ok.match(whole))["Rest"]);
  }
  CHECK(to_string(*kept) == "[<<\"text\">>,1]");
}

TEST_CASE("patterns say what is wrong with them, and where") {
  CHECK(refusal("{a, ") == "1:5: expected a term, got the end");
  CHECK(refusal("#{a => B}") == "1:5: expected ':=', got '=>'");
  CHECK(refusal("#{A := B}") == "1:3: a variable in a key of a map");
  CHECK(refusal("#{{A} := B}") == "1:4: a variable in a key of a map");
  CHECK(refusal("{A} B") == "1:5: expected the end, got 'B'");
  CHECK_THROWS_AS(pattern("{a"), std::invalid_argument);
  CHECK(refusal(std::string(65, '{')) == "1:65: nested too deep");
  std::string many;
  for (int i = 0; i < 33; ++i)
    many += (i == 0 ? "{V" : ",V") + std::to_string(i);
  CHECK(refusal(many + "}").ends_with("more than 32 variables"));
}

TEST_CASE("the deepest pattern of any shape matches") {
  for (const auto& [open, close] : {std::pair("{", "}"),
                                    {"[", "]"},
                                    {"[{a}|", "]"},
                                    {"[{", "}|{b}]"},
                                    {"#{a := ", "}"},
                                    {"[x,", "|{}]"}}) {
    std::string text;
    const std::size_t brackets = std::string_view(open).starts_with("[{") && open[2] == 0 ? 2 : 1;
    for (std::size_t i = 0; i < 60 / brackets; ++i)
      text += open;
    text += "z";
    for (std::size_t i = 0; i < 60 / brackets; ++i)
      text += close;
    std::string as_term = text;
    for (std::size_t at = as_term.find(":="); at != std::string::npos; at = as_term.find(":="))
      as_term.replace(at, 2, "=>");
    INFO(text);
    CHECK(matches(text, as_term));
  }
}
