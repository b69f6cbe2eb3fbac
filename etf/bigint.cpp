#include "etf/magnitude.hpp"
#include <erl/etf/bigint.hpp>

#include <algorithm>
#include <stdexcept>

namespace erl {

bigint::bigint() noexcept = default;
bigint::bigint(const bigint& other) = default;
bigint::bigint(bigint&& other) noexcept = default;
bigint& bigint::operator=(const bigint& other) = default;
bigint& bigint::operator=(bigint&& other) noexcept = default;
bigint::~bigint() = default;

std::span<const std::uint64_t> bigint::magnitude() const noexcept { return magnitude_; }
bool bigint::operator==(const bigint& other) const noexcept = default;

bigint::bigint(std::int64_t value) : negative_(value < 0) {
  auto size = static_cast<std::uint64_t>(value);
  if (value != 0)
    magnitude_.push_back(value < 0 ? 0 - size : size);
}

bigint::bigint(std::uint64_t value) {
  if (value != 0)
    magnitude_.push_back(value);
}

bigint::bigint(bool negative, std::span<const std::uint64_t> magnitude) {
  magnitude = magnitude::trim(magnitude);
  if (magnitude.size() > max_bytes / sizeof(std::uint64_t))
    throw std::length_error("erl::bigint: more than 524280 bytes");
  magnitude_.assign(magnitude.begin(), magnitude.end());
  negative_ = negative && !magnitude_.empty();
}

std::optional<bigint> bigint::parse(std::string_view decimal) {
  bigint result;
  bool negative = decimal.starts_with('-');
  if (negative || decimal.starts_with('+'))
    decimal.remove_prefix(1);
  if (decimal.empty() || !std::ranges::all_of(decimal, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  while (!decimal.empty()) {
    std::string_view digits = decimal.substr(0, magnitude::decimal_digits);
    decimal.remove_prefix(digits.size());
    std::uint64_t scale = 1;
    std::uint64_t value = 0;
    for (char digit : digits) {
      scale *= 10;
      value = value * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    magnitude::multiply_add(result.magnitude_, scale, value);
    if (result.magnitude_.size() > max_bytes / sizeof(std::uint64_t))
      return std::nullopt;
  }
  result.negative_ = negative && !result.magnitude_.empty();
  return result;
}

std::optional<std::int64_t> bigint::to_int64() const noexcept {
  return magnitude::to_int64(negative_, magnitude_);
}

std::optional<std::uint64_t> bigint::to_uint64() const noexcept {
  if (magnitude_.empty())
    return 0;
  if (negative_ || magnitude_.size() > 1)
    return std::nullopt;
  return magnitude_.front();
}

std::optional<double> bigint::to_double() const noexcept {
  return magnitude::to_double(negative_, magnitude_);
}

std::string bigint::to_string() const {
  std::string result;
  if (negative_)
    result += '-';
  magnitude::print(magnitude_, result);
  return result;
}

int compare(const bigint& left, const bigint& right) noexcept {
  if (left.negative() != right.negative())
    return left.negative() ? -1 : 1;
  int order = magnitude::compare(left.magnitude(), right.magnitude());
  return left.negative() ? -order : order;
}

} // namespace erl
