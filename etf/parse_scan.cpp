#include "etf/parse_scan.hpp"

#include "etf/print_leaf.hpp"
#include "etf/utf8.hpp"

#include <algorithm>
#include <utility>

namespace erl::text {

namespace {

bool is_space(char32_t code) noexcept { return code <= ' ' || (code >= 128 && code <= 160); }

} // namespace

bool scanner::fail(etf_errc code, std::size_t at, std::string detail) {
  error_ = {code, at, std::move(detail)};
  return false;
}

std::string_view scanner::brief_source() const noexcept {
  constexpr std::size_t longest = 40;
  const std::string_view whole = source();
  const std::string_view line = whole.substr(0, whole.find('\n'));
  std::size_t size = std::min(line.size(), longest);
  while (size < line.size() && size > 0 && (line[size] & 0xc0) == 0x80)
    --size;
  return line.substr(0, size);
}

bool scanner::fail_expecting(std::string_view what) {
  std::string detail = "expected ";
  detail.append(what).append(", got ");
  if (kind_ == token::end)
    detail += "the end";
  else if (kind_ == token::full_stop)
    detail += "a full stop";
  else
    detail.append("'").append(brief_source()).append("'");
  return fail(kind_ == token::end ? etf_errc::truncated : etf_errc::bad_syntax, start_,
              std::move(detail));
}

bool scanner::character(char32_t& code) {
  const auto next = utf8::first(text_.substr(at_));
  if (!next)
    return fail(etf_errc::bad_utf8, at_, "the text is not UTF-8");
  code = next->code;
  at_ += next->size;
  return true;
}

bool scanner::skip_space() {
  while (!at_end()) {
    const std::size_t before = at_;
    char32_t code = 0;
    if (!character(code))
      return false;
    if (code == '%') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (!is_space(code)) {
      at_ = before;
      return true;
    }
  }
  return true;
}

bool scanner::advance() {
  if (!skip_space())
    return false;
  start_ = at_;
  if (at_end())
    return accept(token::end);
  switch (peek()) {
  case '\'':
    return quoted_atom();
  case '"':
    return string();
  case '$':
    return character_constant();
  case '~':
    return sigil();
  default:
    break;
  }
  if (digit_value(peek()) < 10)
    return read_number();
  char32_t first = 0;
  if (!character(first))
    return false;
  if (is_lower(first) || is_upper(first) || first == '_')
    return word(first);
  return symbol();
}

bool scanner::word(char32_t first) {
  while (!at_end()) {
    const std::size_t before = at_;
    char32_t code = 0;
    if (!character(code))
      return false;
    if (!is_name_part(code)) {
      at_ = before;
      break;
    }
  }
  if (!is_lower(first))
    return accept(token::variable);
  name_ = source();
  return accept(is_reserved(name_) ? token::reserved : token::atom);
}

bool scanner::symbol() {
  const char first = text_[start_];
  if (first == '.' && at_end())
    return accept(token::full_stop);
  if (first == '.') {
    const auto next = utf8::first(text_.substr(at_));
    if (next && (next->code == '%' || is_space(next->code)))
      return accept(token::full_stop);
  }
  for (const std::string_view both : {"<<", ">>", "=>", ":="}) {
    if (text_.substr(start_).starts_with(both)) {
      at_ = start_ + both.size();
      break;
    }
  }
  return accept(token::symbol);
}

bool scanner::quoted_atom() {
  ++at_;
  if (!quoted('\'', true, "an atom"))
    return false;
  name_.clear();
  for (const char32_t code : characters_)
    utf8::append(name_, code);
  return accept(token::atom);
}

// What follows reads numbers. Digits may have single underscores between them.

bool scanner::digits(unsigned base) {
  if (digit_value(peek()) >= base)
    return fail(at_end() ? etf_errc::truncated : etf_errc::bad_syntax, at_,
                "expected a digit of base " + std::to_string(base) + ", got " +
                    quoted_at(text_, at_));
  while (digit_value(peek()) < base || (peek() == '_' && digit_value(peek(1)) < base))
    ++at_;
  return true;
}

bool scanner::fail_too_large() {
  return fail(etf_errc::integer_too_large, start_, "an integer of too many digits");
}

bool scanner::integer(std::size_t first, unsigned base) {
  if (at_ - first > most_digits_)
    return fail_too_large();
  digits_.start(base);
  for (const char digit : text_.substr(first, at_ - first)) {
    if (digit != '_' && !digits_.add(digit_value(digit)))
      return fail_too_large();
  }
  return digits_.finish() || fail_too_large();
}

bool scanner::nothing_attached() {
  const auto next = at_end() ? std::nullopt : utf8::first(text_.substr(at_));
  if (next && is_name_part(next->code))
    return fail(etf_errc::bad_syntax, at_, "expected a separator, got " + quoted_at(text_, at_));
  return true;
}

bool scanner::read_number() {
  if (!digits(10))
    return false;
  if (peek() == '.' && digit_value(peek(1)) < 10)
    return fraction();
  if (!integer(start_, 10))
    return false;
  return (peek() != '#' || based()) && nothing_attached() && accept(token::integer);
}

bool scanner::based() {
  const auto words = magnitude();
  if (words.size() != 1 || words[0] < 2 || words[0] > 36)
    return fail(etf_errc::bad_syntax, start_, "the base of an integer is 2 to 36");
  const auto base = static_cast<unsigned>(words[0]);
  const std::size_t first = ++at_;
  return digits(base) && integer(first, base);
}

bool scanner::fraction() {
  ++at_;
  if (!digits(10) || !exponent() || !nothing_attached())
    return false;
  name_ = source();
  std::erase(name_, '_');
  const auto value = to_double(name_);
  if (!value)
    return fail(etf_errc::bad_float, start_, "a float beyond the largest one");
  number_ = *value;
  return accept(token::floating);
}

bool scanner::exponent() {
  if ((peek() | 0x20) != 'e')
    return true;
  ++at_;
  if (peek() == '+' || peek() == '-')
    ++at_;
  return digits(10);
}

bool scanner::character_constant() {
  ++at_;
  if (at_end())
    return fail(etf_errc::truncated, at_, "expected a character after '$', got the end");
  char32_t code = 0;
  if (!character(code) || (code == '\\' && !escape(code)))
    return false;
  constexpr unsigned above_all_characters = 0x110000;
  digits_.start(above_all_characters);
  return digits_.add(code) && digits_.finish() && accept(token::integer);
}

} // namespace erl::text
