#include "etf/print_leaf.hpp"

#include "etf/magnitude.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace erl::text {

namespace {

/// Words that an atom must be quoted to be, those of OTP 27 included.
constexpr std::array reserved = std::to_array<std::string_view>(
    {"after", "and",   "andalso", "band",   "begin",   "bnot", "bor", "bsl",  "bsr", "bxor",
     "case",  "catch", "cond",    "div",    "else",    "end",  "fun", "if",   "let", "maybe",
     "not",   "of",    "or",      "orelse", "receive", "rem",  "try", "when", "xor"});

bool is_plain_atom(std::string_view text) {
  if (text.empty() || is_reserved(text))
    return false;
  auto first = utf8::first(text);
  return first && is_lower(first->code) && for_characters(text, is_name_part);
}

/// The letter of a short escape, or 0.
char short_escape(char32_t code) noexcept {
  switch (code) {
  case '\n':
    return 'n';
  case '\t':
    return 't';
  case '\r':
    return 'r';
  case '\v':
    return 'v';
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case 27:
    return 'e';
  case 127:
    return 'd';
  default:
    return 0;
  }
}

bool is_control(char32_t code) noexcept { return code < 32 || (code >= 128 && code < 160); }

struct decimal {
  std::string digits;
  int exponent = 0;
};

/// Significant digits, and the power of ten of the first one.
decimal shortest(double value) {
  std::array<char, 32> text{};
  char* end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific)
          .ptr;
  char* mark = std::find(text.data(), end, 'e');
  decimal result;
  std::copy_if(text.data(), mark, std::back_inserter(result.digits),
               [](char c) { return c != '.'; });
  const char* exponent = mark[1] == '+' ? mark + 2 : mark + 1;
  std::from_chars(exponent, end, result.exponent);
  return result;
}

std::string scientific(const decimal& number) {
  std::string text(1, number.digits[0]);
  text += '.';
  text += number.digits.size() > 1 ? number.digits.substr(1) : "0";
  return text + 'e' + std::to_string(number.exponent);
}

std::size_t plain_size(const decimal& number) noexcept {
  if (number.exponent < 0)
    return 1 + number.digits.size() + static_cast<std::size_t>(-number.exponent);
  auto whole = static_cast<std::size_t>(number.exponent) + 1;
  return std::max(whole + 2, number.digits.size() + 1);
}

std::string plain(const decimal& number) {
  if (number.exponent < 0)
    return "0." + std::string(static_cast<std::size_t>(-number.exponent) - 1, '0') + number.digits;
  auto whole = static_cast<std::size_t>(number.exponent) + 1;
  std::string text = number.digits;
  if (text.size() <= whole)
    return text + std::string(whole - text.size(), '0') + ".0";
  text.insert(whole, 1, '.');
  return text;
}

bool all_printable(std::string_view bytes) noexcept {
  return std::ranges::all_of(bytes,
                             [](char c) { return is_printable(static_cast<unsigned char>(c)); });
}

void write_string(std::string_view bytes, bool utf8, std::size_t end, std::string& out) {
  out += "<<\"";
  auto each = [&](char32_t code) {
    write_character(code, '"', false, out);
    return out.size() <= end;
  };
  if (utf8)
    for_characters(bytes, each);
  else
    static_cast<void>(
        std::ranges::all_of(bytes, [&](char c) { return each(static_cast<unsigned char>(c)); }));
  // Characters beyond ASCII take two bytes in the binary: the type says so.
  bool wide = utf8 && std::ranges::any_of(bytes, [](char c) { return (c & 0x80) != 0; });
  out += wide ? "\"/utf8>>" : "\">>";
}

} // namespace

bool is_lower(char32_t code) noexcept {
  return (code >= 'a' && code <= 'z') || (code >= 0xdf && code <= 0xff && code != 0xf7);
}

bool is_upper(char32_t code) noexcept {
  return (code >= 'A' && code <= 'Z') || (code >= 0xc0 && code <= 0xde && code != 0xd7);
}

bool is_name_part(char32_t code) noexcept {
  return is_lower(code) || is_upper(code) || (code >= '0' && code <= '9') || code == '_' ||
         code == '@';
}

bool is_reserved(std::string_view word) noexcept {
  return std::ranges::binary_search(reserved, word);
}

void write_number(std::uint64_t value, std::string& out) {
  std::array<char, 20> text{};
  char* end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

void write_float(double value, std::string& out) {
  if (std::signbit(value))
    out += '-';
  double size = std::fabs(value);
  decimal number = shortest(size);
  std::string exponential = scientific(number);
  bool wants_exponent = size >= 0x1p53 || exponential.size() < plain_size(number);
  out += wants_exponent ? exponential : plain(number);
}

bool is_printable(char32_t code) noexcept {
  return (code >= 32 && code < 127) || (code >= 160 && code <= 255) ||
         (code != 127 && short_escape(code) != 0);
}

void write_character(char32_t code, char quote, bool latin1, std::string& out) {
  if (code == static_cast<char32_t>(quote) || code == '\\') {
    out += '\\';
    out += static_cast<char>(code);
  } else if (char letter = short_escape(code); letter != 0) {
    out += '\\';
    out += letter;
  } else if (is_control(code)) {
    out += '\\';
    for (int shift : {6, 3, 0})
      out += static_cast<char>('0' + (code >> shift & 7));
  } else if (latin1 && code > 255) {
    std::array<char, 8> hex{};
    char* end =
        std::to_chars(hex.data(), hex.data() + hex.size(), static_cast<std::uint32_t>(code), 16)
            .ptr;
    std::transform(hex.data(), end, hex.data(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
    out += "\\x{";
    out.append(hex.data(), end);
    out += '}';
  } else {
    utf8::append(out, code);
  }
}

void write_atom(atom value, bool latin1, std::string& out) {
  std::string_view text = value.text();
  if (is_plain_atom(text)) {
    out += text;
    return;
  }
  out += '\'';
  for_characters(text, [&](char32_t code) {
    write_character(code, '\'', latin1, out);
    return true;
  });
  out += '\'';
}

void write_bits(detail::bits_of bits, print_style style, std::size_t end, std::string& out) {
  std::string_view bytes(reinterpret_cast<const char*>(bits.data), bits.bits / 8);
  bool whole = bits.bits % 8 == 0;
  if (style == print_style::pretty && whole && !bytes.empty()) {
    if (for_characters(bytes, is_printable))
      return write_string(bytes, true, end, out);
    if (!utf8::length(bytes) && all_printable(bytes))
      return write_string(bytes, false, end, out);
  }
  out += "<<";
  bool first = true;
  for (char byte : bytes) {
    if (!std::exchange(first, false))
      out += ',';
    write_number(static_cast<unsigned char>(byte), out);
    if (out.size() > end)
      break;
  }
  if (!whole) {
    if (!first)
      out += ',';
    write_number(std::to_integer<unsigned>(bits.data[bytes.size()]) >> (8 - bits.bits % 8), out);
    out += ':';
    write_number(bits.bits % 8, out);
  }
  out += ">>";
}

void write_integer(const detail::word* box, std::size_t end, std::string& out) {
  const std::size_t words = detail::size_of(box[0]);
  const std::size_t room = end - std::min(end, out.size());
  if (detail::kind_of(box[0]) == detail::box_kind::negative_integer)
    out += '-';
  // Small ones are found at once.
  if (words > 8 && (words - 1) * magnitude::decimal_digits > room)
    out.append(room + 1, '.');
  else
    magnitude::print({box + 1, words}, out);
}

namespace {

void write_node(atom node, const print_options& how, std::string& out) {
  if (how.node_names)
    return write_atom(node, false, out);
  write_number(node == how.own_node ? 0 : node.index(), out);
}

void write_part(std::uint64_t value, std::string& out) {
  out += '.';
  write_number(value, out);
}

} // namespace

void write_parts(const pid& value, const print_options& how, std::string& out) {
  write_node(value.node, how, out);
  write_part(value.id, out);
  write_part(value.serial, out);
}

void write_parts(const port& value, const print_options& how, std::string& out) {
  write_node(value.node, how, out);
  write_part(value.id, out);
}

void write_parts(const reference& value, const print_options& how, std::string& out) {
  write_node(value.node, how, out);
  for (std::size_t i = value.size; i-- > 0;)
    write_part(value.words[i], out);
}

std::size_t end_of(std::size_t start, std::size_t bytes) noexcept {
  return bytes > std::string::npos - start ? std::string::npos : start + bytes;
}

void cut(std::string& out, std::size_t start, std::size_t end) {
  constexpr std::string_view mark = "...";
  std::size_t size = std::max(start, end - std::min(end, mark.size()));
  while (size > start && (out[size] & 0xc0) == 0x80)
    --size;
  out.resize(size);
  out += mark;
}

} // namespace erl::text
