/// Typed durations: a std::chrono duration travels as the number of its own unit, so that a field
/// of type `std::chrono::seconds` is a whole number of seconds. A number outside the range of its
/// type is an error. (`erl::duration` is in nanoseconds.)
#pragma once

#include <erl/duration.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

#include <optional>
#include <variant>

namespace erl {

template <class Rep, class Period> struct conversion<std::chrono::duration<Rep, Period>> {
  using as = Rep;
  static std::chrono::duration<Rep, Period> from(Rep count) {
    return std::chrono::duration<Rep, Period>(count);
  }
  static Rep to(const std::chrono::duration<Rep, Period>& value) { return value.count(); }
};

/// An OTP time-out: a number of milliseconds that is not negative, or the atom infinity.
class timeout {
public:
  /// Infinity.
  constexpr timeout() noexcept = default;
  /// Any whole or longer unit converts: `erl::timeout(5s)`. Throws nothing; a negative one is 0.
  constexpr timeout(std::chrono::milliseconds limit) noexcept
      : limit_(limit < std::chrono::milliseconds(0) ? std::chrono::milliseconds(0) : limit) {}

  constexpr bool is_infinite() const noexcept { return !limit_; }
  /// Nothing for infinity.
  constexpr std::optional<std::chrono::milliseconds> limit() const noexcept { return limit_; }
  constexpr bool operator==(const timeout&) const noexcept = default;

private:
  std::optional<std::chrono::milliseconds> limit_;
};

template <> struct conversion<timeout> {
  using as = std::variant<is<"infinity">, std::chrono::milliseconds>;
  static std::optional<timeout> from(const as& value) {
    const auto* limit = std::get_if<std::chrono::milliseconds>(&value);
    if (limit == nullptr)
      return timeout();
    return limit->count() < 0 ? std::nullopt : std::optional(timeout(*limit));
  }
  static as to(const timeout& value) {
    return value.is_infinite() ? as(is<"infinity">{}) : as(*value.limit());
  }
};

} // namespace erl
