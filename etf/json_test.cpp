#include "support/vectors.hpp"
#include <erl/etf/builder.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/json.hpp>
#include <erl/etf/parse.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace erl;

namespace {

std::string json(std::string_view erlang, const to_json_options& options = {}) {
  const auto value = parse_term(erlang);
  REQUIRE(value);
  const auto result = to_json(*value, options);
  return result ? *result : "error: " + result.error().message();
}

std::string error_of(std::string_view text, const from_json_options& options = {}) {
  const auto result = from_json(text, options);
  return result ? to_string(*result) : result.error().message();
}

} // namespace

TEST_CASE("terms become the JSON that OTP 27 and 29 encode") {
  for (const auto& vector : erl::test::load_vectors("json_encode.jsonl")) {
    INFO(std::string(vector.at("expr").as_string()));
    CHECK(vector.at("27") == vector.at("29"));
    const auto value = decode_external(erl::test::from_hex(vector.at("hex").as_string()));
    REQUIRE(value);
    const auto text = to_json(*value);
    REQUIRE(text.has_value() == !vector.at("29").is_null());
    if (text)
      CHECK(*text == std::string(vector.at("29").as_string()));
  }
}

TEST_CASE("JSON becomes the term that OTP 27 and 29 decode, or is refused with them") {
  std::size_t refused = 0;
  for (const auto& vector : erl::test::load_vectors("json_decode.jsonl")) {
    const std::string text(vector.at("text").as_string());
    INFO(text);
    CHECK(vector.at("27") == vector.at("29"));
    const auto value = from_json(text);
    REQUIRE(value.has_value() == !vector.at("29").is_null());
    refused += value ? 0 : 1;
    if (value)
      CHECK(*value == *decode_external(erl::test::from_hex(vector.at("29").as_string())));
  }
  CHECK(refused > 30);
}

TEST_CASE("what JSON can hold comes back from it") {
  for (const char* text :
       {"#{}", "[]", "[[]]", "#{<<\"a\">> => [1, -2.5, <<>>, true, false, null]}", "0", "-0.0",
        "1234567890123456789012345678901234567890", "<<\"\\\"\\\\\\n\\x{1}\"/utf8>>",
        "<<\"å中\"/utf8>>", "1.0e300", "5.0e-324"}) {
    INFO(text);
    const term value = *parse_term(text);
    CHECK(*from_json(*to_json(value)) == value);
  }
}

TEST_CASE("atoms for null are a choice") {
  CHECK(json("[null, nil, undefined]") == R"([null,"nil","undefined"])");
  CHECK(json("[null, nil, undefined]", {.nil_is_null = true}) == R"([null,null,"undefined"])");
  CHECK(json("[null, nil, undefined]", {.undefined_is_null = true}) == R"([null,"nil",null])");
  CHECK(from_json("null")->is("null"));
  CHECK(from_json("[null]", {.null = "nil"})->head().is(atoms::nil));
}

TEST_CASE("maps become objects in the order of their keys") {
  CHECK(json("#{b => 1, <<\"a\">> => 2, 10 => 3, 2 => #{}}") == R"({"2":{},"10":3,"b":1,"a":2})");
}

TEST_CASE("what JSON does not have is named, with its place") {
  CHECK(json("{a, b}") == "error: JSON has nothing for {a,b}");
  CHECK(json("[1, #{<<\"users\">> => [x, #{roles => [{admin}]}]}]") ==
        "error: [1].users[1].roles[0]: JSON has nothing for {admin}");
  CHECK(json("#{k => [1 | 2]}") == "error: .k: JSON has no improper lists: the tail is 2");
  CHECK(json("#{[1] => 2}") == "error: .[1]: JSON has no key like [1]");
  CHECK(json("#{a => <<255>>}") == "error: .a: not UTF-8: <<\"\u00ff\">>");
  CHECK(json("<<1:3>>") == "error: JSON has nothing for <<1:3>>");
  CHECK(to_json(tuple_of(1)).error().code == etf_errc::wrong_type);
  CHECK(to_json(term::text("\xff")).error().code == etf_errc::bad_utf8);
}

TEST_CASE("bad JSON is refused with line, column and what was expected") {
  CHECK(error_of("[1,\n  2 3]") == "2:5: expected ',' or ']', got '3'");
  CHECK(error_of("{\"a\" 1}") == "1:6: expected ':', got '1'");
  CHECK(error_of("{1:2}") == "1:2: expected a key, got '1'");
  CHECK(error_of("tru") == "1:4: expected true, got the end");
  CHECK(error_of("trux") == "1:4: expected true, got 'x'");
  CHECK(error_of("[1] x") == "1:5: expected the end, got 'x'");
  CHECK(error_of("\"\xff\"") ==
        "1:2: expected a character of a string, got a byte that is not UTF-8");
  CHECK(error_of("\"\\ud83d\"") == "1:8: expected the second half of a character, got '\"'");
  CHECK(error_of("1e999") == "1:1: a float beyond the largest one");
  CHECK(from_json("[1,").error().code == etf_errc::truncated);
  CHECK(from_json("[1}").error().code == etf_errc::bad_syntax);
  CHECK(from_json("\xff").error().code == etf_errc::bad_utf8);
}

TEST_CASE("JSON stays within its limits") {
  CHECK(error_of("[[1]]", {.bounds = {.depth = 2}}) == "[[1]]");
  CHECK(error_of("[[1]]", {.bounds = {.depth = 1}}) == "1:2: nested too deep");
  CHECK(from_json("{\"a\":1,\"b\":2}", {.bounds = {.arity = 1}}).error().code ==
        etf_errc::arity_too_large);
  CHECK(from_json("\"" + std::string(2000, 'a') + "\"", {.bounds = {.bytes = 1000}}).error().code ==
        etf_errc::too_large);
  CHECK(from_json(std::string(100001, '9')).error().code == etf_errc::integer_too_large);
}

TEST_CASE("deep JSON is read and written without recursion") {
  constexpr std::size_t levels = 200000;
  const std::string text = std::string(levels, '[') + std::string(levels, ']');
  const auto value = from_json(text);
  REQUIRE(value);
  CHECK(*to_json(*value) == text);
  CHECK(from_json(std::string(levels, '[')).error().code == etf_errc::truncated);
  std::string maps;
  for (std::size_t i = 0; i < levels; ++i)
    maps += "{\"a\":";
  maps += "1" + std::string(levels, '}');
  CHECK(*to_json(*from_json(maps)) == maps);
}
