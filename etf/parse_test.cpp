#include "support/vectors.hpp"
#include <erl/etf/builder.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/parse.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <string>
#include <vector>

using namespace erl;

namespace {

/// Texts that OTP 29 reads and we do not.
const std::map<std::string, const char*> not_read = {
    {"-(1)", "a sign before parentheses"},
    {"16#fe.fe", "a float of another base, of OTP 29"},
    {"16#0.8#e1", "a float of another base, of OTP 29"},
    {"<<1.5:16/float>>", "a float of 16 bits"},
    {"<<<<1>>/binary>>", "a binary in a binary"},
    {"<<(<<1>>)/binary>>", "a binary in a binary"},
    {"<< <<1>>/binary >>", "a binary in a binary"},
    {"<<~\"abc\"/binary>>", "a binary in a binary"},
    {"<<(1)>>", "parentheses in a binary"},
    {"<<(-1)>>", "parentheses in a binary"},
    {"<<1.0e300:32/float>>", "OTP writes an infinite float, which no term can be read from"},
};

std::string error_of(std::string_view text, const limits& bounds = {}) {
  const auto result = parse_term(text, bounds);
  return result ? "none" : result.error().message();
}

etf_errc code_of(std::string_view text, const limits& bounds = {}) {
  const auto result = parse_term(text, bounds);
  return result ? etf_errc::none : result.error().code;
}

} // namespace

TEST_CASE("texts mean what OTP 29 takes them for, and what it refuses is refused") {
  std::size_t refused = 0;
  for (const auto& vector : erl::test::load_vectors("parse.jsonl")) {
    const std::string text(vector.at("text").as_string());
    INFO(text);
    const auto result = parse_term(text);
    if (!result) {
      INFO(result.error().message());
      CHECK_FALSE(result.error().detail.empty());
      CHECK((vector.at("29").is_null() || not_read.contains(text)));
      ++refused;
      continue;
    }
    if (text == "\"\\x{fffe}\"") // which OTP prints but does not read
      continue;
    REQUIRE_FALSE(vector.at("29").is_null());
    std::vector<std::byte> encoded;
    encode_external(*result, encoded);
    const auto wanted = decode_external(erl::test::from_hex(vector.at("29").as_string()));
    REQUIRE(wanted);
    CHECK(*result == *wanted);
    CHECK_FALSE(not_read.contains(text));
  }
  CHECK(refused > 100);
}

TEST_CASE("every term that has a text form comes back from it") {
  std::size_t compared = 0;
  for (const auto& vector : erl::test::load_vectors("etf.jsonl")) {
    const auto value = decode_external(erl::test::from_hex(vector.at("hex").as_string()));
    REQUIRE(value);
    for (const print_style style :
         {print_style::pretty, print_style::plain, print_style::plain_latin1}) {
      const std::string text = to_string(*value, style);
      INFO(text.substr(0, 200));
      const auto again = parse_term(text);
      if (again) {
        CHECK(*again == *value);
        ++compared;
      } else {
        // Identifiers, closures and records.
        CHECK(text.find_first_of("<#") != std::string::npos);
        CHECK((again.error().detail.find("no text that can be read back") != std::string::npos ||
               again.error().detail.find("records cannot be read") != std::string::npos));
      }
    }
  }
  CHECK(compared > 1400);
}

TEST_CASE("the terms of a file are read one after the other") {
  const auto terms = parse_terms("%% -*- erlang -*-\n{a, 1}.\n\n[\"b\"]. % c\n#{}.");
  REQUIRE(terms);
  REQUIRE(terms->size() == 3);
  CHECK(to_string((*terms)[0]) == "{a,1}");
  CHECK(to_string((*terms)[1]) == "[\"b\"]");
  CHECK(to_string((*terms)[2]) == "#{}");
  CHECK(parse_terms("")->empty());
  CHECK(parse_terms(" % nothing\n")->empty());
  CHECK(parse_terms("a.\nb").error().message() == "2:2: expected a full stop, got the end");
  CHECK(parse_terms("a\nb.").error().message() == "2:1: expected a full stop, got 'b'");
  CHECK(parse_terms("a..").error().code == etf_errc::bad_syntax);
}

TEST_CASE("configuration files of Erlang are read") {
  const auto config = parse_terms(R"([{server, [
      {certfile, "/etc/ssl/node.pem"}, {verify, verify_peer},
      {versions, ['tlsv1.3', 'tlsv1.2']}]},   % for both directions
    {client, [{depth, 16#2}, {server_name_indication, disable}]}].
)");
  REQUIRE(config);
  CHECK(to_string(config->front()) ==
        "[{server,[{certfile,\"/etc/ssl/"
        "node.pem\"},{verify,verify_peer},{versions,['tlsv1.3','tlsv1.2']}]},"
        "{client,[{depth,2},{server_name_indication,disable}]}]");
}

TEST_CASE("errors say what was expected, what came, and where") {
  CHECK(error_of("{a,\n 'b' c}") == "2:6: expected ',' or '}', got 'c'");
  CHECK(error_of("[1|2,3]") == "1:5: expected ']', got ','");
  CHECK(error_of("[a|b|c]") == "1:5: expected ']', got '|'");
  CHECK(error_of("#{a => }") == "1:8: expected a term, got '}'");
  CHECK(error_of("#{a = 1}") == "1:5: expected '=>', got '='");
  CHECK(error_of("") == "1:1: expected a term, got the end");
  CHECK(error_of("{\xc3\xa5, X}") == "1:5: expected a term, got 'X'");
  CHECK(error_of("a b") == "1:3: expected the end, got 'b'");
  CHECK(error_of("case") == "1:1: expected a term, got 'case'");
  CHECK(error_of("12a") == "1:3: expected a separator, got 'a'");
  CHECK(error_of("2#12") == "1:4: expected a separator, got '2'");
  CHECK(error_of("16#") == "1:4: expected a digit of base 16, got the end");
  CHECK(error_of("\"abc") == "1:1: a string without its closing quote");
  CHECK(error_of("\"a\\x{110000}\"") == "1:5: not the number of a character");
  CHECK(error_of("{self, <0.1.0>}") == "1:8: a pid has no text that can be read back");
  CHECK(error_of("#Ref<0.1.2>") ==
        "1:1: references, ports and closures have no text that can be read back");
  CHECK(error_of("<<1.5>>") == "1:3: a float in a segment of integers");
  CHECK(error_of("-a") == "1:2: expected a number, got 'a'");
  CHECK(error_of("\n\n  \"\"\"\n   a\n b\n   \"\"\"") ==
        "5:1: a line with less indentation than the last one");
  CHECK(error_of("{a \"first\nsecond\"") == "1:4: expected ',' or '}', got '\"first'");
  CHECK(error_of("a 'a name of more than forty characters \u00e5\u00e5'") ==
        "1:3: expected the end, got ''a name of more than forty characters \u00e5'");
  CHECK(error_of("{a\xff}") == "1:3: the text is not UTF-8");
  CHECK(error_of(std::string(200, '(') + std::string(5, ')')) == "1:201: expected a term, got ')'");
}

TEST_CASE("the code of an error says whether more text could help") {
  for (const char* text : {"", "{a", "[1,", "#{a=>", "\"abc", "'a", "<<1", "<<1:", "fun m:", "$",
                           "16#", "~", "\"a\\", "\"\"\"\n a", "-", "\"\\x{4"})
    CHECK(code_of(text) == etf_errc::truncated);
  for (const char* text : {"}", "{a]", "[|", "#{a}", "<<a", "fun m/", "~x", "37#1"})
    CHECK(code_of(text) == etf_errc::bad_syntax);
  CHECK(code_of("'\xff'") == etf_errc::bad_utf8);
  CHECK(code_of("1.0e999") == etf_errc::bad_float);
}

TEST_CASE("a text stays within its limits") {
  CHECK(code_of("[[[1]]]", {.depth = 3}) == etf_errc::none);
  CHECK(code_of("[[[1]]]", {.depth = 2}) == etf_errc::too_deep);
  CHECK(code_of("{1,2,3}", {.arity = 2}) == etf_errc::arity_too_large);
  CHECK(code_of("#{1=>2,3=>4}", {.arity = 1}) == etf_errc::arity_too_large);
  CHECK(code_of("\"" + std::string(1000, 'a') + "\"", {.bytes = 1000}) == etf_errc::too_large);
  CHECK(code_of("{parse_test_new_1, parse_test_new_2}", {.new_atoms = 1}) ==
        etf_errc::too_many_new_atoms);
  CHECK(code_of("{parse_test_new_1, ok}", {.new_atoms = 0}) == etf_errc::none);
  CHECK(code_of(std::string(256, 'a')) == etf_errc::atom_too_long);
  CHECK(code_of("<<0:8000000,0:8000000>>") == etf_errc::too_large);
  CHECK(code_of("<<0:100000000000000000000>>") == etf_errc::out_of_range);
  CHECK(code_of("<<\"" + std::string(1000, 'a') + "\":65536/unit:256>>") == etf_errc::too_large);
  CHECK(code_of(std::string(100001, '9')) == etf_errc::integer_too_large);
  CHECK(code_of("16#" + std::string(10, 'f'), {.digits = 10}) == etf_errc::none);
  CHECK(code_of("16#" + std::string(11, 'f'), {.digits = 10}) == etf_errc::integer_too_large);
  CHECK(code_of("2#" + std::string(4194241, '1'), {.digits = 5000000}) ==
        etf_errc::integer_too_large);
}

TEST_CASE("deep texts are read without recursion") {
  constexpr std::size_t levels = 200000;
  for (const auto& [open, close] :
       {std::pair("[", "]"), {"{", "}"}, {"(", ")"}, {"[a|", "]"}, {"#{a=>", "}"}}) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i)
      text += open;
    text += "x";
    for (std::size_t i = 0; i < levels; ++i)
      text += close;
    const auto value = parse_term(text);
    REQUIRE(value);
    CHECK(*value == *parse_term(to_string(*value)));
    CHECK(code_of(text.substr(0, levels)) == etf_errc::truncated);
  }
}

TEST_CASE("large integers keep all of their digits") {
  const std::string digits = "1" + std::string(5000, '7');
  CHECK(to_string(*parse_term(digits)) == digits);
  CHECK(to_string(*parse_term("-" + digits)) == "-" + digits);
  CHECK(*parse_term("16#" + std::string(300, 'f')) ==
        *parse_term("16#0000" + std::string(300, 'F')));
}

TEST_CASE("many short texts of large binaries make no more than one may") {
  std::string text = "[";
  for (int i = 0; i < 100; ++i)
    text += "<<0:8388608>>,";
  text += "0]";
  CHECK(code_of(text) == etf_errc::too_large);
}
