/// Timers of one thread: arm, cancel and expire, with no allocation for each timer.
///
/// A hierarchical timing wheel with slots down to the nanosecond. Deadlines are numbers of eleven
/// digits of six bits, and each value of each digit has a slot, a list of timers. A timer lies in
/// the slot of the highest digit in which its deadline differs from the time the wheel has reached,
/// so the first slot in use of the lowest digit in use has the earliest deadlines. When time comes
/// to a slot its timers move on to slots of lower digits. Equal deadlines always share a slot, in
/// the order of arming. Thus arming and cancelling are O(1), and a timer moves ten times at most.
#pragma once

#include "base/intrusive_list.hpp"
#include <erl/duration.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace erl {

class timer_queue;

/// `now` and `delay`; the end of time if that is beyond it.
constexpr time_point after(time_point now, duration delay) {
  return delay >= time_point::max() - now ? time_point::max() : now + delay;
}

/// One timer, embedded in its user. Destroying an armed timer cancels it.
class timer : list_hook<timer_queue> {
public:
  timer() = default;
  bool armed() const { return linked(); }
  time_point deadline() const { return deadline_; }

protected:
  ~timer();
  /// The deadline has passed. The timer is no longer armed and may be armed again or destroyed.
  virtual void expired() = 0;

private:
  friend timer_queue;
  friend intrusive_list<timer, timer_queue>;
  time_point deadline_{};
  timer_queue* queue_ = nullptr;
};

/// The timers of one thread, 11 KB. Outlives every timer armed in it.
class timer_queue {
public:
  /// Arms `t` for `deadline`; an armed timer is moved.
  void arm(timer& t, time_point deadline);
  /// Arms `t` for a deadline that `settle` tells: `delay` after its `now`. For timers of which most
  /// are cancelled soon: they need no look at the clock.
  void arm_in(timer& t, duration delay);
  /// Gives what `arm_in` has armed since the last time its deadline. To be called before `next`.
  void settle(time_point now);
  /// Would `settle` find any?
  bool unsettled() const { return !delayed_.empty(); }
  /// Disarms `t`; nothing happens if it is not armed.
  void cancel(timer& t);
  /// Calls `expired()` of every timer whose deadline is not after `now`, earliest first, and among
  /// equal deadlines in the order of arming. Returns how many there were. What a callback arms
  /// waits for the next call, whatever its deadline, so a timer that re-arms itself for `now`
  /// cannot hold the thread. What a callback cancels or destroys does not expire. Not to be called
  /// from a callback.
  std::size_t expire(time_point now);
  /// When to call `expire` next: the next deadline, or time_point::max() with no timer armed. It is
  /// too early, never too late, where more than 64 timers share the first slot; the `expire` that
  /// comes too early finds out the deadline.
  time_point next();
  /// How many timers are armed.
  std::size_t size() const { return size_; }

private:
  using list = intrusive_list<timer, timer_queue>;
  static constexpr unsigned digit_bits = 6;
  static constexpr unsigned digits = 11; // from the lowest
  static constexpr std::size_t slots_a_digit = std::size_t{1} << digit_bits;
  static constexpr std::size_t none = digits * slots_a_digit;

  static std::uint64_t number_of(time_point t);
  static time_point least_of(list& timers, time_point bound);
  void put(timer& t, list& past);
  std::size_t first_slot();
  time_point start_of(std::size_t slot) const;
  void collect_late(time_point now);
  void collect(std::size_t slot, time_point now);

  std::array<list, none> slots_;
  std::array<std::uint64_t, digits> occupied_{}; // may still name slots that were emptied
  std::uint64_t reached_ = 0;                    // the deadlines in all slots are after it
  list late_;                                    // armed for no later than `reached_`
  list delayed_;                                 // their deadlines are delays still
  list due_;                                     // of the `expire` under way, in order
  std::size_t size_ = 0;
  time_point next_ = time_point::max(); // no deadline is before it
  bool next_known_ = true;              // it is what next() answers
};

} // namespace erl
