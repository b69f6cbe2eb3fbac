/// Reads integers and names of atoms where they lie encoded, for those who build no tree:
/// `erl::view`, and `erl::source` over bytes.
#pragma once

#include "etf/wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace erl::wire {

/// An encoded integer; `after` is null when there is none, or not a whole one.
struct integer_leaf {
  const std::byte* after = nullptr;
  std::uint64_t magnitude = 0;
  bool negative = false;
  /// False when the magnitude has more than 64 bits.
  bool fits = true;

  /// Is it in the range of std::int64_t?
  bool is_int64() const noexcept {
    return fits && magnitude <= (std::uint64_t{1} << 63) - (negative ? 0 : 1);
  }
  std::int64_t to_int64() const noexcept {
    return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  }
};

/// An integer with a count of bytes, in a head of `head` bytes, a sign, and the bytes.
inline integer_leaf big_integer(const std::byte* at, const std::byte* end,
                                std::size_t head) noexcept {
  const auto rest = static_cast<std::size_t>(end - at);
  if (rest < head + 1)
    return {};
  std::size_t size = head == 2 ? get8(at + 1) : get32(at + 1);
  if (size > rest - head - 1 || size > max_integer_bytes)
    return {};
  const std::byte* digits = at + head + 1;
  integer_leaf result{digits + size, 0, get8(at + head) != 0, true};
  if (size > 0 && size <= 8 && end - digits >= 8) {
    std::memcpy(&result.magnitude, digits, 8);
    result.magnitude &= ~std::uint64_t{0} >> (64 - 8 * size);
    return result;
  }
  while (size > 8 && get8(digits + size - 1) == 0)
    --size;
  result.fits = size <= 8;
  while (result.fits && size > 0)
    result.magnitude = result.magnitude << 8 | get8(digits + --size);
  return result;
}

inline integer_leaf integer(const std::byte* at, const std::byte* end) noexcept {
  const auto rest = static_cast<std::size_t>(end - at);
  if (rest < 2)
    return {};
  switch (static_cast<etf::tag>(get8(at))) {
  case etf::tag::small_integer:
    return {at + 2, get8(at + 1), false, true};
  case etf::tag::integer: {
    if (rest < 5)
      return {};
    const std::int64_t value = static_cast<std::int32_t>(get32(at + 1));
    return {at + 5, static_cast<std::uint64_t>(value < 0 ? -value : value), value < 0, true};
  }
  case etf::tag::small_big:
    return big_integer(at, end, 2);
  case etf::tag::large_big:
    return big_integer(at, end, 5);
  default:
    return {};
  }
}

/// The text of an encoded atom; `after` is null when it is none, or not a whole one. The text is
/// not checked.
struct name_leaf {
  const std::byte* after = nullptr;
  std::string_view text{};
  bool latin1 = false;
};

inline name_leaf name(const std::byte* at, const std::byte* end) noexcept {
  const auto rest = static_cast<std::size_t>(end - at);
  if (rest < 2)
    return {};
  const auto what = static_cast<etf::tag>(get8(at));
  std::size_t size = 0;
  std::size_t head = 0;
  if (what == etf::tag::small_atom_utf8 || what == etf::tag::small_atom) {
    size = get8(at + 1);
    head = 2;
  } else if (what == etf::tag::atom_utf8 || what == etf::tag::atom) {
    if (rest < 3)
      return {};
    size = get16(at + 1);
    head = 3;
  } else {
    return {};
  }
  if (size > rest - head)
    return {};
  return {at + head + size,
          {reinterpret_cast<const char*>(at) + head, size},
          what == etf::tag::small_atom || what == etf::tag::atom};
}

/// A name in Latin-1 as UTF-8. Of more than 255 characters only the first ones.
class utf8_name {
public:
  explicit utf8_name(std::string_view latin1) noexcept {
    for (const char c : latin1.substr(0, 255)) {
      const auto code = static_cast<unsigned char>(c);
      if (code >= 0x80)
        text_[size_++] = static_cast<char>(0xc0 | code >> 6);
      text_[size_++] = static_cast<char>(code < 0x80 ? code : 0x80 | (code & 0x3f));
    }
  }
  std::string_view text() const noexcept { return {text_.data(), size_}; }

private:
  std::array<char, 510> text_; // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::size_t size_ = 0;
};

inline std::optional<atom> find_latin1(std::string_view text) noexcept {
  return text.size() > 255 ? std::nullopt : atom::find(utf8_name(text).text());
}

/// The same name, once in Latin-1 and once in UTF-8?
inline bool same_name(std::string_view latin1, std::string_view utf8) noexcept {
  return latin1.size() <= 255 && utf8_name(latin1).text() == utf8;
}

} // namespace erl::wire
