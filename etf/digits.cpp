#include "etf/digits.hpp"

#include <erl/etf/bigint.hpp>

#include <charconv>
#include <limits>
#include <utility>

namespace erl::text {

void digit_sink::start(unsigned base) noexcept {
  words_.clear();
  base_ = base;
  value_ = 0;
  scale_ = 1;
}

bool digit_sink::add(unsigned digit) {
  if (scale_ > std::numeric_limits<std::uint64_t>::max() / base_ && !finish())
    return false;
  value_ = value_ * base_ + digit;
  scale_ *= base_;
  return true;
}

bool digit_sink::finish() {
  magnitude::multiply_add(words_, std::exchange(scale_, 1), std::exchange(value_, 0));
  return words_.size() <= bigint::max_bytes / sizeof(std::uint64_t);
}

unsigned digit_value(char character) noexcept {
  if (character >= '0' && character <= '9')
    return static_cast<unsigned>(character - '0');
  const auto letter = static_cast<unsigned>((character | 0x20) - 'a');
  return letter < 26 ? 10 + letter : 36;
}

namespace {

/// The power of ten of the first digit that is not 0, saturated; for text whose value is not
/// representable, its sign says on which side.
long order(std::string_view text) {
  const std::size_t mark = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, mark);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const std::size_t first = mantissa.find_first_of("123456789");
  long exponent = 0;
  if (mark != std::string_view::npos) {
    std::string_view digits = text.substr(mark + 1);
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+'))
      digits.remove_prefix(1);
    const auto [end, code] = std::from_chars(digits.begin(), digits.end(), exponent);
    if (code != std::errc())
      exponent = std::numeric_limits<long>::max() / 2;
    exponent = negative ? -exponent : exponent;
  }
  return exponent + static_cast<long>(point) - static_cast<long>(first);
}

} // namespace

std::optional<double> to_double(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.begin(), text.end(), value);
  if (code == std::errc())
    return value;
  if (order(text) > 0)
    return std::nullopt;
  return text.starts_with('-') ? -0.0 : 0.0;
}

} // namespace erl::text
