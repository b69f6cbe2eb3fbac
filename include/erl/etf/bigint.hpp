/// Integers of any size, as a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace erl {

/// A whole number: a sign and a magnitude. It carries numbers between terms, text and C++; it does
/// no arithmetic.
class bigint {
public:
  /// The most bytes of magnitude that OTP accepts.
  static constexpr std::size_t max_bytes = 524280;

  /// 0.
  bigint() noexcept;
  // Out of line, so that users do not compile the vector.
  bigint(const bigint& other);
  bigint(bigint&& other) noexcept;
  bigint& operator=(const bigint& other);
  bigint& operator=(bigint&& other) noexcept;
  ~bigint();
  explicit bigint(std::int64_t value);
  explicit bigint(std::uint64_t value);

  /// From 64-bit words, the low-order one first; leading zeros are dropped. Throws
  /// std::length_error above `max_bytes`.
  bigint(bool negative, std::span<const std::uint64_t> magnitude);

  /// From decimal digits with an optional sign; nothing for other text, or above `max_bytes`.
  static std::optional<bigint> parse(std::string_view decimal);

  /// Below zero?
  bool negative() const noexcept { return negative_; }
  /// The words of the magnitude, the low-order one first, without leading zeros. Empty for 0.
  std::span<const std::uint64_t> magnitude() const noexcept;

  /// The value, where it fits.
  std::optional<std::int64_t> to_int64() const noexcept;
  std::optional<std::uint64_t> to_uint64() const noexcept;
  /// The nearest double (ties to even), or nothing where that is infinite.
  std::optional<double> to_double() const noexcept;
  /// Decimal digits.
  std::string to_string() const;

  bool operator==(const bigint& other) const noexcept;

private:
  bool negative_ = false;
  std::vector<std::uint64_t> magnitude_;
};

/// Negative, zero or positive, as left is below, equal to or above right.
int compare(const bigint& left, const bigint& right) noexcept;

} // namespace erl
