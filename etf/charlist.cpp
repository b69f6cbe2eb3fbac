#include "etf/utf8.hpp"
#include <erl/etf/charlist.hpp>

#include <stdexcept>

namespace erl::detail {

std::optional<std::string> utf8_from_code_points(const std::vector<std::uint32_t>& points) {
  std::string text;
  for (const std::uint32_t point : points) {
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      return std::nullopt;
    utf8::append(text, point);
  }
  return text;
}

std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> points;
  while (!text.empty()) {
    const auto character = utf8::first(text);
    if (!character)
      throw std::invalid_argument("erl::charlist: the text is not UTF-8");
    points.push_back(character->code);
    text.remove_prefix(character->size);
  }
  return points;
}

} // namespace erl::detail
