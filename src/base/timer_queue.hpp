/// Timers of one thread: arm, cancel and expire, with no allocation for each timer.
///
/// A binary heap of pointers to timers that the users embed; each timer knows its place, so cancelling removes it at
/// once and nothing stale is left behind. O(log n) to arm and cancel.
#pragma once

#include <erl/duration.hpp>

#include <cstddef>
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
  static constexpr std::size_t unarmed = static_cast<std::size_t>(-1);
  time_point deadline_{};
  std::size_t place_ = unarmed;
  timer_queue* queue_ = nullptr;
};

/// The timers of one thread. Outlives every timer armed in it.
class timer_queue {
public:
  /// Arms `t` for `deadline`; an armed timer is moved.
  void arm(timer& t, time_point deadline);
  /// Disarms `t`; nothing happens if it is not armed.
  void cancel(timer& t);
  /// Calls `expired()` of every timer whose deadline is not after `now`, earliest first. Returns how many there were.
  std::size_t expire(time_point now);
  /// The next deadline, or time_point::max() with no timer armed.
  time_point next() const { return heap_.empty() ? time_point::max() : heap_.front()->deadline_; }
  std::size_t size() const { return heap_.size(); }

private:
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);
  void put(std::size_t place, timer* t);

  std::vector<timer*> heap_;
};

} // namespace erl
