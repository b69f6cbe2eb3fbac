/// Variables inside the term of a pattern: words with a tag that no term has.
#pragma once

#include <erl/etf/detail/layout.hpp>

#include <cstddef>

namespace erl::detail {

inline constexpr std::size_t max_variables = 32;

/// `_`.
inline constexpr word wildcard_word = 7;

constexpr word variable_word(std::size_t index) noexcept {
  return static_cast<word>(index + 1) << 3 | wildcard_word;
}

constexpr bool is_variable_word(word value) noexcept { return (value & tag_mask) == wildcard_word; }

constexpr std::size_t variable_index(word variable) noexcept {
  return static_cast<std::size_t>(variable >> 3) - 1;
}

} // namespace erl::detail
