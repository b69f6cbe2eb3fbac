/// Timers of one thread: arm, cancel and expire, with no allocation for each timer.
///
/// A binary heap of pointers to timers that the users embed; each timer knows its place, so
/// cancelling removes it at once and nothing stale is left behind. O(log n) to arm and cancel.
/// Timers of equal deadlines expire in the order in which they were armed.
#pragma once

#include <erl/duration.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace erl {

class timer_queue;

/// One timer, embedded in its user. Destroying an armed timer cancels it.
class timer {
public:
  timer() = default;
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  bool armed() const { return place_ != unarmed; }
  time_point deadline() const { return deadline_; }

protected:
  ~timer();
  /// The deadline has passed. The timer is no longer armed and may be armed again or destroyed.
  virtual void expired() = 0;

private:
  friend timer_queue;
  static constexpr std::uint32_t unarmed = static_cast<std::uint32_t>(-1);
  static constexpr std::uint32_t due = std::uint32_t{1} << 31; // set: the place is one in `due_`
  time_point deadline_{};
  std::uint32_t place_ = unarmed;
  std::uint32_t order_ = 0; // among equal deadlines
  timer_queue* queue_ = nullptr;
};

/// The timers of one thread. Outlives every timer armed in it.
class timer_queue {
public:
  /// Arms `t` for `deadline`; an armed timer is moved.
  void arm(timer& t, time_point deadline);
  /// Disarms `t`; nothing happens if it is not armed.
  void cancel(timer& t);
  /// Calls `expired()` of every timer whose deadline is not after `now`, earliest first. Returns
  /// how many there were. What a callback arms waits for the next call, whatever its deadline, so a
  /// timer that re-arms itself for `now` cannot hold the thread. What a callback cancels or
  /// destroys does not expire. Not to be called from a callback.
  std::size_t expire(time_point now);
  /// The next deadline, or time_point::max() with no timer armed.
  time_point next() const { return heap_.empty() ? time_point::max() : heap_.front()->deadline_; }
  /// How many timers are armed.
  std::size_t size() const { return heap_.size() + due_left_; }

private:
  static bool before(const timer& a, const timer& b);
  void sift_up(std::size_t place, timer* t);
  void sift_down(std::size_t place, timer* t);
  void put(std::size_t place, timer* t);
  void remove(std::size_t place);

  std::vector<timer*> heap_;
  std::vector<timer*> due_; // of the `expire` under way, in order; null where cancelled
  std::size_t due_left_ = 0;
  std::uint32_t next_order_ = 0;
};

} // namespace erl
