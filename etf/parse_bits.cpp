// Binaries: `<<"abc", 5:3, 1000:16/little, "å"/utf8>>`. Segments are constants, so a binary is no
// nesting: one loop reads it.
#include "etf/bit_sink.hpp"
#include "etf/parse_grammar.hpp"
#include "etf/utf8.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>

namespace erl::text {

namespace {

/// A short text may announce large zeros (`<<0:1000000>>`): at most this much.
constexpr std::size_t most_padding_bits = std::size_t{8} << 20;

using utf16 = std::array<std::uint16_t, 2>;

/// The one or two units of a character.
std::size_t to_utf16(char32_t code, utf16& units) noexcept {
  if (code < 0x10000) {
    units[0] = static_cast<std::uint16_t>(code);
    return 1;
  }
  units[0] = static_cast<std::uint16_t>(0xd7c0 + (code >> 10));
  units[1] = static_cast<std::uint16_t>(0xdc00 | (code & 0x3ff));
  return 2;
}

void put_number(bit_sink& out, std::uint64_t value, std::size_t bits, bool little) {
  out.put(false, {&value, 1}, bits, little);
}

} // namespace

struct grammar::segment {
  enum class type : std::uint8_t { integer, floating, utf8, utf16, utf32 };
  enum class order : std::uint8_t { big, little };
  enum class sign : std::uint8_t { without, with };

  /// A string, or else a number of one of two kinds.
  bool is_string = false;
  bool is_float = false;
  bool negative = false;
  std::u32string characters;
  std::vector<std::uint64_t> magnitude;
  double number = 0;

  std::optional<type> what;
  std::optional<order> bytes;
  std::optional<sign> has_sign;
  std::optional<std::size_t> size;
  std::optional<std::size_t> unit;
  /// size * unit, or its default.
  std::size_t bits = 0;

  bool is_utf() const noexcept { return what >= type::utf8; }
  bool little() const noexcept { return bytes == order::little; }
};

bool grammar::bits() {
  bit_sink out;
  if (!scan_.advance())
    return false;
  if (!scan_.is(">>")) {
    for (;;) {
      if (!bits_segment(out))
        return false;
      if (scan_.is(">>"))
        break;
      if (!scan_.is(","))
        return scan_.fail_expecting("',' or '>>'");
      if (!scan_.advance())
        return false;
    }
  }
  made_.bit_string(out.bytes(), out.bits());
  return scan_.advance();
}

bool grammar::bits_segment(bit_sink& out) {
  segment now;
  const std::size_t at = scan_.start();
  return segment_value(now) && segment_size(now) && segment_types(now) && check_segment(now, at) &&
         put_segment(now, out, at);
}

bool grammar::segment_value(segment& now) {
  if (scan_.kind() == token::string) {
    now.is_string = true;
    do {
      now.characters.append(scan_.characters().begin(), scan_.characters().end());
      if (!scan_.advance())
        return false;
    } while (scan_.kind() == token::string);
    return true;
  }
  now.negative = scan_.is("-");
  if ((now.negative || scan_.is("+")) && !scan_.advance())
    return false;
  if (scan_.kind() == token::floating) {
    now.is_float = true;
    now.number = now.negative ? -scan_.number() : scan_.number();
  } else if (scan_.kind() == token::integer) {
    now.magnitude.assign(scan_.magnitude().begin(), scan_.magnitude().end());
  } else {
    return scan_.fail_expecting("a number or a string");
  }
  return scan_.advance();
}

bool grammar::segment_size(segment& now) {
  if (!scan_.is(":"))
    return true;
  if (!scan_.advance())
    return false;
  const bool parentheses = scan_.is("(");
  if (parentheses && !scan_.advance())
    return false;
  std::size_t size = 0;
  if (!small_integer(most_padding_bits, "a size", size))
    return false;
  now.size = size;
  return !parentheses || expect(")");
}

bool grammar::segment_types(segment& now) {
  for (std::string_view before = "/"; scan_.is(before); before = "-") {
    if (!scan_.advance() || !segment_type(now))
      return false;
  }
  return true;
}

namespace {

/// Sets what was not set to another value before.
template <class T> bool set(std::optional<T>& place, T value) {
  const bool good = !place || *place == value;
  place = value;
  return good;
}

} // namespace

bool grammar::segment_type(segment& now) {
  if (scan_.kind() != token::atom)
    return scan_.fail_expecting("a type");
  const std::string_view name = scan_.name();
  const std::size_t at = scan_.start();
  bool good = true;
  if (name == "unit")
    return segment_unit(now);
  if (name == "integer")
    good = set(now.what, segment::type::integer);
  else if (name == "float")
    good = set(now.what, segment::type::floating);
  else if (name == "utf8")
    good = set(now.what, segment::type::utf8);
  else if (name == "utf16")
    good = set(now.what, segment::type::utf16);
  else if (name == "utf32")
    good = set(now.what, segment::type::utf32);
  else if (name == "big")
    good = set(now.bytes, segment::order::big);
  else if (name == "little")
    good = set(now.bytes, segment::order::little);
  else if (name == "native")
    good = set(now.bytes, std::endian::native == std::endian::little ? segment::order::little
                                                                     : segment::order::big);
  else if (name == "signed")
    good = set(now.has_sign, segment::sign::with);
  else if (name == "unsigned")
    good = set(now.has_sign, segment::sign::without);
  else
    return scan_.fail_expecting("a type of constants");
  return good ? scan_.advance()
              : scan_.fail(etf_errc::bad_syntax, at, "a type that contradicts another one");
}

bool grammar::segment_unit(segment& now) {
  std::size_t unit = 0;
  const std::size_t at = scan_.start();
  if (!scan_.advance() || !expect(":") || !small_integer(256, "a unit", unit))
    return false;
  if (unit == 0 || !set(now.unit, unit))
    return scan_.fail(etf_errc::bad_syntax, at, "an impossible unit");
  return true;
}

bool grammar::check_segment(segment& now, std::size_t at) {
  const auto refuse = [&](std::string why) {
    return scan_.fail(etf_errc::bad_syntax, at, std::move(why));
  };
  if (!now.what)
    now.what = segment::type::integer;
  if (now.is_utf() && (now.size || now.unit))
    return refuse("a size of a UTF segment");
  if (now.unit && !now.size)
    return refuse("a unit without a size");
  if (now.is_utf() && (now.is_float || now.negative || now.magnitude.size() > 1))
    return refuse("not a character");
  const bool floating = now.what == segment::type::floating;
  if (now.is_float && !floating)
    return refuse("a float in a segment of integers");
  now.bits = now.size.value_or(floating ? 64 : 8) * now.unit.value_or(1);
  if (floating && now.bits != 32 && now.bits != 64)
    return refuse("a float has 32 or 64 bits");
  return true;
}

bool grammar::put_segment(const segment& now, bit_sink& out, std::size_t at) {
  const std::size_t numbers = now.is_string ? now.characters.size() : 1;
  const std::size_t most = most_padding_bits + 32 * scan_.text().size();
  const std::size_t room = most - std::min(most, bits_made_);
  if (now.bits != 0 && numbers > room / now.bits)
    return scan_.fail(etf_errc::too_large, at, "binaries much larger than their text");
  bits_made_ += numbers * now.bits;
  const auto put_one = [&](bool negative, magnitude::view words, double number) {
    const std::uint64_t low = words.empty() ? 0 : words[0];
    switch (*now.what) {
    case segment::type::integer:
      out.put(negative, words, now.bits, now.little());
      return true;
    case segment::type::floating: {
      if (now.bits == 64) {
        put_number(out, std::bit_cast<std::uint64_t>(number), 64, now.little());
        return true;
      }
      const auto narrow = static_cast<float>(number);
      put_number(out, std::bit_cast<std::uint32_t>(narrow), 32, now.little());
      return std::isfinite(narrow);
    }
    default:
      break;
    }
    const auto code = static_cast<char32_t>(low);
    if (low > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
      return false;
    if (now.what == segment::type::utf32) {
      put_number(out, low, 32, now.little());
    } else if (now.what == segment::type::utf16) {
      utf16 units{};
      const std::size_t count = to_utf16(code, units);
      for (std::size_t i = 0; i < count; ++i)
        put_number(out, units[i], 16, now.little());
    } else {
      std::string bytes;
      utf8::append(bytes, code);
      for (const char byte : bytes)
        out.put(static_cast<std::uint8_t>(byte), 8);
    }
    return true;
  };
  bool good = true;
  if (now.is_string) {
    for (const std::uint64_t code : now.characters)
      good = good && put_one(false, {&code, 1}, static_cast<double>(code));
  } else if (now.is_float || now.what != segment::type::floating) {
    good = put_one(now.negative, now.magnitude, now.number);
  } else {
    const auto number = magnitude::to_double(now.negative, now.magnitude);
    good = number && put_one(false, {}, *number);
  }
  return good || scan_.fail(etf_errc::bad_syntax, at, "a value that its segment cannot hold");
}

} // namespace erl::text
