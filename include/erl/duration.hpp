/// Durations for public interfaces: std::chrono's, without the cost of its calendar.
///
/// `<chrono>` takes longer to compile than everything else a small program includes. libstdc++
/// keeps durations and their literals in a header of their own; where that is not found, the whole
/// `<chrono>` does the same.
#pragma once

#if __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif

namespace erl {

/// A length of time. Whole nanoseconds; any std::chrono literal (`5s`, `20ms`) converts.
using duration = std::chrono::nanoseconds;

/// A point on the monotonic clock. Only differences mean anything.
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

} // namespace erl
