/// Where the parts of a term lie: what every walk over terms needs to know.
#pragma once

#include "etf/block.hpp"
#include <erl/etf/pid.hpp>
#include <erl/etf/term.hpp>

#include <cstddef>
#include <span>

namespace erl::detail {

/// Words of the boxes that have a fixed head.
inline constexpr std::size_t pid_words = 3;
inline constexpr std::size_t port_words = 3;
inline constexpr std::size_t external_fun_words = 3;
inline constexpr std::size_t closure_head = 8;
inline constexpr std::size_t closure_unique = 2;
inline constexpr std::size_t closure_module = 4;
inline constexpr std::size_t closure_old_index = 5;
inline constexpr std::size_t closure_old_unique = 6;
inline constexpr std::size_t closure_pid = 7;
inline constexpr std::size_t record_head = 3;

constexpr std::size_t reference_words(std::size_t size) noexcept { return 2 + (size + 1) / 2; }

constexpr word pair(std::uint32_t high, std::uint32_t low) noexcept {
  return word{high} << 32 | low;
}
constexpr std::uint32_t high(word value) noexcept {
  return static_cast<std::uint32_t>(value >> 32);
}
constexpr std::uint32_t low(word value) noexcept { return static_cast<std::uint32_t>(value); }

inline std::size_t size_of(word header) noexcept {
  return static_cast<std::size_t>(count_of(header));
}

/// The atom of an atom's word.
inline atom atom_of(word value) noexcept {
  return atom::from_index(static_cast<std::uint32_t>(value >> 8));
}

/// The terms inside a box; none for most kinds. Of a record: the values.
inline std::span<const word> parts_of(const word* box) noexcept {
  std::size_t count = size_of(box[0]);
  switch (kind_of(box[0])) {
  case box_kind::map:
    return {box + 1, 2 * count};
  case box_kind::closure:
    return {box + closure_head, count};
  case box_kind::record:
    return {box + record_head + count / 2, count / 2};
  default:
    return {};
  }
}

/// The tail of the list whose first element is at `element`.
inline word tail_of(const word* element) noexcept {
  const word& next = element[1];
  if (next == list_end)
    return nil_word;
  if (next == list_tail)
    return element[2];
  return tagged(&next, tag::list);
}

/// Elements that lie side by side from `element` on, at least one.
inline std::size_t run_of(const word* element) noexcept {
  const word* end = element + 1;
  while (*end != list_end && *end != list_tail)
    ++end;
  return static_cast<std::size_t>(end - element);
}

/// The tail after the last element of a run.
inline word tail_after(const word* end) noexcept { return *end == list_end ? nil_word : end[1]; }

inline double float_at(word value) noexcept {
  double result;
  __builtin_memcpy(&result, address(value), sizeof(result));
  return result;
}

/// The bytes of a binary or bit string in any of its three forms, and its size in bits.
struct bits_of {
  const std::byte* data;
  std::size_t bits;
};

inline bits_of inline_binary(word value) noexcept {
  const word* at = address(value);
  return {reinterpret_cast<const std::byte*>(at + 1), static_cast<std::size_t>(at[0]) * 8};
}

inline bits_of slice_or_bits(const word* box) noexcept {
  if (kind_of(box[0]) == box_kind::slice)
    return {reinterpret_cast<const std::byte*>(box[slice_data]),
            static_cast<std::size_t>(box[slice_size]) * 8};
  return {reinterpret_cast<const std::byte*>(box + 1), size_of(box[0])};
}

inline pid pid_at(const word* box) noexcept {
  return {atom::from_index(high(box[1])), low(box[2]), high(box[2]), low(box[1])};
}

inline port port_at(const word* box) noexcept {
  return {atom::from_index(high(box[1])), box[2], low(box[1])};
}

inline reference reference_at(const word* box) noexcept {
  reference result{
      atom::from_index(high(box[1])), low(box[1]), static_cast<std::uint8_t>(count_of(box[0])), {}};
  // What is behind the last word in its box is 0.
  result.words[0] = low(box[2]);
  result.words[1] = high(box[2]);
  if (result.size > 2) {
    result.words[2] = low(box[3]);
    result.words[3] = high(box[3]);
  }
  if (result.size > 4)
    result.words[4] = low(box[4]);
  return result;
}

inline void put_pid(word* box, const pid& value) noexcept {
  box[0] = box_header(box_kind::pid, 0);
  box[1] = pair(value.node.index(), value.creation);
  box[2] = pair(value.serial, value.id);
}

inline void put_port(word* box, const port& value) noexcept {
  box[0] = box_header(box_kind::port, 0);
  box[1] = pair(value.node.index(), value.creation);
  box[2] = value.id;
}

inline void put_reference(word* box, const reference& value) noexcept {
  box[0] = box_header(box_kind::reference, value.size);
  box[1] = pair(value.node.index(), value.creation);
  box[2] = pair(value.words[1], value.words[0]); // those that are not in use are 0
  if (value.size > 2)
    box[3] = pair(value.words[3], value.words[2]);
  if (value.size > 4)
    box[4] = value.words[4];
}

/// Brings the pairs of a map into ascending exact key order. Of equal keys the last one stays.
/// Returns how many pairs are left.
std::size_t sort_pairs(word* pairs, std::size_t count);

/// Copies `value` into `into`; its new word.
word copy_into(arena& into, term_ref value);

/// How many words a copy of `value` takes.
std::size_t measure(term_ref value);

} // namespace erl::detail
