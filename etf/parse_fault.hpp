/// Errors of the parsers of text, before their place is known as line and column.
#pragma once

#include <erl/etf/parse_error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace erl::text {

/// An error at a byte of the text.
struct fault {
  etf_errc code = etf_errc::none;
  std::size_t at = 0;
  std::string detail{};
};

/// The same with line and column.
parse_error locate(std::string_view text, fault what);

/// What stands at a byte of the text, for `got ...`: a character in quotes, or `the end`.
std::string quoted_at(std::string_view text, std::size_t at);

} // namespace erl::text
