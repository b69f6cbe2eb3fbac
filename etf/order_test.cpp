#include "support/vectors.hpp"
#include <erl/etf/builder.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace erl;
using boost::json::object;

namespace {

term from_hex(const boost::json::value& hex) {
  auto result = decode_external(erl::test::from_hex(std::string(hex.as_string())));
  REQUIRE(result);
  return *result;
}

char sign(int order) { return order < 0 ? '<' : order > 0 ? '>' : '='; }

/// Told by OTP 27 or later, which keep 0.0 and -0.0 apart.
bool is_current(const object& vector) {
  const auto& releases = vector.at("otp").as_array();
  return std::ranges::any_of(releases, [](const auto& release) { return release != "25"; });
}

/// Takes a reference out of the keys of an encoded map. OTP keeps it in maps of more than 32 keys
/// beside the one without its trailing zero words, although it says that the two are equal: they
/// have different hashes there.
std::string without_twin(std::string hex) {
  std::string twin = "5a0005770361406200000001"
                     "0000000100000002000000030000000000000000770178";
  std::size_t at = hex.find(twin);
  REQUIRE(at != std::string::npos);
  hex.erase(at, twin.size());
  std::size_t last_of_count = 11;
  hex[last_of_count] = hex[last_of_count] == 'a' ? '9' : '?';
  return hex;
}

} // namespace

TEST_CASE("pairs of terms compare as in OTP") {
  int pairs = 0;
  for (const object& vector : erl::test::load_vectors("order.jsonl")) {
    if (vector.at("kind") != "pair" || !is_current(vector))
      continue;
    term a = from_hex(vector.at("a"));
    term b = from_hex(vector.at("b"));
    INFO(to_string(a) << " and " << to_string(b));
    char wanted = vector.at("cmp").as_string()[0];
    CHECK(sign(compare(a, b)) == wanted);
    CHECK(sign(-compare(b, a)) == wanted);
    CHECK(equal(a, b) == vector.at("eq").as_bool());
    CHECK(exactly_equal(a, b) == vector.at("exact_eq").as_bool());
    CHECK((compare_exact(a, b) == 0) == vector.at("exact_eq").as_bool());
    CHECK(sign(compare_exact(a, b)) == sign(-compare_exact(b, a)));
    if (exactly_equal(a, b))
      CHECK(hash(a) == hash(b));
    ++pairs;
  }
  CHECK(pairs > 1000);
}

TEST_CASE("a list that OTP sorted is in our order, each term with each") {
  for (const object& vector : erl::test::load_vectors("order.jsonl")) {
    if (vector.at("kind") != "sorted")
      continue;
    std::vector<term> sorted;
    for (const auto& hex : vector.at("hex").as_array())
      sorted.push_back(from_hex(hex));
    REQUIRE(sorted.size() > 50);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      for (std::size_t j = i; j < sorted.size(); ++j) {
        INFO(to_string(sorted[i]) << " and " << to_string(sorted[j]));
        CHECK(compare(sorted[i], sorted[j]) <= 0);
        CHECK(compare(sorted[j], sorted[i]) >= 0);
      }
    }
  }
}

TEST_CASE("a map with keys of every kind has them in OTP's order") {
  int maps = 0;
  for (const object& vector : erl::test::load_vectors("order.jsonl")) {
    if (vector.at("kind") != "map_key_order" || !is_current(vector))
      continue;
    std::vector<std::byte> bytes =
        erl::test::from_hex(without_twin(std::string(vector.at("hex").as_string())));
    auto map = decode_external(bytes);
    REQUIRE(map);
    CHECK(map->map_size() > 50);
    std::vector<std::byte> encoded;
    encode_external(*map, encoded);
    CHECK(erl::test::to_hex(encoded) == erl::test::to_hex(bytes));
    // The same from a map that was built in reverse.
    builder b;
    b.begin_map(map->map_size());
    for (std::size_t i = map->map_size(); i-- > 0;) {
      b.add(map->map_key(i));
      b.add(map->map_value(i));
    }
    CHECK(b.finish() == *map);
    ++maps;
  }
  CHECK(maps > 0);
}

TEST_CASE("integers and floats compare exactly, however large") {
  auto number = [](const char* digits) { return term(*bigint::parse(digits)); };
  CHECK(compare(number("9007199254740993"), term(9007199254740992.0)) > 0);
  CHECK(compare(number("9007199254740991"), term(9007199254740992.0)) < 0);
  CHECK(compare(number("9007199254740992"), term(9007199254740992.0)) == 0);
  CHECK(compare(number("-9007199254740993"), term(-9007199254740992.0)) < 0);
  CHECK(compare(number("18446744073709551616"), term(18446744073709551616.0)) == 0);
  CHECK(compare(number("18446744073709551617"), term(18446744073709551616.0)) > 0);
  CHECK(compare(number("-18446744073709551616"), term(1e300)) < 0);
  CHECK(compare(term(0), term(5e-324)) < 0);
  CHECK(compare(term(0), term(-5e-324)) > 0);
  CHECK(compare(term(1), term(1.5)) < 0);
  CHECK(compare(term(2), term(1.5)) > 0);
  CHECK(compare(term(-1), term(-1.5)) > 0);
  CHECK(compare(term(0), term(-0.0)) == 0);
  CHECK(compare(term(-1), term(0.5)) < 0);
  CHECK(compare(term(1e308), term(std::numeric_limits<std::int64_t>::max())) > 0);
}

TEST_CASE("tails decide between lists that are alike up to their end") {
  term alias(atoms::alias);
  std::vector<term_ref> one{alias};
  term proper = term::list(one);
  term improper = term::list(one, atoms::ok);
  CHECK(compare(improper, proper) < 0);
  CHECK(compare(list_of(1, 2), list_of(1, 2, 3)) < 0);
  CHECK(compare(list_of(1, 3), list_of(1, 2, 3)) > 0);
  CHECK(compare(list_of(tuple_of(2)), list_of(tuple_of(1), 5)) > 0);
}

TEST_CASE("nested differences are found in the order of the elements") {
  CHECK(compare(tuple_of(tuple_of(1, 2), 9), tuple_of(tuple_of(1, 3), 1)) < 0);
  CHECK(compare(list_of(list_of(1), 9), list_of(list_of(2), 1)) < 0);
  CHECK(compare(list_of(list_of(1), 9), list_of(list_of(1), 1)) > 0);
  term one(1);
  term map_a = term::map({{atoms::ok, list_of(1, 2)}, {atoms::error, one}});
  term map_b = term::map({{atoms::ok, list_of(1, 3)}, {atoms::error, one}});
  CHECK(compare(map_a, map_b) < 0);
}

TEST_CASE("bit strings compare bit by bit, a prefix first") {
  auto bits = [](std::vector<std::byte> bytes, std::size_t size) {
    return term::bit_string(bytes, size);
  };
  term one = bits({std::byte{0x80}}, 1);
  term zero = bits({std::byte{0x00}}, 1);
  term byte = bits({std::byte{0x80}}, 8);
  CHECK(compare(zero, one) < 0);
  CHECK(compare(one, byte) < 0);
  CHECK(compare(bits({}, 0), zero) < 0);
  CHECK(compare(bits({std::byte{0x81}}, 8), one) > 0);
  CHECK(compare(bits({std::byte{0x40}}, 8), one) < 0);
}

TEST_CASE("zeros of either sign are exactly equal by the older rule only, wherever they are") {
  const auto wrap = [](double zero) {
    return tuple_of(list_of(zero), term::map({{term(zero), term(1)}}), 5);
  };
  for (const auto& [left, right] :
       {std::pair{term(0.0), term(-0.0)}, std::pair{wrap(0.0), wrap(-0.0)}}) {
    CHECK_FALSE(exactly_equal(left, right));
    CHECK(exactly_equal(left, right, signed_zeros::equal));
    CHECK(compare_exact(left, right) > 0);
    CHECK(compare_exact(left, right, signed_zeros::equal) == 0);
  }
  CHECK_FALSE(exactly_equal(term(0), term(0.0), signed_zeros::equal));
  CHECK_FALSE(exactly_equal(wrap(0.0), wrap(1.0), signed_zeros::equal));
}
