/// UTF-8, read strictly: no overlong forms, no surrogates, nothing above 10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace erl::utf8 {

/// A character and the bytes it took.
struct character {
  char32_t code = 0;
  std::size_t size = 0;
};

/// The first character of `text`, which must not be empty; nothing when it is not valid.
std::optional<character> first(std::string_view text) noexcept;

/// Every byte below 128?
inline bool is_ascii(std::string_view text) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  constexpr std::size_t step = sizeof(high_bits);
  const auto load = [](const char* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  };
  std::uint64_t seen = 0;
  if (text.size() < step) {
    for (const char byte : text)
      seen |= static_cast<unsigned char>(byte);
    return (seen & 0x80) == 0;
  }
  const char* at = text.data();
  const char* const last = at + text.size() - step;
  for (; at < last; at += step)
    seen |= load(at);
  seen |= load(last);
  return (seen & high_bits) == 0;
}

/// How many characters `text` has, or nothing when it is not valid UTF-8.
std::optional<std::size_t> length(std::string_view text) noexcept;

/// Appends a character to anything with push_back(char).
template <class Text> void append(Text& out, char32_t code) {
  auto put = [&](char32_t byte) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

} // namespace erl::utf8
