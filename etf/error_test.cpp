#include <erl/etf/error.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace erl;

TEST_CASE("a decode error names the path, the reason and the byte") {
  CHECK(decode_error{etf_errc::wrong_type, 12, ".roles[2]", "expected atom, got 17"}.message() ==
        ".roles[2]: expected atom, got 17 (at byte 12)");
  CHECK(decode_error{.code = etf_errc::truncated, .offset = 3}.message() ==
        "the bytes end inside a term (at byte 3)");
}
