/// Messages that a scheduler's processes want sent later. A timer's reference has a fourth word,
/// the timer's slot, so that none is searched for.
#pragma once

#include <erl/destination.hpp>
#include <erl/duration.hpp>
#include <erl/etf/pid.hpp>
#include <erl/etf/term.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace erl::runtime {

class scheduler;

class message_timers {
public:
  explicit message_timers(scheduler& owner);
  message_timers(const message_timers&) = delete;
  message_timers& operator=(const message_timers&) = delete;
  ~message_timers();

  enum class form : std::uint8_t {
    plain,    ///< the message itself
    timeout,  ///< `{timeout, Ref, Message}`
    interval, ///< the message, again and again until `from` has ended
  };
  /// Sends `body` from `from` to `to` after `delay`. An interval's delay is positive.
  reference start(form what, duration delay, const pid& from, const destination& to, term body);
  /// How much time is left; nothing if there is no such timer (any more). `cancel` also stops it.
  std::optional<duration> left(const reference& ref) const;
  std::optional<duration> cancel(const reference& ref);
  void clear();
  /// What is delivered now is the message of a timer.
  bool fires() const { return fires_; }

private:
  class message_timer;
  message_timer* find(const reference& ref) const;
  std::unique_ptr<message_timer> take(const message_timer& timer);
  reference reference_of(std::uint64_t number, std::uint32_t slot) const;

  scheduler& owner_;
  std::vector<std::unique_ptr<message_timer>> slots_;
  std::vector<std::uint32_t> free_;
  bool fires_ = false;
};

} // namespace erl::runtime
