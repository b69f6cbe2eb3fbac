#include "base/timer_queue.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <tuple>
#include <vector>

namespace erl {

namespace {
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;
}

timer::~timer() {
  if (armed()) {
    queue_->cancel(*this);
  }
}

void timer_queue::arm(timer& t, time_point deadline) {
  if (t.armed()) {
    t.queue_->cancel(t);
  }
  t.queue_ = this;
  t.deadline_ = deadline;
  put(t, late_);
  ++size_;
  if (deadline <= next_) {
    next_ = deadline;
    next_known_ = true;
  }
}

void timer_queue::arm_in(timer& t, duration delay) {
  if (t.armed()) {
    t.queue_->cancel(t);
  }
  t.queue_ = this;
  t.deadline_ = time_point(delay);
  delayed_.push_back(t);
  ++size_;
}

void timer_queue::settle(time_point now) {
  while (timer* t = delayed_.pop_front()) {
    --size_;
    arm(*t, after(now, t->deadline_.time_since_epoch()));
  }
}

void timer_queue::cancel(timer& t) {
  if (!t.armed()) {
    return;
  }
  assert(t.queue_ == this);
  t.unlink();
  --size_;
  if (t.deadline_ == next_) {
    next_known_ = false;
  }
}

std::size_t timer_queue::expire(time_point now) {
  assert(due_.empty());
  if (next_ <= now) {
    next_known_ = false;
  }
  if (!late_.empty()) {
    collect_late(now);
  }
  for (auto slot = first_slot(); slot != none && start_of(slot) <= now; slot = first_slot()) {
    collect(slot, now);
  }
  reached_ = std::max(reached_, number_of(now));

  std::size_t count = 0;
  while (timer* t = due_.pop_front()) { // a callback may take others out
    --size_;
    ++count;
    t->expired();
  }
  return count;
}

time_point timer_queue::next() {
  if (!next_known_) {
    next_known_ = true;
    if (!late_.empty()) {
      next_ = least_of(late_, next_);
    } else if (const auto slot = first_slot(); slot != none) {
      next_ = least_of(slots_[slot], std::max(next_, start_of(slot)));
    } else {
      next_ = time_point::max();
    }
  }
  return next_;
}

// The earliest deadline; of many timers only a bound, as one early wake-up costs less than to look
// at them all.
time_point timer_queue::least_of(list& timers, time_point bound) {
  auto least = time_point::max();
  int looked_at = 0;
  for (const timer& t : timers) {
    if (++looked_at > 64) {
      return bound;
    }
    least = std::min(least, t.deadline_);
  }
  return least;
}

// In the order of the times, also before the clock's epoch.
std::uint64_t timer_queue::number_of(time_point t) {
  return static_cast<std::uint64_t>(t.time_since_epoch().count()) ^ sign_bit;
}

void timer_queue::put(timer& t, list& past) {
  const std::uint64_t number = number_of(t.deadline_);
  if (number <= reached_) {
    past.push_back(t);
    return;
  }
  const auto digit = static_cast<std::size_t>(std::bit_width(number ^ reached_) - 1) / digit_bits;
  const std::uint64_t value = (number >> (digit * digit_bits)) % slots_a_digit;
  occupied_[digit] |= std::uint64_t{1} << value;
  slots_[digit * slots_a_digit + value].push_back(t);
}

std::size_t timer_queue::first_slot() {
  for (std::size_t digit = 0; digit < digits; ++digit) {
    for (std::uint64_t& occupied = occupied_[digit]; occupied != 0; occupied &= occupied - 1) {
      const auto value = static_cast<std::size_t>(std::countr_zero(occupied));
      if (const std::size_t slot = digit * slots_a_digit + value; !slots_[slot].empty()) {
        return slot;
      }
    }
  }
  return none;
}

// The earliest deadline that belongs into the slot.
time_point timer_queue::start_of(std::size_t slot) const {
  const std::size_t shift = slot / slots_a_digit * digit_bits;
  const std::uint64_t digits_before = (reached_ >> shift) & ~std::uint64_t{slots_a_digit - 1};
  const std::uint64_t number = (digits_before | slot % slots_a_digit) << shift;
  return time_point{duration{static_cast<duration::rep>(number ^ sign_bit)}};
}

void timer_queue::collect_late(time_point now) {
  std::vector<std::tuple<time_point, std::size_t, timer*>> late; // the number: the order of arming
  for (timer& t : late_) {
    if (t.deadline_ <= now) { // or else the clock has gone back
      late.emplace_back(t.deadline_, late.size(), &t);
    }
  }
  std::ranges::sort(late);
  for (const auto& [deadline, order, t] : late) {
    t->unlink();
    due_.push_back(*t);
  }
}

// Time comes to the first slot: goes on to its earliest deadline, but not beyond `now`.
void timer_queue::collect(std::size_t slot, time_point now) {
  list timers;
  timers.splice_back(slots_[slot]);
  auto least = time_point::max();
  for (const timer& t : timers) {
    least = std::min(least, t.deadline_);
  }
  if (least > now) {
    next_ = least;
    next_known_ = true;
  }
  reached_ = number_of(std::min(least, now));
  while (timer* t = timers.pop_front()) {
    put(*t, due_);
  }
}

} // namespace erl
