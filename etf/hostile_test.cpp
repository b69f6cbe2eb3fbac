// Input that is made to hurt: deep, large by its own account only, or costly to compare.
#include "etf/view_rebuild.hpp"
#include "support/vectors.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <pthread.h>

using namespace erl;

namespace {

using bytes = std::vector<std::byte>;

bytes repeat(std::string_view head, std::string_view hex, std::size_t times, std::string_view end,
             std::size_t end_times = 1) {
  bytes result = erl::test::from_hex(head);
  auto add = [&](std::string_view part, std::size_t count) {
    bytes once = erl::test::from_hex(part);
    for (std::size_t i = 0; i < count; ++i)
      result.insert(result.end(), once.begin(), once.end());
  };
  add(hex, times);
  add(end, end_times);
  return result;
}

/// Runs `body` on a thread whose stack would not survive recursion.
void with_small_stack(std::function<void()> body) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread{};
  auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &body) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

struct survived {
  bool decoded = false;
  bool equal = false;
  bool hashed_alike = false;
  bool encoded_alike = false;
  bool printed = false;
};

/// Everything that can be done with a term, twice over.
survived exercise(const bytes& input, std::size_t print_limit, const limits& limits) {
  survived result;
  auto one = decode_external(input, limits);
  auto two = decode_external(input, limits);
  if (!one || !two)
    return result;
  result.decoded = true;
  term copy = term::copy(*one);
  result.equal = *one == *two && copy == *two && compare(*one, *two) == 0;
  result.hashed_alike = hash(*one) == hash(copy);
  bytes encoded;
  encode_external(*one, encoded);
  auto again = decode_external(encoded, limits);
  result.encoded_alike = again && *again == *one;
  result.printed = !to_string(*one, print_options{.max_bytes = print_limit}).empty();
  return result;
}

void check_deep(const bytes& input, std::size_t print_limit = std::string::npos,
                const limits& limits = {}) {
  survived result;
  with_small_stack([&] { result = exercise(input, print_limit, limits); });
  CHECK(result.decoded);
  CHECK(result.equal);
  CHECK(result.hashed_alike);
  CHECK(result.encoded_alike);
  CHECK(result.printed);
}

etf_errc verdict(const bytes& input, const limits& limits = {}) {
  const auto result = decode_external(input, limits);
  return result ? etf_errc::none : result.error().code;
}

double seconds(const std::function<void()>& body) {
  auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

TEST_CASE("ten million nested tuples need no stack") {
  check_deep(repeat("83", "6801", 10'000'000, "6a"), 1000, {.depth = 10'000'001});
}

TEST_CASE("ten million nested lists are refused by default, and need no stack where they are not") {
  constexpr std::size_t deep = 10'000'000;
  const bytes input = repeat("83", "6c00000001", deep, "6a", deep + 1);
  with_small_stack([&] { CHECK(verdict(input) == etf_errc::too_deep); });
  check_deep(input, 1000, {.depth = deep + 1});
}

TEST_CASE("a term that expands to 200 MB needs no stack, and no more memory than it may have") {
  constexpr std::size_t size = std::size_t{200} << 20;
  const bytes bomb = encode_compressed(term::binary(bytes(size)), 9);
  REQUIRE(bomb.size() < size / 500);
  with_small_stack([&] {
    const term whole = decode_external(bomb).value_or(term());
    CHECK(whole.to_text().value_or("").size() == size);
    CHECK(whole.memory() < 10'000);
    CHECK(verdict(bomb, {.inflated = 1 << 20}) == etf_errc::too_large);
    CHECK(verdict(bomb, {.inflate_ratio = 100}) == etf_errc::too_large);
    bytes liar = bomb;
    liar[2] = liar[3] = std::byte{0};
    CHECK(verdict(liar) == etf_errc::bad_compression);
  });
}

TEST_CASE("a million nested lists, maps, keys, tails and variables of funs need no stack") {
  constexpr std::size_t deep = 1'000'000;
  check_deep(repeat("83", "6c00000001", deep, "6a", deep + 1));
  check_deep(repeat("83", "740000000161016801", deep, "6a"));
  check_deep(repeat("83", "7400000001", deep, "6a", deep + 1));
  check_deep(repeat("83", "6c0000000177016b", deep, "77026f6b"));
  check_deep(repeat("83", "680277016b", deep, "6a"));
  check_deep(repeat("83", "6802", deep, "6a", deep + 1));
}

TEST_CASE("the depth limit stops deep input early") {
  bytes input = repeat("83", "6802", 1'000'000, "6a", 1'000'001);
  auto result = decode_external(input, {.depth = 1000});
  REQUIRE_FALSE(result);
  CHECK(result.error().code == etf_errc::too_deep);
}

TEST_CASE("announced sizes are not believed") {
  for (const char* hex : {"836dffffffff", "8369ffffffff", "836cffffffff6101", "8374ffffffff",
                          "836fffffffff00", "836bffff", "8377ff", "8376ffff", "834dffffffff07",
                          "8343ffffffff0077016d77016e", "8350ffffffff789c", "8374800000006101"}) {
    INFO(hex);
    CHECK_FALSE(decode_external(erl::test::from_hex(hex)));
  }
  // The count of variables of a closure.
  bytes closure =
      erl::test::from_hex("8370000000050101010101010101010101010101010101"
                          "00000000ffffffff77016d61016101587703614062000000010000000000000001");
  auto result = decode_external(closure);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == etf_errc::length_beyond_input);
}

TEST_CASE("claims within claims cannot add up to more than the input") {
  // Each list announces as many elements as there are bytes left: 100000 times too much in sum.
  bytes input = erl::test::from_hex("83");
  constexpr std::size_t lists = 20000;
  for (std::size_t i = 0; i < lists; ++i) {
    std::size_t left = (lists - i - 1) * 5;
    input.push_back(std::byte{108});
    for (int shift : {24, 16, 8, 0})
      input.push_back(static_cast<std::byte>(left >> shift));
  }
  double time = seconds([&] { CHECK_FALSE(decode_external(input)); });
  CHECK(time < 1);
}

TEST_CASE("a term is never much larger than its bytes") {
  for (const bytes& input :
       {repeat("836b0400", "61", 1024, ""), repeat("836900010000", "6a", 65536, ""),
        repeat("836c00010000", "6800", 65536, "6a"), repeat("836900010000", "6b000161", 65536, ""),
        repeat("836900010000", "6e08ffffffffffffffffff", 65536, "")}) {
    auto result = decode_external(input);
    REQUIRE(result);
    CHECK(result->memory() <= 9 * input.size() + 64);
  }
}

TEST_CASE("maps with many keys in any order, and alike up to their end, sort fast") {
  std::string prefix(200, 'p');
  std::vector<int> order(20000);
  for (std::size_t i = 0; i < order.size(); ++i)
    order[i] = static_cast<int>(i);
  std::shuffle(order.begin(), order.end(), std::mt19937(1)); // NOLINT(cert-msc51-cpp)
  bytes input = erl::test::from_hex("837400004e20");
  for (int number : order) {
    bytes key;
    encode(term::text(prefix + std::to_string(number)), key, {.framing = framing::bare});
    input.insert(input.end(), key.begin(), key.end());
    input.push_back(std::byte{106});
  }
  double time = seconds([&] {
    auto result = decode_external(input);
    REQUIRE(result);
    CHECK(result->map_size() == order.size());
  });
  CHECK(time < 5);
}

TEST_CASE("keys that come twice are found in small and large maps") {
  for (std::size_t pairs : {2U, 40U, 1000U}) {
    bytes input = erl::test::from_hex("837400000000");
    input[4] = static_cast<std::byte>(pairs >> 8);
    input[5] = static_cast<std::byte>(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
      bytes key;
      encode(term(static_cast<std::int64_t>(i == pairs - 1 ? 0 : i)), key,
             {.framing = framing::bare});
      input.insert(input.end(), key.begin(), key.end());
      input.push_back(std::byte{106});
    }
    auto result = decode_external(input);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == etf_errc::duplicate_key);
  }
}

TEST_CASE(
    "any change of a byte is decoded or refused, and what is decoded encodes to itself again") {
  std::mt19937 random(11); // NOLINT(cert-msc51-cpp)
  for (const auto& vector : erl::test::load_vectors("etf.jsonl")) {
    bytes input = erl::test::from_hex(std::string(vector.at("hex").as_string()));
    if (input.size() > 300)
      continue;
    for (int i = 0; i < 40; ++i) {
      bytes changed = input;
      for (unsigned n = 0; n <= random() % 3; ++n)
        changed[random() % changed.size()] = static_cast<std::byte>(random());
      auto result = decode_external(changed, {.new_atoms = 0});
      if (!result)
        continue;
      bytes encoded;
      encode_external(*result, encoded);
      auto again = decode_external(encoded);
      REQUIRE(again);
      CHECK(*again == *result);
      bytes twice;
      encode_external(*again, twice);
      CHECK(twice == encoded);
    }
  }
}

TEST_CASE("no prefix of a term is read beyond its end") {
  for (const auto& vector : erl::test::load_vectors("etf.jsonl")) {
    const bytes whole = erl::test::from_hex(std::string(vector.at("hex").as_string()));
    const auto all = decode_prefix(whole);
    REQUIRE(all.has_value());
    for (std::size_t size = 0; size < std::min<std::size_t>(all->consumed, 300); ++size) {
      // Memory of just this size, so that a sanitizer sees every byte too many.
      const bytes prefix(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      INFO(std::string(vector.at("name").as_string()) << ", " << size << " bytes");
      CHECK_FALSE(decode_prefix(prefix).has_value());
      view parts(prefix);
      CHECK_FALSE(parts.skip());
      view pieces(prefix);
      CHECK_FALSE(erl::test::rebuild(pieces).has_value());
    }
  }
}
