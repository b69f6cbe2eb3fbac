// Fuzzes typed decoding: bytes and the term that they mean must give the same value, and that value
// must have the same bytes by both ways of encoding it, and come back from them.
#include <erl/etf/boxed.hpp>
#include <erl/etf/charlist.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/cons.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/fun.hpp>
#include <erl/etf/other_keys.hpp>
#include <erl/etf/std_duration.hpp>
#include <erl/etf/std_map.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace {

struct add {
  std::int64_t a = 0, b = 0;
  bool operator==(const add&) const = default;
};

struct options {
  bool verbose = false;
  std::optional<int> limit;
  std::vector<double> sizes;
  bool operator==(const options&) const = default;
};

struct user {
  std::string name;
  bool operator==(const user&) const = default;
};

struct nest {
  std::vector<nest> inside;
  bool operator==(const nest&) const = default;
};

struct chain {
  int value = 0;
  std::optional<erl::boxed<chain>> next;
  bool operator==(const chain&) const = default;
};

struct keywords {
  std::optional<int> port;
  erl::other_keys rest;
  bool operator==(const keywords&) const = default;
};

struct properties {
  bool debug = false;
  std::optional<int> port;
  erl::other_keys rest;
  bool operator==(const properties&) const = default;
};

struct native {
  int a = 0;
  erl::other_keys rest;
  bool operator==(const native&) const = default;
};

struct open_map {
  std::optional<int> a;
  erl::other_keys rest;
  bool operator==(const open_map&) const = default;
};

struct strict_map {
  std::optional<int> a, b;
  bool operator==(const strict_map&) const = default;
};

using item =
    std::variant<add, user, options, bool, std::uint8_t, int, std::int64_t, double, std::string,
                 erl::pid, erl::port, erl::reference, erl::charlist, std::tuple<int, bool>,
                 std::pair<erl::atom, std::string>, std::expected<int, erl::atom>, erl::atom,
                 native, chain, erl::external_fun, erl::fun, erl::bit_string, nest>;
/// What would hide each other in one variant.
using other_item = std::variant<keywords, open_map, erl::timeout, native, int>;
using third_item = std::variant<properties, strict_map, int>;
using cell = erl::cons<std::variant<int, std::vector<int>>,
                       std::variant<erl::cons<int, erl::term>, erl::pid, int>>;

void require(bool condition) {
  if (!condition)
    std::abort();
}

template <class T> void check(std::span<const std::byte> bytes, const erl::term* tree) {
  const auto from_bytes = erl::decode<T>(bytes);
  if (tree == nullptr)
    return;
  const auto from_tree = erl::decode<T>(*tree);
  require(from_bytes.has_value() <= from_tree.has_value());
  if (!from_tree)
    return;
  require(!from_bytes || *from_bytes == *from_tree);
  const auto direct = erl::encode(*from_tree);
  std::vector<std::byte> encoded;
  erl::encode_external(erl::to_term(*from_tree), encoded);
  require(direct == encoded);
  const auto again = erl::decode<T>(direct);
  require(again && *again == *from_tree);
}

} // namespace

template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;
template <> inline constexpr auto erl::shape<options> = erl::map_shape;
template <> inline constexpr auto erl::shape<user> = erl::elixir_struct<"Elixir.User">;
template <> inline constexpr auto erl::shape<nest> = erl::plain_tuple;
template <> inline constexpr auto erl::shape<chain> = erl::tagged<"chain">;
template <> inline constexpr auto erl::shape<keywords> = erl::keyword_list;
template <> inline constexpr auto erl::shape<properties> = erl::proplist;
template <> inline constexpr auto erl::shape<native> = erl::native_record<"foo", "bar">;
template <> inline constexpr auto erl::shape<open_map> = erl::map_shape;
template <> inline constexpr auto erl::shape<strict_map> = erl::map_shape.refusing_unknown();

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto tree = erl::decode_external(bytes, {.inflated = 1 << 20});
  const erl::term* term = tree ? &*tree : nullptr;
  check<item>(bytes, term);
  check<std::vector<item>>(bytes, term);
  check<std::vector<std::vector<item>>>(bytes, term);
  check<std::map<int, std::vector<std::string>>>(bytes, term);
  check<std::vector<other_item>>(bytes, term);
  check<other_item>(bytes, term);
  check<third_item>(bytes, term);
  check<cell>(bytes, term);
  return 0;
}
