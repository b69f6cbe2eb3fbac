/// Typed durations: a std::chrono duration travels as the integer of its own unit; milliseconds, as
/// OTP's time-outs, are `std::chrono::milliseconds`.
#pragma once

#include <erl/duration.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

namespace erl {

template <class Rep, class Period> struct conversion<std::chrono::duration<Rep, Period>> {
  using as = Rep;
  static std::chrono::duration<Rep, Period> from(Rep count) {
    return std::chrono::duration<Rep, Period>(count);
  }
  static Rep to(const std::chrono::duration<Rep, Period>& value) { return value.count(); }
};

} // namespace erl
