/// The tags of the external term format.
#pragma once

#include <cstdint>

namespace erl::etf {

/// The byte before an external term.
inline constexpr std::uint8_t version = 131;

/// The first byte of each term. Those marked "old" are decoded, never encoded.
enum class tag : std::uint8_t {
  record = 67,
  new_float = 70,
  bit_binary = 77,
  compressed = 80,
  atom_cache_ref = 82,
  new_pid = 88,
  /// Old.
  new_port = 89,
  newer_reference = 90,
  small_integer = 97,
  integer = 98,
  /// Old: 31 bytes of text.
  float_text = 99,
  /// Old: Latin-1.
  atom = 100,
  /// Old.
  reference = 101,
  /// Old.
  port = 102,
  /// Old.
  pid = 103,
  small_tuple = 104,
  large_tuple = 105,
  nil = 106,
  string = 107,
  list = 108,
  binary = 109,
  small_big = 110,
  large_big = 111,
  new_fun = 112,
  external_fun = 113,
  /// Old.
  new_reference = 114,
  /// Old: Latin-1.
  small_atom = 115,
  map = 116,
  atom_utf8 = 118,
  small_atom_utf8 = 119,
  v4_port = 120,
};

} // namespace erl::etf
