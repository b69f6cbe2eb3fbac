#include "dist/flags.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace erl::dist;

TEST_CASE("a node advertises what OTP 29 does", "[flags]") {
  CHECK(advertised(false) == 0x6d07df7fbc);
  CHECK(advertised(true) == 0x6d07df7fbd);
}

TEST_CASE("the digest flag stands for everything that OTP 25 demands", "[flags]") {
  CHECK(expand_digest(flags::mandatory_25_digest) ==
        (flags::mandatory_25_digest | flags::mandatory_25));
  CHECK(expand_digest(flags::spawn) == flags::spawn);
}

TEST_CASE("missing flags are named", "[flags]") {
  CHECK(describe_missing(flags::big_creation | flags::v4_nc) ==
        "it lacks the mandatory distribution flags BIG_CREATION, V4_NC; OTP 25 or later has them");
  CHECK(describe_missing(flags::unlink_id) ==
        "it lacks the mandatory distribution flag UNLINK_ID; OTP 25 or later has it");
}

TEST_CASE("flags without a name are shown as numbers", "[flags]") {
  CHECK(flag_names(flag_set{1} << 63U | flags::published) == "PUBLISHED, 0x8000000000000000");
  CHECK(flag_names(0).empty());
}
