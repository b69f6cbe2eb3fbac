// The part of the scanner that reads what is between quotes: strings, atoms, sigils and
// triple-quoted strings, with their escapes.
#include "etf/parse_scan.hpp"
#include "etf/print_leaf.hpp"
#include "etf/utf8.hpp"

#include <algorithm>

namespace erl::text {

namespace {

constexpr std::size_t triple = 3;

/// OTP refuses FFFE and FFFF too, though it prints them in this way itself.
bool is_character(std::uint32_t code) noexcept {
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

char closing_of(char opening) noexcept {
  switch (opening) {
  case '(':
    return ')';
  case '[':
    return ']';
  case '{':
    return '}';
  case '<':
    return '>';
  case '/':
  case '|':
  case '\'':
  case '"':
  case '`':
  case '#':
    return opening;
  default:
    return '\0';
  }
}

std::size_t count_quotes(std::string_view text) noexcept {
  return std::min(text.find_first_not_of('"'), text.size());
}

} // namespace

bool scanner::quoted(char closing, bool escapes, std::string_view what) {
  characters_.clear();
  while (!at_end()) {
    char32_t code = 0;
    if (!character(code))
      return false;
    if (code == static_cast<unsigned char>(closing))
      return true;
    if (escapes && code == '\\' && !escape(code))
      return false;
    characters_.push_back(code);
  }
  return fail(etf_errc::truncated, start_, std::string(what) + " without its closing quote");
}

bool scanner::escape(char32_t& code) {
  if (at_end())
    return fail(etf_errc::truncated, at_, "expected the rest of an escape, got the end");
  if (!character(code))
    return false;
  switch (code) {
  case 'n':
    code = '\n';
    return true;
  case 'r':
    code = '\r';
    return true;
  case 't':
    code = '\t';
    return true;
  case 'v':
    code = '\v';
    return true;
  case 'b':
    code = '\b';
    return true;
  case 'f':
    code = '\f';
    return true;
  case 'e':
    code = 27;
    return true;
  case 's':
    code = ' ';
    return true;
  case 'd':
    code = 127;
    return true;
  case '^':
    return control_escape(code);
  case 'x':
    return hex_escape(code);
  default:
    return code < '0' || code > '7' || octal_escape(code);
  }
}

bool scanner::octal_escape(char32_t& code) {
  code -= '0';
  for (int more = 0; more < 2 && digit_value(peek()) < 8; ++more)
    code = code * 8 + digit_value(text_[at_++]);
  return true;
}

bool scanner::control_escape(char32_t& code) {
  const std::size_t before = at_;
  if (at_end())
    return fail(etf_errc::truncated, at_, "expected the rest of an escape, got the end");
  if (!character(code))
    return false;
  const bool letter = (code >= '@' && code <= '_') || (code >= 'a' && code <= 'z');
  if (!letter && code != '?')
    return fail(etf_errc::bad_syntax, before,
                "expected a control character after '\\^', got " + quoted_at(text_, before));
  code = letter ? code & 31 : 127;
  return true;
}

bool scanner::hex_escape(char32_t& code) {
  const std::size_t before = at_;
  const bool braces = peek() == '{';
  std::size_t digits = 0;
  std::uint32_t value = 0;
  at_ += braces ? 1 : 0;
  for (; digit_value(peek()) < 16 && (braces || digits < 2); ++digits, ++at_)
    value = std::min(value, 0x1fffffU) * 16 + digit_value(peek());
  const bool closed = braces ? digits > 0 && peek() == '}' : digits == 2;
  if (!closed)
    return fail(at_end() ? etf_errc::truncated : etf_errc::bad_syntax, at_,
                "expected hexadecimal digits, got " + quoted_at(text_, at_));
  at_ += braces ? 1 : 0;
  if (!is_character(value))
    return fail(etf_errc::bad_syntax, before, "not the number of a character");
  code = value;
  return true;
}

bool scanner::no_string_follows() {
  return peek() != '"' || fail(etf_errc::bad_syntax, at_, "expected white space between strings");
}

bool scanner::string() {
  const std::size_t quotes = count_quotes(text_.substr(at_));
  if (quotes >= triple)
    return triple_quoted(quotes, false) && no_string_follows() && accept(token::string);
  ++at_;
  return quoted('"', true, "a string") && no_string_follows() && accept(token::string);
}

bool scanner::sigil() {
  ++at_;
  const char prefix = peek();
  const bool letter = prefix == 'b' || prefix == 'B' || prefix == 's' || prefix == 'S';
  at_ += letter ? 1 : 0;
  const std::size_t quotes = count_quotes(text_.substr(at_));
  const bool raw = prefix == 'B' || prefix == 'S';
  const char closing = closing_of(peek());
  if (closing == '\0')
    return fail(at_end() ? etf_errc::truncated : etf_errc::bad_syntax, at_,
                "expected the quote of a sigil (~, ~b, ~B, ~s or ~S), got " +
                    quoted_at(text_, at_));
  if (quotes >= triple) {
    if (!triple_quoted(quotes, letter && !raw))
      return false;
  } else {
    ++at_;
    if (!quoted(closing, !raw, "a sigil"))
      return false;
  }
  const bool is_string = prefix == 's' || prefix == 'S';
  return no_string_follows() && nothing_attached() &&
         accept(is_string ? token::sigil_string : token::sigil_binary);
}

bool scanner::triple_quoted(std::size_t quotes, bool escapes) {
  at_ += quotes;
  while (peek() == ' ' || peek() == '\t' || peek() == '\r')
    ++at_;
  if (peek() != '\n')
    return fail(at_end() ? etf_errc::truncated : etf_errc::bad_syntax, at_,
                "expected the end of the line after the quotes, got " + quoted_at(text_, at_));
  const std::size_t content = at_ + 1;
  // The string ends where a line begins with as many quotes.
  for (std::size_t line = content - 1; line < text_.size(); line = text_.find('\n', line + 1)) {
    const std::size_t mark = std::min(text_.find_first_not_of(" \t", line + 1), text_.size());
    if (count_quotes(text_.substr(mark)) < quotes)
      continue;
    const std::string_view lines =
        line < content ? std::string_view() : text_.substr(content, line - content);
    at_ = content;
    if (!indented(lines, text_.substr(line + 1, mark - line - 1), escapes))
      return false;
    at_ = mark + quotes;
    return true;
  }
  return fail(etf_errc::truncated, start_, "a string without its closing quotes");
}

/// Reads lines that each begin with `indent`, which does not count; `at_` is where they begin.
bool scanner::indented(std::string_view lines, std::string_view indent, bool escapes) {
  characters_.clear();
  const std::size_t end = at_ + lines.size();
  const std::string_view whole = text_;
  // Nothing behind the lines belongs to an escape in them.
  text_ = whole.substr(0, end);
  bool good = true;
  for (bool line_start = true; good && at_ < end;) {
    if (line_start && text_.substr(at_).starts_with(indent)) {
      at_ += indent.size();
    } else if (line_start && peek() != '\n' && !text_.substr(at_).starts_with("\r\n")) {
      good = fail(etf_errc::bad_syntax, at_, "a line with less indentation than the last one");
      break;
    }
    line_start = false;
    if (at_ == end)
      break;
    char32_t code = 0;
    good = character(code);
    line_start = code == '\n';
    if (good && escapes && code == '\\') {
      line_start = peek() == '\n';
      good = escape(code);
    }
    characters_.push_back(code);
  }
  text_ = whole;
  return good;
}

} // namespace erl::text
