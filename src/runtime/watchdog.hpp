/// The watchdog of a node: finds processes that hold their schedulers.
///
/// Its thread looks at every scheduler each millisecond. A slice that it sees twice is told that
/// its time is up; one that goes on is counted and logged, see watchdog_options. While it holds
/// scheduler 0 the watchdog writes the ticks that the connections to other nodes need. When all
/// schedulers sleep it sleeps as well, and the first one that wakes up wakes it.
#pragma once

#include "runtime/slice_watch.hpp"
#include <erl/duration.hpp>
#include <erl/etf/pid.hpp>
#include <erl/runtime_options.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

namespace erl::runtime {

class scheduler;
class system;

class watchdog {
public:
  watchdog(system& owner, const watchdog_options& options);
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  /// Stops.
  ~watchdog() { stop(); }

  void start();
  void stop();

  /// On a scheduler's thread: from here on, or no longer, it may be asked for its stack.
  void attach(const scheduler& here);
  void detach(const scheduler& here);

  /// A scheduler has slept and goes on. Any thread.
  void rouse() noexcept {
    if (parked_.load() != 0)
      unpark();
  }

  /// What the thread does each millisecond; `now` grows. False: all schedulers sleep, and nothing
  /// is left to be said.
  bool tick(time_point now);

  /// How many of a scheduler's slices were long. Any thread.
  std::uint64_t long_slices(std::size_t scheduler) const noexcept {
    return watched_[scheduler].long_slices.load(std::memory_order_relaxed);
  }
  bool is_parked() const noexcept { return parked_.load() != 0; }

private:
  /// A scheduler and the slice that was seen last.
  struct watched {
    slice_watch::sight seen;
    time_point since;
    duration held{}; // a tick that came late counts for less
    bool is_long = false;
    bool is_stuck = false;
    duration next_sign{}; ///< `held` when peers are to be told that the node lives
    std::string who;
    std::atomic<std::uint64_t> long_slices{0};
    std::optional<pthread_t> thread;
  };

  void run();
  void park();
  void unpark() noexcept;
  bool all_asleep() const;
  void look_at(scheduler& where, watched& w, time_point now);
  void report_stuck(scheduler& where, watched& w, duration held);
  void give_signs(scheduler& where, watched& w);
  static void report_end(const scheduler& where, const watched& w, duration held);

  system& system_;
  const watchdog_options options_;
  std::vector<watched> watched_;
  std::mutex threads_mutex_; // of watched::thread, and held while one is asked for its stack
  time_point last_tick_;
  std::atomic<int> parked_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace erl::runtime
