#include "etf/typed_test.hpp"
#include <erl/etf/charlist.hpp>
#include <erl/etf/std_duration.hpp>
#include <erl/etf/std_map.hpp>

#include <array>
#include <cstdint>
#include <expected>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

using namespace typed_test;
using erl::etf_errc;

TEST_CASE("tuples, pairs and arrays are tuples", "[typed]") {
  check_both_ways(std::tuple<>(), "836800");
  check_both_ways(std::tuple(1, std::string("a")), "83680261016d0000000161");
  check_both_ways(std::pair(1, true), "83680261017704"
                                      "74727565");
  check_both_ways(std::array<int, 3>{1, 2, 3}, "8368036101610"
                                               "26103");
  check_both_ways(std::tuple(std::tuple(1), erl::is<"ok">{}), "83680268016101"
                                                              "77026f6b");
  check_decodes("8369000000026101"
                "6102",
                std::pair(1, 2));
  CHECK(check_refuses<std::pair<int, int>>("8368036101610"
                                           "26103",
                                           etf_errc::wrong_arity)
            .detail == "expected {_,_}, got {1,2,3}");
  const auto error = check_refuses<std::tuple<int, int>>("83680261017702"
                                                         "6f6b",
                                                         etf_errc::wrong_type);
  CHECK(error.path == "[1]");
  CHECK(error.offset == 5);
  CHECK(error.detail == "expected integer, got ok");
}

TEST_CASE("a vector of small integers is STRING_EXT, like OTP's", "[typed]") {
  check_both_ways(std::vector<int>{}, "836a");
  check_both_ways(std::vector<int>{1, 2, 255}, "836b00030102ff");
  check_both_ways(std::vector<std::uint8_t>{97, 97}, "836b00026161");
  check_both_ways(std::vector<int>{1, 256}, "836c0000000261016200000100"
                                            "6a");
  check_both_ways(std::vector<std::variant<int, bool>>{1, 2}, "836b00020102");
  check_both_ways(std::vector<std::optional<int>>{1, 2}, "836b00020102");
  check_both_ways(std::vector<std::optional<int>>{1, std::nullopt},
                  "836c0000000261017709756e646566696e65646a");
  check_both_ways(std::vector<std::vector<int>>{{1}, {}, {300}}, "836c000000036b000101"
                                                                 "6a6c00000001620000012c6a6a");
  check_both_ways(std::vector<bool>{true, false}, "836c000000027704747275657705"
                                                  "66616c73656a");
}

TEST_CASE("STRING_EXT is accepted wherever a list of integers is wanted", "[typed]") {
  check_decodes("836b00020102", std::vector<double>{1.0, 2.0});
  check_decodes("836b00020102", std::vector<erl::term>{1, 2});
  check_decodes("836b00020102", std::vector<std::int64_t>{1, 2});
  check_decodes("836b0000", std::vector<int>{});
  check_decodes("836c0000000261016102"
                "6a",
                std::vector<int>{1, 2});
  const auto error = check_refuses<std::vector<std::string>>("836b00026161", etf_errc::wrong_type);
  CHECK(error.path == "[0]");
  CHECK(error.detail == "expected binary, got 97");
}

TEST_CASE("65535 small integers are STRING_EXT and one more is LIST_EXT", "[typed]") {
  const std::vector<int> most(65535, 7), more(65536, 7);
  CHECK(erl::encode(most).size() == 1 + 3 + 65535);
  CHECK(erl::encode(more).size() == 1 + 5 + 2 * 65536 + 1);
  CHECK(erl::decode<std::vector<int>>(erl::encode(most)).value() == most);
  CHECK(erl::decode<std::vector<int>>(erl::encode(more)).value() == more);
  std::vector<std::byte> encoded;
  erl::encode_external(erl::to_term(more), encoded);
  CHECK(encoded == erl::encode(more));
}

TEST_CASE("a list whose tail is a list is one list", "[typed]") {
  check_decodes("836c0000000161016b00020203", std::vector<int>{1, 2, 3});
  check_decodes("836c0000000161016c0000000161026a", std::vector<int>{1, 2});
  check_decodes("836c000000006a", std::vector<int>{});
}

TEST_CASE("an improper list is no list", "[typed]") {
  CHECK(erl::decode<std::vector<int>>(bytes("836c0000000161017702"
                                            "6f6b"))
            .error()
            .code == etf_errc::wrong_type);
  CHECK(erl::decode<std::vector<int>>(tree("836c0000000161017702"
                                           "6f6b"))
            .error()
            .detail == "expected proper list, got [1|ok]");
}

TEST_CASE("optional takes undefined and nil for nothing", "[typed]") {
  check_both_ways(std::optional<int>(5), "836105");
  check_both_ways(std::optional<int>(), "837709756e646566696e6564");
  check_decodes("8377036e696c", std::optional<int>());
  check_refuses<std::optional<int>>("8377026f6b", etf_errc::wrong_type);
  check_both_ways(std::monostate{}, "837709756e646566696e6564");
  check_refuses<std::monostate>("8377026f6b", etf_errc::wrong_value);
}

TEST_CASE("expected is {ok, X} or {error, R}", "[typed]") {
  using result = std::expected<int, erl::atom>;
  check_both_ways(result(5), "83680277026f6b6105");
  check_both_ways(result(std::unexpected(erl::atom("enoent"))), "83680277056572726f72770"
                                                                "6656e6f656e74");
  using done = std::expected<void, erl::atom>;
  check_both_ways(done(), "8377026f6b");
  check_both_ways(done(std::unexpected(erl::atom("enoent"))), "83680277056572726f72770"
                                                              "6656e6f656e74");
  CHECK(check_refuses<result>("836105", etf_errc::wrong_type).detail ==
        "expected {ok,_} or {error,_}, got 5");
  check_refuses<result>("8377026f6b", etf_errc::wrong_type);
  CHECK(check_refuses<result>("83680277026f6b6a", etf_errc::wrong_type).path == "[1]");
}

TEST_CASE("variant takes the first alternative whose head fits", "[typed]") {
  using value = std::variant<erl::is<"none">, std::uint8_t, std::int64_t, double, bool, std::string,
                             erl::atom, std::tuple<erl::is<"ok">, int>,
                             std::tuple<erl::is<"error">, erl::atom>, std::vector<int>, erl::term>;
  const auto index = [](std::string_view hex) {
    const auto from_bytes = erl::decode<value>(bytes(hex)).value().index();
    CHECK(erl::decode<value>(tree(hex)).value().index() == from_bytes);
    return from_bytes;
  };
  CHECK(index("8377046e6f6e65") == 0);
  CHECK(index("8361ff") == 1);
  CHECK(index("836200000100") == 2);
  CHECK(index("83463ff8000000000000") == 3);
  CHECK(index("83770474727565") == 4);
  CHECK(index("836d0000000161") == 5);
  CHECK(index("8377026f6b") == 6);
  CHECK(index("83680277026f6b6101") == 7);
  CHECK(index("83680277056572726f7277026f6b") == 8);
  CHECK(index("836a") == 9);
  CHECK(index("836b000101") == 9);
  CHECK(index("836800") == 10);
  CHECK(index("836e0900010000000000000002") == 10);
  check_both_ways(value(std::string("x")), "836d0000000178");
}

TEST_CASE("a variant commits to the alternative whose head fits", "[typed]") {
  using value = std::variant<std::tuple<erl::is<"ok">, int>, int>;
  const auto error = check_refuses<value>("83680277026f6b6a", etf_errc::wrong_type);
  CHECK(error.path == "[1]");
  CHECK(error.detail == "expected integer, got []");
  CHECK(check_refuses<value>("836a", etf_errc::wrong_type).detail ==
        "expected {_,_} or integer, got []");
}

TEST_CASE("maps are written in the order of their keys", "[typed]") {
  check_both_ways(std::map<std::string, int>{{"b", 2}, {"a", 1}},
                  "8374000000026d000000016161016d00000001626102");
  check_both_ways(std::map<int, int>{{-1, 1}, {300, 2}},
                  "83740000000262ffffffff6101620000012c6102");
  check_both_ways(std::unordered_map<int, int>{{5, 1}, {-1, 2}, {3, 3}},
                  "83740000000362ffffffff610261036103"
                  "61056101");
  using key = std::variant<int, double, std::string>;
  check_both_ways(std::map<key, int>{{1.5, 1}, {7, 2}, {"x", 3}},
                  "837400000003610761024"
                  "63ff800000000000061016d00000001786103");
  check_both_ways(std::map<int, int>{}, "837400000000");
  check_refuses<std::map<int, int>>("836a", etf_errc::wrong_type);
  CHECK(check_refuses<std::map<int, int>>("837400000002610161016102"
                                          "6a",
                                          etf_errc::wrong_type)
            .path == "[1]");
}

TEST_CASE("of equal keys the last stays, as in a term", "[typed]") {
  const std::map<std::variant<std::uint8_t, std::int64_t>, int> twice{{std::uint8_t{1}, 1},
                                                                      {std::int64_t{1}, 2}};
  CHECK(erl::test::to_hex(erl::encode(twice)) == "83740000000161016102");
  std::vector<std::byte> encoded;
  erl::encode_external(erl::to_term(twice), encoded);
  CHECK(erl::test::to_hex(encoded) == "83740000000161016102");
}

TEST_CASE("a key that comes twice is refused", "[typed]") {
  CHECK(erl::decode<std::map<int, int>>(bytes("8374000000026101610161016102")).error().code ==
        etf_errc::duplicate_key);
}

TEST_CASE("durations travel as the integer of their unit", "[typed]") {
  check_both_ways(std::chrono::milliseconds(5000), "836200001388");
  check_both_ways(std::chrono::seconds(5), "836105");
}

TEST_CASE("charlists are UTF-8 in C++ and characters in Erlang", "[typed]") {
  check_both_ways(erl::charlist{"abc"}, "836b0003616263");
  check_both_ways(erl::charlist{"\xe4\xb8\xad"}, "836c000000016200004e2d6a");
  check_refuses<erl::charlist>("836c00000001620000d8006a", etf_errc::wrong_value);
  CHECK_THROWS_AS(erl::encode(erl::charlist{"\xff"}), std::invalid_argument);
}

TEST_CASE("a term in front of others tells how many bytes it took", "[typed]") {
  const auto first = erl::decode_prefix<int>(bytes("836105836106"));
  REQUIRE(first.has_value());
  CHECK(first->value == 5);
  CHECK(first->consumed == 3);
  CHECK(erl::decode<int>(bytes("836105ffff")).value() == 5);
}

TEST_CASE("compressed input is read, but not borrowed from", "[typed]") {
  const std::vector<std::string> value(20, "abcdefgh");
  const auto packed = erl::encode_compressed(erl::to_term(value));
  REQUIRE(packed[1] == std::byte{80});
  CHECK(erl::decode<std::vector<std::string>>(packed).value() == value);
  CHECK(erl::decode<std::vector<erl::term>>(packed).value().back() == erl::term::text("abcdefgh"));
  CHECK(erl::decode_prefix<std::vector<std::string>>(packed).value().consumed == packed.size());
  CHECK(erl::decode<std::vector<std::string_view>>(packed).error().code == etf_errc::wrong_type);
}
