/// Tokens of Erlang text, as erl_scan of OTP 27 finds them.
#pragma once

#include "etf/digits.hpp"
#include "etf/parse_fault.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace erl::text {

enum class token : std::uint8_t {
  end,
  /// `.` before white space, a comment or the end.
  full_stop,
  /// The name is in `scanner::name`.
  atom,
  /// A word of the grammar; `scanner::source`.
  reserved,
  variable,
  /// Also a character: `$a`. The value is in `scanner::magnitude`.
  integer,
  floating,
  /// The characters are in `scanner::characters`.
  string,
  /// `~s"..."`: a string that others cannot follow.
  sigil_string,
  /// `~"..."`: a binary of the characters in UTF-8.
  sigil_binary,
  /// Anything else: one or two characters; `scanner::source`.
  symbol,
};

/// Reads one token after the other. After `advance` returned false, `error` says why.
class scanner {
public:
  /// Integers have at most `most_digits`.
  scanner(std::string_view text, std::size_t most_digits) noexcept
      : text_(text), most_digits_(most_digits) {}

  /// Goes to the next token.
  [[nodiscard]] bool advance();

  token kind() const noexcept { return kind_; }
  bool is(std::string_view symbol) const noexcept {
    return kind_ == token::symbol && source() == symbol;
  }
  /// The token as it is written.
  std::string_view source() const noexcept { return text_.substr(start_, at_ - start_); }
  /// Where it begins.
  std::size_t start() const noexcept { return start_; }

  std::string_view name() const noexcept { return name_; }
  std::span<const char32_t> characters() const noexcept { return characters_; }
  magnitude::view magnitude() const noexcept { return digits_.words(); }
  double number() const noexcept { return number_; }

  /// Records an error at a byte of the text; returns false.
  bool fail(etf_errc code, std::size_t at, std::string detail);
  /// `expected WHAT, got` and the token.
  bool fail_expecting(std::string_view what);
  const fault& error() const noexcept { return error_; }
  std::string_view text() const noexcept { return text_; }

private:
  bool at_end() const noexcept { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool accept(token kind) noexcept {
    kind_ = kind;
    return true;
  }
  /// The beginning of the token, for messages.
  std::string_view brief_source() const noexcept;
  /// The next character of the text, which must be valid.
  bool character(char32_t& code);
  bool skip_space();
  bool word(char32_t first);
  bool symbol();

  bool read_number();
  bool digits(unsigned base);
  bool integer(std::size_t first, unsigned base);
  bool fail_too_large();
  bool based();
  bool fraction();
  bool exponent();
  bool nothing_attached();
  bool character_constant();

  bool quoted_atom();
  bool string();
  bool sigil();
  bool quoted(char closing, bool escapes, std::string_view what);
  bool triple_quoted(std::size_t quotes, bool escapes);
  bool indented(std::string_view lines, std::string_view indent, bool escapes);
  bool no_string_follows();
  bool escape(char32_t& code);
  bool octal_escape(char32_t& code);
  bool hex_escape(char32_t& code);
  bool control_escape(char32_t& code);

  std::string_view text_;
  std::size_t most_digits_;
  /// Of the current token, and behind it.
  std::size_t start_ = 0;
  std::size_t at_ = 0;
  token kind_ = token::end;
  std::string name_;
  std::u32string characters_;
  digit_sink digits_;
  double number_ = 0;
  fault error_;
};

} // namespace erl::text
