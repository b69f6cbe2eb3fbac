#include "etf/inspect_leaf.hpp"

#include "etf/print_leaf.hpp"
#include "etf/utf8.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

namespace erl::text {

namespace {

constexpr std::string_view module_prefix = "Elixir.";

/// Operators and special forms that need no quotes as atoms and keys, sorted.
constexpr std::array plain_operators = std::to_array<std::string_view>(
    {"!",   "!=",   "!==", "%",    "%{}", "&",  "&&",  "&&&", "*",    "**",  "+",  "++",
     "+++", "-",    "--",  "---",  "->",  ".",  "..",  "...", "..//", "/",   "<",  "<-",
     "<<<", "<<>>", "<<~", "<=",   "<>",  "<~", "<~>", "=",   "==",   "===", "=~", ">",
     ">=",  ">>>",  "@",   "\\\\", "^",   "{}", "|",   "|>",  "||",   "|||", "~>", "~>>"});

/// The same for functions, after a dot.
constexpr std::array plain_functions = std::to_array<std::string_view>(
    {"!",    "!=", "!==", "&", "&&", "&&&", "*",   "**",  "+",   "++",  "+++",
     "-",    "--", "---", "/", "::", "<",   "<-",  "<<<", "<<~", "<=",  "<>",
     "<|>",  "<~", "<~>", "=", "==", "===", "=~",  ">",   ">=",  ">>>", "@",
     "\\\\", "^",  "^^^", "|", "|>", "||",  "|||", "~>",  "~>>", "~~~"});

static_assert(std::ranges::is_sorted(plain_operators));
static_assert(std::ranges::is_sorted(plain_functions));

bool is_letter(char32_t code) noexcept {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

bool is_digit(char32_t code) noexcept { return code >= '0' && code <= '9'; }

using range = std::pair<char32_t, char32_t>;

bool is_in(std::span<const range> ranges, char32_t code) noexcept {
  return std::ranges::any_of(ranges,
                             [=](range each) { return code >= each.first && code <= each.second; });
}

/// A Latin letter beyond ASCII: those that all releases of Elixir take in names. (They disagree
/// about many of the further ones, and a name must not mix scripts.)
bool is_accented(char32_t code) noexcept {
  constexpr std::array letters = std::to_array<range>({
      {0xc0, 0xd6},
      {0xd8, 0xf6},
      {0xf8, 0x113},
      {0x116, 0x12b},
      {0x12e, 0x131},
      {0x134, 0x137},
      {0x139, 0x13e},
      {0x141, 0x148},
      {0x14a, 0x14d},
      {0x150, 0x155},
      {0x158, 0x161},
      {0x164, 0x17e},
  });
  return is_in(letters, code);
}

/// A function begins with a small letter.
bool is_capital(char32_t code) noexcept {
  if (code >= 0x100)
    return (code >= 0x139 && code <= 0x148) || code >= 0x179 ? code % 2 == 1
                                                             : code % 2 == 0 || code == 0x178;
  return (code >= 'A' && code <= 'Z') || (code >= 0xc0 && code <= 0xde);
}

/// A name: letters, digits, `_` and (but for functions) `@`, and at the end `!` or `?`.
bool is_identifier(std::string_view text, bool function) {
  if (text.empty())
    return false;
  const auto first = utf8::first(text);
  if (!first || !(is_letter(first->code) || is_accented(first->code) || first->code == '_'))
    return false;
  if (function && is_capital(first->code))
    return false;
  if (text.size() > 1 && (text.back() == '!' || text.back() == '?'))
    text.remove_suffix(1);
  constexpr char32_t middle_dot = 0xb7;
  return for_characters(text, [&](char32_t code) {
    return is_letter(code) || is_digit(code) || is_accented(code) || code == '_' ||
           code == middle_dot || (code == '@' && !function);
  });
}

/// The name of a module as it is written: without `Elixir.`, unless nothing else or another one
/// would be left.
std::string_view without_prefix(std::string_view alias) noexcept {
  if (!alias.starts_with(module_prefix))
    return alias;
  const std::string_view rest = alias.substr(module_prefix.size());
  return rest == "Elixir" || rest.starts_with(module_prefix) ? alias : rest;
}

/// Characters that print, of those with a number above 127.
bool is_printable_wide(char32_t code) noexcept {
  return code >= 160 && code != 0xfffe && code != 0xffff;
}

/// Characters without a width, or that change the direction of text: always escaped.
bool is_invisible(char32_t code) noexcept {
  constexpr std::array characters = std::to_array<range>({
      {0xa0, 0xa0},
      {0x34f, 0x34f},
      {0x61c, 0x61c},
      {0x2000, 0x200f},
      {0x2028, 0x202e},
      {0x205f, 0x2064},
      {0x2066, 0x2069},
      {0xfeff, 0xfeff},
      {0xfff9, 0xfffc},
  });
  return is_in(characters, code);
}

/// The letter of a short escape, or 0.
char short_escape(char32_t code) noexcept {
  switch (code) {
  case 0:
    return '0';
  case 7:
    return 'a';
  case '\b':
    return 'b';
  case '\t':
    return 't';
  case '\n':
    return 'n';
  case '\v':
    return 'v';
  case '\f':
    return 'f';
  case '\r':
    return 'r';
  case 27:
    return 'e';
  case 127:
    return 'd';
  case '"':
  case '\\':
    return static_cast<char>(code);
  default:
    return 0;
  }
}

void write_hex(char32_t code, std::size_t digits, std::string& out) {
  for (std::size_t left = digits; left-- > 0;)
    out += "0123456789ABCDEF"[code >> (4 * left) & 15];
}

bool is_printable_string(std::string_view bytes) {
  return for_characters(bytes, [](char32_t code) {
    return is_printable_wide(code) || (code >= 32 && code <= 127) ||
           (code != 0 && code < 128 && short_escape(code) != 0);
  });
}

/// The text between quotes; `#{` would be code.
void write_quoted(std::string_view text, std::size_t end, std::string& out) {
  out += '"';
  while (!text.empty() && out.size() <= end) {
    if (text.starts_with("#{"))
      out += '\\';
    const auto next = utf8::first(text);
    inspect_character(next->code, out);
    text.remove_prefix(next->size);
  }
  out += '"';
}

} // namespace

bool is_alias(std::string_view text) noexcept {
  if (!text.starts_with("Elixir"))
    return false;
  text.remove_prefix(module_prefix.size() - 1);
  while (!text.empty()) {
    if (text.size() < 2 || text[0] != '.' || text[1] < 'A' || text[1] > 'Z')
      return false;
    text.remove_prefix(2);
    while (!text.empty() && (is_letter(static_cast<unsigned char>(text[0])) ||
                             is_digit(static_cast<unsigned char>(text[0])) || text[0] == '_'))
      text.remove_prefix(1);
  }
  return true;
}

bool is_module(atom value) noexcept { return value.text().starts_with(module_prefix); }

bool is_charlist_part(std::uint64_t code) noexcept {
  return (code >= 32 && code < 127) || (code >= 7 && code <= 13) || code == 27;
}

void inspect_character(char32_t code, std::string& out) {
  if (const char letter = short_escape(code); letter != 0) {
    out += '\\';
    out += letter;
  } else if (code < 32 || (code > 127 && code < 160)) {
    out += "\\x";
    write_hex(code, 2, out);
  } else if (is_invisible(code)) {
    out += "\\u";
    write_hex(code, 4, out);
  } else if (!is_printable_wide(code) && code > 127) {
    out += "\\x{";
    write_hex(code, 4, out);
    out += '}';
  } else {
    utf8::append(out, code);
  }
}

void inspect_atom(atom value, atom_place place, std::string& out) {
  const std::string_view text = value.text();
  const bool alias = is_alias(text);
  const bool function = place == atom_place::function;
  if (place == atom_place::alone) {
    if (value == atoms::nil || value == atoms::true_ || value == atoms::false_) {
      out += text;
      return;
    }
    if (alias) {
      out += without_prefix(text);
      return;
    }
    out += ':';
  }
  const bool operation = function ? std::ranges::binary_search(plain_functions, text)
                                  : std::ranges::binary_search(plain_operators, text);
  if (operation || (is_identifier(text, function) && !alias))
    out += text;
  else
    write_quoted(text, std::string::npos, out);
  if (place == atom_place::key)
    out += ": ";
}

void inspect_float(double value, std::string& out) {
  const double size = std::fabs(value);
  if (size >= 1.0 && size < 1.0e16 && size == std::floor(size)) {
    if (value < 0)
      out += '-';
    write_number(static_cast<std::uint64_t>(size), out);
    out += ".0";
  } else {
    write_float(value, out);
  }
}

void inspect_bits(detail::bits_of bits, std::size_t end, std::string& out) {
  const std::string_view bytes(reinterpret_cast<const char*>(bits.data), bits.bits / 8);
  const std::size_t rest = bits.bits % 8;
  if (rest == 0 && is_printable_string(bytes))
    return write_quoted(bytes, end, out);
  out += "<<";
  bool first = true;
  for (const char byte : bytes) {
    if (!std::exchange(first, false))
      out += ", ";
    write_number(static_cast<unsigned char>(byte), out);
    if (out.size() > end)
      return;
  }
  if (rest != 0) {
    if (!first)
      out += ", ";
    write_number(std::to_integer<unsigned>(bits.data[bytes.size()]) >> (8 - rest), out);
    out += "::size(";
    write_number(rest, out);
    out += ')';
  }
  out += ">>";
}

} // namespace erl::text
