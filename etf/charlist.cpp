#include "etf/utf8.hpp"
#include <erl/etf/charlist.hpp>

#include <stdexcept>
#include <utility>

namespace erl {

namespace detail {

std::optional<std::string> utf8_from_code_points(const std::vector<std::uint32_t>& points) {
  std::string text;
  for (const std::uint32_t point : points) {
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return std::nullopt;
    utf8::append(text, point);
  }
  return text;
}

std::optional<std::vector<std::uint32_t>> code_points(std::string_view text) {
  std::vector<std::uint32_t> points;
  while (!text.empty()) {
    const auto character = utf8::first(text);
    if (!character)
      return std::nullopt;
    points.push_back(character->code);
    text.remove_prefix(character->size);
  }
  return points;
}

} // namespace detail

std::vector<std::uint32_t> conversion<charlist>::to(const charlist& value) {
  auto points = detail::code_points(value.text);
  if (!points)
    throw std::invalid_argument("erl::charlist: the text is not UTF-8");
  return std::move(*points);
}

} // namespace erl
