#include "etf/utf8.hpp"

namespace erl::utf8 {

std::optional<character> first(std::string_view text) noexcept {
  auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  char32_t lead = byte(0);
  if (lead < 0x80)
    return character{lead, 1};
  std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size)
    return std::nullopt;
  char32_t code = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return std::nullopt;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    return std::nullopt;
  return character{code, size};
}

std::optional<std::size_t> length(std::string_view text) noexcept {
  if (is_ascii(text))
    return text.size();
  std::size_t count = 0;
  while (!text.empty()) {
    auto next = first(text);
    if (!next)
      return std::nullopt;
    text.remove_prefix(next->size);
    ++count;
  }
  return count;
}

} // namespace erl::utf8
