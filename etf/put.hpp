/// Writes the leaves and heads of encoded terms, for anything that has room for bytes: `writer`
/// over a vector, and the encoder over a buffer of its own.
#pragma once

#include "etf/magnitude.hpp"
#include <erl/etf/pid.hpp>
#include <erl/etf/tags.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>

namespace erl::etf {

/// The most bytes that one call asks an output for at once.
inline constexpr std::size_t largest_piece = 32;

inline std::byte* store8(std::byte* at, std::uint64_t value) noexcept {
  *at = static_cast<std::byte>(value);
  return at + 1;
}

inline std::byte* store8(std::byte* at, tag value) noexcept {
  return store8(at, static_cast<std::uint64_t>(value));
}

inline std::byte* store16(std::byte* at, std::uint64_t value) noexcept {
  std::uint16_t swapped = __builtin_bswap16(static_cast<std::uint16_t>(value));
  std::memcpy(at, &swapped, sizeof(swapped));
  return at + sizeof(swapped);
}

inline std::byte* store32(std::byte* at, std::uint64_t value) noexcept {
  std::uint32_t swapped = __builtin_bswap32(static_cast<std::uint32_t>(value));
  std::memcpy(at, &swapped, sizeof(swapped));
  return at + sizeof(swapped);
}

inline std::byte* store64(std::byte* at, std::uint64_t value) noexcept {
  std::uint64_t swapped = __builtin_bswap64(value);
  std::memcpy(at, &swapped, sizeof(swapped));
  return at + sizeof(swapped);
}

/// An integer of up to eight bytes; all eight of them are stored, whatever its size.
inline std::byte* small_big(std::byte* at, bool negative, std::uint64_t magnitude) noexcept {
  const auto size = static_cast<std::size_t>(8 - __builtin_clzll(magnitude) / 8);
  at = store8(store8(store8(at, tag::small_big), size), negative ? 1 : 0);
  std::memcpy(at, &magnitude, sizeof(magnitude));
  return at + size;
}

inline std::byte* small_big(std::byte* at, std::int64_t value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  return small_big(at, value < 0, value < 0 ? 0 - bits : bits);
}

/// An output has
///   std::byte* room(std::size_t size)           room for up to largest_piece bytes;
///   void filled(const std::byte* end)           where the bytes written there end;
///   void append(std::span<const std::byte>)     any number of bytes;
///   void atom(erl::atom)                        an atom in its own way.
template <class Output> class put {
public:
  explicit put(Output& out) noexcept : out_(out) {}

  void byte(tag value) { out_.filled(store8(out_.room(1), value)); }

  void integer(std::int64_t value) {
    std::byte* at = out_.room(largest_piece);
    if (value >= 0 && value <= 255) {
      at = store8(store8(at, tag::small_integer), static_cast<std::uint64_t>(value));
    } else if (value >= std::numeric_limits<std::int32_t>::min() &&
               value <= std::numeric_limits<std::int32_t>::max()) {
      at = store32(store8(at, tag::integer), static_cast<std::uint64_t>(value));
    } else {
      at = small_big(at, value);
    }
    out_.filled(at);
  }

  void unsigned_integer(std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return integer(static_cast<std::int64_t>(value));
    out_.filled(small_big(out_.room(largest_piece), false, value));
  }

  void big_integer(bool negative, magnitude::view words) {
    words = magnitude::trim(words);
    if (auto small = magnitude::to_int64(negative, words))
      return integer(*small);
    std::size_t size =
        words.size() * 8 - static_cast<std::size_t>(__builtin_clzll(words.back())) / 8;
    std::byte* at = out_.room(largest_piece);
    at = size <= 255 ? store8(store8(at, tag::small_big), size)
                     : store32(store8(at, tag::large_big), size);
    out_.filled(store8(at, negative ? 1 : 0));
    out_.append(std::as_bytes(words).first(size));
  }

  void floating(double value) {
    if (!std::isfinite(value))
      throw std::domain_error("erl: Erlang has no NaN and no infinities");
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    out_.filled(store64(store8(out_.room(9), tag::new_float), bits));
  }

  void atom(std::string_view text) {
    std::byte* at = out_.room(3);
    at = text.size() <= 255 ? store8(store8(at, tag::small_atom_utf8), text.size())
                            : store16(store8(at, tag::atom_utf8), text.size());
    out_.filled(at);
    out_.append(std::as_bytes(std::span(text)));
  }

  void binary_head(std::size_t size) { head32(tag::binary, size); }
  void binary(std::span<const std::byte> bytes) {
    binary_head(bytes.size());
    out_.append(bytes);
  }

  void bit_string(std::span<const std::byte> bytes, unsigned bits) {
    out_.filled(store8(store32(store8(out_.room(6), tag::bit_binary), length(bytes.size())), bits));
    out_.append(bytes.first(bytes.size() - 1));
    auto last = std::to_integer<unsigned>(bytes.back()) & 0xff00U >> bits;
    out_.filled(store8(out_.room(1), last));
  }

  void pid(const erl::pid& value) {
    byte(tag::new_pid);
    out_.atom(value.node);
    out_.filled(store32(store32(store32(out_.room(12), value.id), value.serial), value.creation));
  }

  void port(const erl::port& value) {
    byte(tag::v4_port);
    out_.atom(value.node);
    out_.filled(store32(store64(out_.room(12), value.id), value.creation));
  }

  void reference(const erl::reference& value) {
    out_.filled(store16(store8(out_.room(3), tag::newer_reference), value.size));
    out_.atom(value.node);
    std::byte* at = store32(out_.room(24), value.creation);
    for (std::size_t i = 0; i < value.size; ++i)
      at = store32(at, value.words[i]);
    out_.filled(at);
  }

  void external_fun(erl::atom module, erl::atom function, std::uint8_t arity) {
    byte(tag::external_fun);
    out_.atom(module);
    out_.atom(function);
    out_.filled(store8(store8(out_.room(2), tag::small_integer), arity));
  }

  void tuple(std::size_t arity) {
    if (arity > 255)
      return head32(tag::large_tuple, arity);
    out_.filled(store8(store8(out_.room(2), tag::small_tuple), arity));
  }

  void list(std::size_t elements) { head32(tag::list, elements); }
  void map(std::size_t pairs) { head32(tag::map, pairs); }

  void byte_list(std::size_t size) {
    out_.filled(store16(store8(out_.room(3), tag::string), size));
  }

  void record(erl::atom module, erl::atom name, bool exported, std::size_t fields) {
    out_.filled(
        store8(store32(store8(out_.room(6), tag::record), length(fields)), exported ? 1 : 0));
    out_.atom(module);
    out_.atom(name);
  }

private:
  static std::size_t length(std::size_t value) {
    if (value > std::numeric_limits<std::uint32_t>::max())
      throw std::length_error("erl: too long for the external term format");
    return value;
  }

  void head32(tag what, std::size_t size) {
    out_.filled(store32(store8(out_.room(5), what), length(size)));
  }

  Output& out_;
};

} // namespace erl::etf
