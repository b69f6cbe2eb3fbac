#include "base/memory_driver.hpp"
#include "dist/digest.hpp"
#include "support/vectors.hpp"

#include <catch2/catch_test_macros.hpp>

#include <optional>

using namespace erl;
using namespace erl::dist;

TEST_CASE("the digest is the one that OTP sent for the same cookie and challenge", "[digest]") {
  const auto digest = challenge_digest("vectors", 1446400308);
  REQUIRE(digest);
  CHECK(test::to_hex(*digest) == "015a6ca4413213684b07e5e648f876e6");
}

TEST_CASE("digests differ when one bit does", "[digest]") {
  auto one = *challenge_digest("cookie", 1);
  auto other = one;
  CHECK(same_digest(one, other));
  other[15] ^= std::byte{1};
  CHECK_FALSE(same_digest(one, other));
}

TEST_CASE("a challenge is outstanding as long as its entry lives", "[digest]") {
  memory_network network;
  memory_driver driver(network);
  challenge_set challenges;
  auto first = challenges.draw(driver);
  std::optional<challenge_set::entry> second = challenges.draw(driver);
  const auto number = second->challenge();
  CHECK(challenges.contains(first.challenge()));
  CHECK(challenges.contains(number));
  const auto moved = std::move(*second);
  second.reset();
  CHECK(challenges.contains(number));
  first = {};
  CHECK(challenges.size() == 1);
}
