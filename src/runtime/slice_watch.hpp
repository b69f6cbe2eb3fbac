/// What a scheduler and the watchdog tell each other.
///
/// The scheduler's thread pays for it with every slice and every receive, so it only loads and
/// stores, without ordering: the watchdog does not act on what it sees before it has seen the same
/// twice, a millisecond apart.
#pragma once

#include <atomic>
#include <cstdint>

namespace erl::runtime {

class slice_watch {
public:
  // On the scheduler's thread.

  /// A round of slices begins; one slice of it does, of a process (serial and id); the round ends.
  void begin_round() noexcept { time_is_up_.store(false, std::memory_order_relaxed); }
  void begin_slice(std::uint64_t process) noexcept {
    slices_.store(slices_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    process_.store(process, std::memory_order_relaxed);
  }
  void end_round() noexcept { process_.store(0, std::memory_order_relaxed); }
  /// The slice has lasted long enough, and so has the round.
  bool time_is_up() const noexcept { return time_is_up_.load(std::memory_order_relaxed); }

  // On the watchdog's.

  struct sight {
    std::uint64_t slice = 0;   ///< its number
    std::uint64_t process = 0; ///< 0: no slice runs
  };
  sight look() const noexcept {
    return {slices_.load(std::memory_order_relaxed), process_.load(std::memory_order_relaxed)};
  }
  void call_time() noexcept { time_is_up_.store(true, std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> slices_{0};
  std::atomic<std::uint64_t> process_{0};
  std::atomic<bool> time_is_up_{false};
};

} // namespace erl::runtime
