/// Builds terms from their leaves upwards: for parsers, which learn the size of a container at its
/// end. (`builder` wants to know it first.)
#pragma once

#include "etf/magnitude.hpp"
#include "etf/parts.hpp"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace erl::detail {

/// A stack of values; closing a container takes its values from the top and puts one in their
/// place.
class assembler {
public:
  /// Values that wait for their container.
  std::size_t size() const noexcept { return values_.size(); }
  /// Bytes of memory of all that was made.
  std::size_t memory() const noexcept { return words_ * sizeof(word); }

  void add(word value) { values_.push_back(value); }
  void add(atom value) { add(atom_word(value.index())); }
  void integer(bool negative, magnitude::view words);
  /// Finite.
  void floating(double value);
  void binary(std::string_view bytes);
  void bit_string(std::span<const std::byte> bytes, std::size_t bits);
  /// A list of integers.
  void list(std::span<const char32_t> characters);
  void external_fun(const erl::external_fun& value);

  /// Of the values from index `first` on.
  void tuple(std::size_t first);
  /// The last value is the tail when `with_tail`.
  void list(std::size_t first, bool with_tail);
  /// Pairs of keys and values; of equal keys the last one stays.
  void map(std::size_t first);
  /// As `map`, but the first one stays.
  void map_of_firsts(std::size_t first);
  /// Pairs as they are: no map for anybody but the maker of a pattern.
  void raw_map(std::size_t first);

  /// The only value, with all that was made since the last call.
  term finish();

private:
  word* allocate(std::size_t words);
  void count(std::size_t words) noexcept { words_ += words; }
  /// Takes the values from `first` on to `to`.
  void move_values(std::size_t first, word* to);

  arena memory_;
  std::vector<word> values_;
  std::size_t words_ = 0;
};

} // namespace erl::detail
