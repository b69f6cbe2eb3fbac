/// Funs and bit strings as C++ values.
#pragma once

#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace erl {

/// A fun of some Erlang node: opaque, and passed on unchanged. By default `fun '':''/0`.
class fun {
public:
  fun() : value_(external_fun{}) {}
  fun(const external_fun& value) : value_(value) {}
  /// Nothing when `value` is no fun.
  static std::optional<fun> from(term value);

  const term& value() const noexcept { return value_; }
  /// How many arguments it takes.
  std::uint8_t arity() const noexcept;
  /// `fun M:F/A`; nothing for a closure.
  std::optional<external_fun> external() const noexcept { return value_.to_external_fun(); }

  bool operator==(const fun& other) const { return value_ == other.value_; }

private:
  term value_;
};

/// A bit string of any size; one of whole bytes is a binary.
struct bit_string {
  /// As many as `size` needs; bits of the last one that are not used are 0.
  std::vector<std::byte> bytes{};
  /// In bits.
  std::size_t size = 0;

  bool operator==(const bit_string&) const = default;
};

namespace detail {

/// Types that are read by way of a term. `Text` is what errors call it.
template <class T, fixed_text Text> struct leaf_decoder {
  static bool read(source& from, T& value);
  static bool fits(source& from);
  static void describe(std::string& out) { out += Text.view(); }
  static constexpr std::size_t min_size() { return 2; }
};

} // namespace detail

template <> struct decoder<external_fun> : detail::leaf_decoder<external_fun, "external fun"> {};
template <> struct decoder<fun> : detail::leaf_decoder<fun, "fun"> {};
template <> struct decoder<bit_string> : detail::leaf_decoder<bit_string, "bit string"> {};

template <> struct encoder<external_fun> {
  static void write(sink& to, const external_fun& value) { to.write(term(value)); }
};
template <> struct encoder<fun> {
  static void write(sink& to, const fun& value) { to.write(value.value()); }
};
template <> struct encoder<bit_string> {
  /// Throws std::invalid_argument when there are fewer bytes than `size` needs.
  static void write(sink& to, const bit_string& value);
};

} // namespace erl
