/// What the library has to say to its operator: where the lines go, and how many of them.
///
/// The library logs rarely: a refused handshake, a crashed process, a scheduler that is held up.
/// Lines hold what peers sent, printed and shortened; secrets never. Without a sink each line goes
/// to standard error with its UTC time.
#pragma once

#include <cstdint>
#include <string_view>

namespace erl::log {

enum class level : std::uint8_t { debug, info, warning, error, off };

/// One line, valid during the call of the sink.
struct line {
  level severity = level::info;
  /// The part of the library that speaks: "dist", "epmd", "runtime".
  std::string_view subsystem;
  /// At most 1 KB of UTF-8 without control characters.
  std::string_view text;
};

/// Receives lines, one at a time, on any thread. Must not throw, and should be quick: it holds up
/// the thread that logs. A line that is logged from inside a sink is lost.
using sink = void (*)(const line&, void* context);

/// Sends all further lines to `to`; null goes back to standard error. When this returns, the sink
/// before is no longer in use. `context` is handed to each call. Not to be called from a sink.
void set_sink(sink to, void* context = nullptr) noexcept;

/// Lines below `least` are dropped. Starts out as `info`.
void set_level(level least) noexcept;

/// How many lines could not be written (a full disk, a closed pipe) or were logged from inside a
/// sink.
std::uint64_t lost() noexcept;

} // namespace erl::log
