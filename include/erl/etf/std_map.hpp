/// Typed maps: std::map and std::unordered_map travel as Erlang maps.
#pragma once

#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace erl {

namespace detail {

template <class Map> struct map_codec {
  using key_type = typename Map::key_type;
  using mapped_type = typename Map::mapped_type;

  static bool read(source& from, Map& value) {
    source::scope saved;
    if (!from.enter_map(saved, decoder<key_type>::min_size() + decoder<mapped_type>::min_size()))
      return false;
    value.clear();
    for (std::size_t index = 0; from.more(saved); ++index) {
      const source::position start = from.tell();
      key_type key{};
      if (!decoder<key_type>::read(from, key))
        return from.under(index);
      const auto [place, is_new] = value.try_emplace(std::move(key));
      if (!is_new) {
        from.go_back(start);
        return from.fail(etf_errc::duplicate_key, {}) || from.under(index);
      }
      if (!decoder<mapped_type>::read(from, place->second))
        return from.under(index);
    }
    return from.leave(saved);
  }
  static bool fits(source& from) { return from.is(kinds(term_kind::map)); }
  static consteval detail::head head() { return {detail::head::sort::map}; }
  static void describe(std::string& out) { out += "map"; }
  static constexpr std::size_t min_size() { return 5; }

  static void write(sink& to, const Map& value, bool sorted) {
    const std::size_t start = to.begin_map(value.size());
    for (const auto& [key, mapped] : value) {
      encoder<key_type>::write(to, key);
      encoder<mapped_type>::write(to, mapped);
    }
    to.end_map(start, value.size(), sorted);
  }
};

/// Keys that std::less orders as Erlang does.
template <class Key, class Less>
inline constexpr bool erlang_ordered =
    (integer<Key> || std::same_as<Key, std::string> || std::same_as<Key, std::string_view>) &&
    (std::same_as<Less, std::less<Key>> || std::same_as<Less, std::less<>>);

} // namespace detail

/// The path of an error names a pair by its place in the map.
template <class Key, class T, class Less, class Allocator>
struct decoder<std::map<Key, T, Less, Allocator>>
    : detail::map_codec<std::map<Key, T, Less, Allocator>> {};
template <class Key, class T, class Hash, class Equal, class Allocator>
struct decoder<std::unordered_map<Key, T, Hash, Equal, Allocator>>
    : detail::map_codec<std::unordered_map<Key, T, Hash, Equal, Allocator>> {};

template <class Key, class T, class Less, class Allocator>
struct encoder<std::map<Key, T, Less, Allocator>> {
  using map = std::map<Key, T, Less, Allocator>;
  static void write(sink& to, const map& value) {
    detail::map_codec<map>::write(to, value, detail::erlang_ordered<Key, Less>);
  }
};
template <class Key, class T, class Hash, class Equal, class Allocator>
struct encoder<std::unordered_map<Key, T, Hash, Equal, Allocator>> {
  using map = std::unordered_map<Key, T, Hash, Equal, Allocator>;
  static void write(sink& to, const map& value) { detail::map_codec<map>::write(to, value, false); }
};

} // namespace erl
