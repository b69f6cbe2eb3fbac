#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/match.hpp>
#include <erl/etf/parse.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

namespace {

std::size_t allocations = 0;
std::size_t allocated = 0;

} // namespace

// Not inlined: where g++ 12 sees only one of the pair it warns of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  allocated += size;
  if (void* result = std::malloc(size))
    return result;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* address) noexcept { std::free(address); }
[[gnu::noinline]] void operator delete(void* address, std::size_t) noexcept { std::free(address); }

namespace {

struct add {
  std::int64_t a = 0, b = 0;
};

struct position {
  double x = 0, y = 0;
  std::optional<int> layer;
};

struct message {
  erl::pid from;
  erl::reference tag;
  erl::atom kind;
  std::string_view text;
  position where;
  std::variant<add, erl::is<"reset">> what;
};

struct nest {
  std::vector<nest> inside;
};

/// Runs `function` and returns how many allocations it made.
template <class Function> std::size_t count(Function function) {
  const std::size_t before = allocations;
  function();
  return allocations - before;
}

} // namespace

template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;
template <> inline constexpr auto erl::shape<position> = erl::map_shape;
template <> inline constexpr auto erl::shape<message> = erl::tagged<"message">;
template <> inline constexpr auto erl::shape<nest> = erl::plain_tuple;

TEST_CASE("decoding aggregates and scalars allocates nothing, from bytes and from a term") {
  const message value{.from = {"a@b", 1, 2, 3},
                      .tag = {"a@b", 7, 3, {1, 2, 3}},
                      .kind = "k",
                      .text = "some text",
                      .where = {1.5, 2, std::nullopt},
                      .what = add{1, 2}};
  const std::vector<std::byte> bytes = erl::encode(value);
  const erl::term term = erl::to_term(value);
  bool good = false;
  CHECK(count([&] { good = erl::decode<message>(bytes).has_value(); }) == 0);
  CHECK(good);
  CHECK(count([&] { good = erl::decode<message>(term).has_value(); }) == 0);
  CHECK(good);
  CHECK(count([&] { good = erl::matches<add>(term) || erl::fits<add>(term); }) == 0);
  CHECK_FALSE(good);
}

TEST_CASE("a quiet failure allocates nothing") {
  const erl::term term = erl::to_term(std::tuple(erl::atom("add"), 1, 2.5));
  bool good = true;
  CHECK(count([&] { good = erl::try_decode<add>(term).has_value(); }) == 0);
  CHECK_FALSE(good);
}

TEST_CASE("encoding a small aggregate as a term allocates its block and the builder's work space") {
  CHECK(count([&] { (void)erl::to_term(add{1, 2}); }) <= 2);
}

TEST_CASE("a vector is reserved once") {
  const std::vector<std::byte> bytes = erl::encode(std::vector<int>(1000, 1000));
  CHECK(count([&] { (void)erl::decode<std::vector<int>>(bytes); }) == 1);
}

TEST_CASE("claims in hostile input allocate in proportion to its size") {
  std::vector<std::byte> bytes{std::byte{131}};
  for (int i = 0; i < 400; ++i)
    for (const int byte : {104, 1, 108, 0, 0, 8, 0})
      bytes.push_back(static_cast<std::byte>(byte));
  bytes.resize(bytes.size() + 4096);
  const std::size_t before = allocated;
  CHECK_FALSE(erl::decode<nest>(bytes).has_value());
  CHECK(allocated - before < 32 * bytes.size());
}

TEST_CASE("matching a term with a pattern allocates nothing") {
  const erl::pattern call("{'$gen_call', {Pid, [alias | Tag]}, {add, #{a := A, b := [B, _]}, A}}");
  const auto good =
      erl::parse_term("{'$gen_call', {p, [alias | r]}, {add, #{a => {1}, b => [2, 3]}, {1}}}");
  const auto bad =
      erl::parse_term("{'$gen_call', {p, [alias | r]}, {add, #{a => {1}, b => [2, 3]}, {2}}}");
  REQUIRE((good && bad));
  bool matched = false;
  CHECK(count([&] { matched = call.matches(*good); }) == 0);
  CHECK(matched);
  CHECK(count([&] { matched = call.matches(*bad); }) == 0);
  CHECK_FALSE(matched);
}
