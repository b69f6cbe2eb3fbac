/// How a node's runtime is set up, besides its schedulers.
#pragma once

#include <erl/duration.hpp>

#include <cstdint>

namespace erl {

/// When sending to a node connects to it, as OTP's dist_auto_connect.
enum class auto_connect : std::uint8_t {
  always,
  once,  ///< a node that was connected, and was lost, is connected again by `node::connect` only
  never, ///< `node::connect` connects, or the other node
};

/// How many threads `blocking` (<erl/blocking.hpp>) has at most. Threads start when they are needed
/// and end when they have had nothing to do for a while.
struct pool_limits {
  std::uint32_t cpu = 0; ///< of pool::cpu; 0: one for each core
  std::uint32_t io = 64; ///< of pool::io, at least 1
};

/// How a visible node takes part in OTP's `global`.
struct global_options {
  /// As the kernel parameter of this name, which has to be the same on all nodes: when a node loses
  /// another one, all others part from that one, too, so that no two nodes see different clusters.
  bool prevent_overlapping_partitions = true;
  /// Names and locks that are kept, which may have 256 MB together. What is registered beyond that
  /// is not known here; its registration succeeds elsewhere. Locks beyond that are refused.
  std::uint32_t most_names = 1'000'000;
};

/// The watchdog: a thread that looks every millisecond, while anything runs, whether a process
/// holds its scheduler. A process that has run for more than a millisecond lets others run at its
/// next receive or yield.
struct watchdog_options {
  bool on = true;
  /// A process that holds its scheduler this long is counted, and logged as a warning, five times
  /// in 10 s at most.
  duration long_slice = std::chrono::milliseconds(10);
  /// One that holds it this long is logged as an error, at once, with the stack of its thread.
  duration stuck = std::chrono::seconds(1);
  /// The signal that interrupts a stuck thread for its stack, and nobody else: a real-time signal
  /// that the program does not use. 0: one that is free when the first node starts; -1: no stacks.
  int stack_signal = 0;
};

} // namespace erl
