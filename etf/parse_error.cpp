#include "etf/parse_fault.hpp"
#include "etf/print_leaf.hpp"
#include "etf/utf8.hpp"

#include <algorithm>
#include <utility>

namespace erl {

std::string parse_error::message() const {
  return std::to_string(line) + ':' + std::to_string(column) + ": " + detail;
}

namespace text {

parse_error locate(std::string_view text, fault what) {
  const std::string_view before = text.substr(0, what.at);
  const std::size_t line_start = before.rfind('\n') + 1;
  const std::string_view in_line = before.substr(line_start);
  return {.code = what.code,
          .line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n')),
          .column = 1 + utf8::length(in_line).value_or(in_line.size()),
          .detail = std::move(what.detail)};
}

std::string quoted_at(std::string_view text, std::size_t at) {
  if (at >= text.size())
    return "the end";
  const auto character = utf8::first(text.substr(at));
  if (!character)
    return "a byte that is not UTF-8";
  std::string result = "'";
  write_character(character->code, '\'', false, result);
  return result + '\'';
}

} // namespace text

} // namespace erl
