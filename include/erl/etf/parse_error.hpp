/// What is wrong with a text, and where.
#pragma once

#include <erl/etf/error.hpp>

#include <cstddef>
#include <string>

namespace erl {

/// Why and where a text could not be parsed.
struct parse_error {
  /// The reason. `truncated` says that the text is right so far and ends too early.
  etf_errc code = etf_errc::none;
  /// The place, counted from 1; columns in characters (in bytes where the text is not UTF-8).
  std::size_t line = 1;
  std::size_t column = 1;
  /// What was expected and what came: `expected ',' or '}', got '|'`. Never empty.
  std::string detail{};

  /// `3:14: expected ',' or '}', got '|'`.
  std::string message() const;
  bool operator==(const parse_error&) const = default;
};

} // namespace erl
