// Bytes that are not, or hardly, external terms: our verdict beside that of OTP 29.
#include "support/vectors.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <string>
#include <vector>

using namespace erl;
using boost::json::object;

namespace {

/// Where we reject what OTP 29 accepts, and why. docs/malformed-differences.md holds the same
/// table.
const std::map<std::string, std::string> stricter = {
    {"ref_len0", "a reference without words: OTP reads a word past its end"},
    {"tag_73_internal", "an index into the sender's own atom table means nothing elsewhere"},
    {"tag_75_internal", "an index into the sender's own atom table means nothing elsewhere"},
};

std::vector<std::byte> repeat(std::string_view hex, std::size_t times) {
  std::vector<std::byte> once = erl::test::from_hex(hex);
  std::vector<std::byte> result;
  for (std::size_t i = 0; i < times; ++i)
    result.insert(result.end(), once.begin(), once.end());
  return result;
}

std::vector<std::byte> join(const std::vector<std::vector<std::byte>>& parts) {
  std::vector<std::byte> result = erl::test::from_hex("83");
  for (const auto& part : parts)
    result.insert(result.end(), part.begin(), part.end());
  return result;
}

std::vector<std::byte> large_integer(std::uint32_t size) {
  std::vector<std::byte> head = erl::test::from_hex("6f0000000000");
  for (std::size_t i = 0; i < 4; ++i)
    head[1 + i] = static_cast<std::byte>(size >> (24 - 8 * i));
  return join({head, repeat("ff", size)});
}

/// Inputs that are too long for the file.
std::vector<std::byte> generated(const std::string& name) {
  const std::map<std::string, std::uint32_t> integers = {{"largebig_524280", 524280},
                                                         {"largebig_524281", 524281},
                                                         {"largebig_1MB", 1U << 20},
                                                         {"largebig_over_limit_600k", 600000}};
  if (auto found = integers.find(name); found != integers.end())
    return large_integer(found->second);
  if (name == "deep_tuple_100000")
    return join({repeat("6801", 100000), repeat("6a", 1)});
  if (name == "deep_tuple_unterminated")
    return join({repeat("6801", 100000)});
  if (name == "deep_list_1000000")
    return join({repeat("6c00000001", 1000000), repeat("6a", 1000001)});
  if (name == "deep_map_value_50000")
    return join({repeat("74000000016101", 50000), repeat("6a", 1)});
  if (name == "deep_improper_tail_100000")
    return join({repeat("6c000000016101", 100000), repeat("6a", 1)});
  return {};
}

std::vector<std::byte> bytes_of(const object& vector) {
  std::vector<std::byte> bytes;
  if (const auto* hex = vector.at("hex").if_string())
    bytes = erl::test::from_hex(std::string(*hex));
  else
    bytes = generated(std::string(vector.at("name").as_string()));
  if (const auto* size = vector.if_contains("len"); size != nullptr)
    REQUIRE(static_cast<std::int64_t>(bytes.size()) == size->as_int64());
  return bytes;
}

/// What OTP 29 does.
std::string verdict_of(const object& vector) {
  const auto& expected = vector.at("expected");
  const auto& newest = expected.is_object() ? expected.as_object().at("29") : expected;
  return std::string(newest.as_string());
}

} // namespace

TEST_CASE("malformed terms get OTP's verdict, or a stricter one that is listed") {
  std::size_t differences = 0;
  for (const object& vector : erl::test::load_vectors("malformed.jsonl")) {
    if (vector.at("kind").as_string() != "etf")
      continue;
    std::string name(vector.at("name").as_string());
    INFO(name);
    auto result = decode_prefix(bytes_of(vector));
    if (!result)
      INFO(result.error().message());
    bool accepted = verdict_of(vector) == "accepted";
    if (stricter.contains(name)) {
      ++differences;
      CHECK(accepted);
      CHECK_FALSE(result.has_value());
      continue;
    }
    CHECK(result.has_value() == accepted);
    std::string detail(vector.at("detail").as_string());
    if (result && detail.starts_with("used "))
      CHECK(std::to_string(result->consumed) == detail.substr(5, detail.find(' ', 5) - 5));
  }
  CHECK(differences == stricter.size());
}

TEST_CASE("odd but legal terms have the value that OTP gives them") {
  for (const object& vector : erl::test::load_vectors("malformed.jsonl")) {
    if (vector.at("kind").as_string() != "etf" || !vector.at("hex").is_string() ||
        verdict_of(vector) != "accepted")
      continue;
    std::string name(vector.at("name").as_string());
    std::string text(vector.at("term").as_string());
    // Left out: texts that were too long, with a node's index, of OTP's map order, or in OTP's
    // older escapes.
    bool comparable = !text.empty() && text != "(big)" && !text.starts_with("<1") &&
                      !text.starts_with("<5") && !text.starts_with("#Ref") &&
                      text.find("\\x{") == std::string::npos && name != "map_big_ok";
    if (!comparable || stricter.contains(name))
      continue;
    INFO(name);
    auto result = decode_external(bytes_of(vector));
    REQUIRE(result);
    std::string printed = to_string(*result);
    CHECK((printed == text || printed.starts_with(text.substr(0, text.find("...")))));
  }
}
