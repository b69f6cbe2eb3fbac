/// When to send a tick, and when a silent peer counts as dead.
///
/// OTP's rules ("net_ticktime" T and "net_tickintensity" I in kernel's manual, module dist_util): a
/// check every T/I; whoever has written nothing since the last check writes a tick; whoever has
/// read nothing in I checks in a row gives the peer up.
#pragma once

#include <erl/duration.hpp>

#include <cstdint>

namespace erl::dist {

/// The tick settings of a node.
struct tick_options {
  duration time =
      std::chrono::seconds(60); ///< T: a peer silent for this long, give or take T/I, is dead
  unsigned intensity = 4;       ///< I, 4 to 1000

  /// T/I: the time between two checks, in whole milliseconds.
  duration interval() const;
};

/// What one connection has done so far.
struct traffic {
  std::uint64_t read = 0;    ///< bytes received
  std::uint64_t written = 0; ///< bytes handed to the socket
  bool queue_empty = true;   ///< nothing waits for the socket
};

/// The tick state of one connection.
class ticker {
public:
  enum class verdict {
    idle,      ///< nothing to do
    send_tick, ///< write a tick
    dead,      ///< close: the peer has been silent for too long
  };

  /// `hidden`: the peer is not visible; such peers also get a tick whenever they were silent.
  ticker(const tick_options& options, bool hidden);

  /// To be called every `tick_options::interval()`.
  verdict check(const traffic& now);

  /// A peer may have a shorter T than we: it hears from us as often, if it asks.
  static constexpr duration longest_silence = std::chrono::seconds(1);
  /// Whether to answer a tick of the peer: when nothing waits to be written and the last write is
  /// `longest_silence` ago, so that two such nodes do not answer each other's answers.
  static bool answers(time_point now, time_point last_write, bool queue_empty);

private:
  unsigned intensity_;
  bool hidden_;
  unsigned silent_checks_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t written_ = 0;
};

} // namespace erl::dist
