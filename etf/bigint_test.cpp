#include <erl/etf/bigint.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace erl;

namespace {

bigint number(const char* digits) { return bigint::parse(digits).value(); }

} // namespace

TEST_CASE("decimal text survives the way in and out") {
  for (std::string text : {"0", "1", "-1", "18446744073709551615", "18446744073709551616",
                           "-340282366920938463463374607431768211456",
                           "10000000000000000000000000000000000000000000000000000000000000001"})
    CHECK(number(text.c_str()).to_string() == text);
  CHECK(number("-0") == bigint());
  CHECK(number("+0007") == bigint(std::int64_t{7}));
  for (const char* text : {"", "-", "+", "1a", " 1", "0x1"})
    CHECK_FALSE(bigint::parse(text));
}

TEST_CASE("random numbers of many words survive the way to decimal text and back") {
  std::mt19937_64 random(7);
  for (std::size_t size = 1; size < 60; ++size) {
    std::vector<std::uint64_t> words(size);
    for (auto& word : words)
      word = random() >> random() % 64;
    bigint value(size % 2 == 0, words);
    CHECK(bigint::parse(value.to_string()) == value);
  }
}

TEST_CASE("64-bit values are found exactly at their borders") {
  CHECK(number("9223372036854775807").to_int64() == std::numeric_limits<std::int64_t>::max());
  CHECK_FALSE(number("9223372036854775808").to_int64());
  CHECK(number("-9223372036854775808").to_int64() == std::numeric_limits<std::int64_t>::min());
  CHECK_FALSE(number("-9223372036854775809").to_int64());
  CHECK(number("18446744073709551615").to_uint64() == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(number("18446744073709551616").to_uint64());
  CHECK_FALSE(number("-1").to_uint64());
  CHECK(bigint(std::numeric_limits<std::int64_t>::min()).to_string() == "-9223372036854775808");
}

TEST_CASE("the nearest double is chosen, ties to even") {
  CHECK(number("9007199254740993").to_double() == 9007199254740992.0);
  CHECK(number("9007199254740995").to_double() == 9007199254740996.0);
  CHECK(number("36893488147419107329").to_double() == 36893488147419111424.0);
  CHECK(number("36893488147419107328").to_double() == 36893488147419103232.0);
  CHECK(number("-18446744073709551616").to_double() == -18446744073709551616.0);
  std::vector<std::uint64_t> huge(17, 0);
  huge.back() = 1;
  CHECK_FALSE(bigint(false, huge).to_double());
}

TEST_CASE("order is by sign and then by size") {
  const char* sorted[] = {"-18446744073709551617", "-18446744073709551616", "-1", "0", "1",
                          "18446744073709551616",  "18446744073709551617"};
  for (std::size_t i = 0; i < std::size(sorted); ++i)
    for (std::size_t j = 0; j < std::size(sorted); ++j)
      CHECK((compare(number(sorted[i]), number(sorted[j])) < 0) == (i < j));
}

TEST_CASE("leading zeros do not count, and there is no negative zero") {
  CHECK(bigint(true, std::array<std::uint64_t, 3>{0, 0, 0}) == bigint());
  CHECK(bigint(false, std::array<std::uint64_t, 2>{5, 0}) == bigint(std::uint64_t{5}));
}

TEST_CASE("more than 524280 bytes are refused") {
  std::vector<std::uint64_t> words(bigint::max_bytes / 8 + 1, 1);
  CHECK_THROWS_AS(bigint(false, words), std::length_error);
  words.pop_back();
  CHECK(bigint(false, words).magnitude().size() == words.size());
}
