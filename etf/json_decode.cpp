// Reads JSON in one pass, with a stack of its own in place of recursion. A value begins with a leaf
// or opens a bracket; once it is complete, what follows in the bracket around it is read.
#include "etf/assembler.hpp"
#include "etf/digits.hpp"
#include "etf/parse_fault.hpp"
#include "etf/utf8.hpp"
#include <erl/etf/json.hpp>

#include <algorithm>
#include <utility>

namespace erl {

namespace {

class json_parser {
public:
  json_parser(std::string_view text, const from_json_options& options) noexcept
      : text_(text), options_(options) {}

  std::expected<term, parse_error> run() {
    if (!value())
      return std::unexpected(text::locate(text_, std::move(error_)));
    return made_.finish();
  }

private:
  enum class inside : std::uint8_t { array, object };
  /// An open bracket, and the index of its first value.
  struct frame {
    inside what;
    std::size_t first;
  };
  enum class step : std::uint8_t { failed, value_wanted, value_done };

  static step done(bool good) noexcept { return good ? step::value_done : step::failed; }
  static step wanted(bool good) noexcept { return good ? step::value_wanted : step::failed; }

  bool value() {
    skip_space();
    for (;;) {
      step now = begin();
      while (now == step::value_done && !open_.empty())
        now = follow();
      if (now == step::failed)
        return false;
      if (made_.memory() > options_.bounds.bytes)
        return fail(etf_errc::too_large, "the term takes too much memory");
      skip_space();
      if (now == step::value_done)
        return at_ == text_.size() || fail_expecting("the end");
    }
  }

  step begin() {
    switch (peek()) {
    case '{':
      return open(inside::object);
    case '[':
      return open(inside::array);
    case '"':
      return done(string());
    case 't':
      return done(word("true", atoms::true_));
    case 'f':
      return done(word("false", atoms::false_));
    case 'n':
      return done(word("null", options_.null));
    default:
      return done(number());
    }
  }

  step open(inside what) {
    if (open_.size() >= options_.bounds.depth)
      return done(fail(etf_errc::too_deep, "nested too deep"));
    open_.push_back({what, made_.size()});
    ++at_;
    skip_space();
    if (peek() == (what == inside::array ? ']' : '}'))
      return done(close());
    return wanted(what == inside::array || key());
  }

  step follow() {
    const bool array = open_.back().what == inside::array;
    skip_space();
    if (peek() == (array ? ']' : '}'))
      return done(close());
    if (peek() != ',')
      return done(fail_expecting(array ? "',' or ']'" : "',' or '}'"));
    ++at_;
    skip_space();
    return wanted(array || key());
  }

  bool close() {
    const frame now = open_.back();
    open_.pop_back();
    ++at_;
    if (now.what == inside::array) {
      made_.list(now.first, false);
      return true;
    }
    if ((made_.size() - now.first) / 2 > options_.bounds.arity)
      return fail(etf_errc::arity_too_large, "too many members");
    made_.map_of_firsts(now.first);
    return true;
  }

  bool key() {
    if (peek() != '"')
      return fail_expecting("a key");
    if (!string())
      return false;
    skip_space();
    if (peek() != ':')
      return fail_expecting("':'");
    ++at_;
    skip_space();
    return true;
  }

  bool word(std::string_view name, atom value) {
    for (const char letter : name) {
      if (peek() != letter || at_ == text_.size())
        return fail_expecting(name);
      ++at_;
    }
    made_.add(value);
    return true;
  }

  bool digits() {
    if (digit_at(at_) >= 10)
      return fail_expecting("a digit");
    while (digit_at(at_) < 10)
      ++at_;
    return true;
  }

  bool number() {
    const std::size_t start = at_;
    at_ += peek() == '-' ? 1 : 0;
    if (at_ == start && digit_at(at_) >= 10)
      return fail_expecting("a value");
    const std::size_t first = at_;
    // Zeros do not lead.
    if (peek() == '0')
      ++at_;
    else if (!digits())
      return false;
    const std::size_t whole = at_;
    if (peek() == '.') {
      ++at_;
      if (!digits())
        return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      at_ += peek() == '+' || peek() == '-' ? 1 : 0;
      if (!digits())
        return false;
    }
    return at_ == whole ? integer(start, first) : floating(start);
  }

  bool integer(std::size_t start, std::size_t first) {
    digits_.start(10);
    bool good = at_ - first <= options_.bounds.digits;
    for (std::size_t i = first; good && i < at_; ++i)
      good = digits_.add(digit_at(i));
    if (!good || !digits_.finish()) {
      at_ = start;
      return fail(etf_errc::integer_too_large, "an integer of too many digits");
    }
    made_.integer(first != start, digits_.words());
    return true;
  }

  bool floating(std::size_t start) {
    const auto value = text::to_double(text_.substr(start, at_ - start));
    if (!value) {
      at_ = start;
      return fail(etf_errc::bad_float, "a float beyond the largest one");
    }
    made_.floating(*value);
    return true;
  }

  /// A string without escapes goes into the term as it is.
  bool string() {
    const std::size_t start = ++at_;
    buffer_.clear();
    bool escaped = false;
    for (std::size_t plain = start;;) {
      at_ = plain_end();
      if (at_ == text_.size())
        return fail(etf_errc::truncated, "a string without its closing quote");
      const std::string_view part = text_.substr(plain, at_ - plain);
      if (text_[at_] == '"') {
        made_.binary(escaped ? buffer_.append(part) : part);
        ++at_;
        return true;
      }
      if (text_[at_] != '\\')
        return fail_expecting("a character of a string");
      buffer_.append(part);
      escaped = true;
      if (!escape())
        return false;
      plain = at_;
    }
  }

  /// The first byte from `at_` on that is a quote, a backslash, a control character or not UTF-8.
  std::size_t plain_end() const noexcept {
    std::size_t at = at_;
    while (at < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[at]);
      if (byte < 0x20 || byte == '"' || byte == '\\')
        break;
      std::size_t size = 1;
      if (byte >= 0x80) {
        const auto character = utf8::first(text_.substr(at));
        if (!character)
          break;
        size = character->size;
      }
      at += size;
    }
    return at;
  }

  bool escape() {
    ++at_;
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    if (peek() == 'u')
      return unicode_escape();
    const std::size_t found = at_ == text_.size() ? letters.npos : letters.find(peek());
    if (found == letters.npos)
      return fail_expecting("an escape");
    buffer_ += meanings[found];
    ++at_;
    return true;
  }

  bool unicode_escape() {
    const std::size_t start = at_ - 1;
    std::uint32_t code = 0;
    if (!hex(code))
      return false;
    if (code >= 0xd800 && code < 0xdc00) {
      std::uint32_t low = 0;
      if (peek() != '\\' || !next_is_u())
        return fail_expecting("the second half of a character");
      ++at_;
      if (!hex(low))
        return false;
      code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
                                           : low_half_alone;
    }
    if (code >= 0xd800 && code < 0xe000) {
      at_ = start;
      return fail(etf_errc::bad_syntax, "half a character");
    }
    utf8::append(buffer_, code);
    return true;
  }

  bool next_is_u() const noexcept { return at_ + 1 < text_.size() && text_[at_ + 1] == 'u'; }

  /// The four digits after the `u` that `at_` is at.
  bool hex(std::uint32_t& code) {
    ++at_;
    for (int i = 0; i < 4; ++i, ++at_) {
      const unsigned digit = digit_at(at_);
      if (digit >= 16)
        return fail_expecting("four hexadecimal digits");
      code = code * 16 + digit;
    }
    return true;
  }

  void skip_space() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  unsigned digit_at(std::size_t at) const noexcept {
    return text::digit_value(at < text_.size() ? text_[at] : '\0');
  }

  bool fail(etf_errc code, std::string detail) {
    error_ = {code, at_, std::move(detail)};
    return false;
  }

  bool fail_expecting(std::string_view what) {
    const bool utf8 = at_ >= text_.size() || utf8::first(text_.substr(at_));
    const etf_errc code = at_ >= text_.size() ? etf_errc::truncated
                          : utf8              ? etf_errc::bad_syntax
                                              : etf_errc::bad_utf8;
    std::string detail = "expected ";
    return fail(code, detail.append(what).append(", got ").append(text::quoted_at(text_, at_)));
  }

  static constexpr std::uint32_t low_half_alone = 0xdc00;

  std::string_view text_;
  const from_json_options& options_;
  std::size_t at_ = 0;
  detail::assembler made_;
  std::vector<frame> open_;
  text::digit_sink digits_;
  std::string buffer_;
  text::fault error_;
};

} // namespace

std::expected<term, parse_error> from_json(std::string_view text,
                                           const from_json_options& options) {
  return json_parser(text, options).run();
}

} // namespace erl
