/// How a term lies in memory. Not for users: read terms through `term_ref`.
///
/// A term is one 64-bit word. The low three bits say what the rest is: an integer of 61 bits, an
/// immediate
/// (an atom, `[]`), or the address of words in the block that holds the whole message. A list is an
/// array of its elements, ended by the word `list_end`, or by `list_tail` and the tail after it: so
/// the tail of a list is the address of its second element, or what its end says. A tuple is a
/// header (its arity) and the elements. A float is its eight bytes. A short binary is a header (its
/// size) and the bytes. Everything else is a box: a header with the kind in its low byte and a
/// count above it, then the parts. Maps hold key, value, key, value in ascending exact key order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace erl::detail {

using word = std::uint64_t;
static_assert(sizeof(void*) <= sizeof(word));

enum class tag : word {
  integer = 0,
  immediate = 1,
  list = 2,
  tuple = 3,
  floating = 4,
  box = 5,
  binary = 6,
};

inline constexpr word tag_mask = 7;

inline constexpr word nil_word = 0x09;
inline constexpr word list_end = 0x11;
inline constexpr word list_tail = 0x19;

enum class box_kind : std::uint8_t {
  /// count = words of magnitude, then the words, the low-order one first; outside the 61 bits of an
  /// immediate.
  positive_integer,
  negative_integer,
  /// A binary outside the block: size in bytes; data; its owner, counted; the next slice of the
  /// block.
  slice,
  /// count = size in bits, no whole number of bytes; the bytes.
  bits,
  /// count = pairs.
  map,
  /// node (above) and creation; serial (above) and id.
  pid,
  /// node and creation; id.
  port,
  /// count = words; node (above) and creation; the words, two in each, the low-order one first and
  /// below.
  reference,
  /// count = arity; module; function.
  external_fun,
  /// count = free variables; arity and index; unique (16 bytes); module, old index, old unique,
  /// pid, free variables.
  closure,
  /// count = fields * 2 + exported; module; name; names of the fields; values.
  record,
};

constexpr tag tag_of(word value) noexcept { return static_cast<tag>(value & tag_mask); }

constexpr bool is_atom_word(word value) noexcept { return (value & 0xff) == 0x01; }

constexpr word atom_word(std::uint32_t index) noexcept { return word{index} << 8 | 0x01; }

constexpr std::int64_t min_small = -(std::int64_t{1} << 60);
constexpr std::int64_t max_small = (std::int64_t{1} << 60) - 1;

constexpr bool fits_small(std::int64_t value) noexcept {
  return value >= min_small && value <= max_small;
}

constexpr word small_word(std::int64_t value) noexcept { return static_cast<word>(value) << 3; }

constexpr std::int64_t small_value(word value) noexcept {
  return static_cast<std::int64_t>(value) >> 3;
}

inline const word* address(word value) noexcept {
  return reinterpret_cast<const word*>(static_cast<std::uintptr_t>(value & ~tag_mask));
}

inline word tagged(const word* where, tag kind) noexcept {
  return static_cast<word>(reinterpret_cast<std::uintptr_t>(where)) | static_cast<word>(kind);
}

constexpr word box_header(box_kind kind, word count) noexcept {
  return count << 8 | static_cast<word>(kind);
}

constexpr box_kind kind_of(word header) noexcept { return static_cast<box_kind>(header & 0xff); }

constexpr word count_of(word header) noexcept { return header >> 8; }

/// What owns the words of a message; a `term` counts on it.
struct block;

void retain(block* owner) noexcept;
void release(block* owner) noexcept;

} // namespace erl::detail
