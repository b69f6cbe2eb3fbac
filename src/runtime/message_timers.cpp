#include "runtime/message_timers.hpp"

#include "base/timer_queue.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/detail/blocks.hpp>

#include <algorithm>
#include <utility>

namespace erl::runtime {

class message_timers::message_timer final : public timer, public detail::in_blocks {
public:
  message_timer(message_timers& owner, std::uint64_t number, std::uint32_t slot, duration period,
                const pid& from, const destination& to, term body)
      : owner_(owner), number_(number), slot_(slot), to_(to), period_(period),
        from_(registry::value_of(from)), body_(std::move(body)) {}
  std::uint32_t slot() const { return slot_; }
  reference ref() const { return owner_.reference_of(number_, slot_); }
  duration left() const {
    return std::max(duration::zero(), deadline() - owner_.owner_.world().now());
  }

private:
  void expired() override {
    scheduler& here = owner_.owner_;
    const pid from = here.owner().pid_of(from_);
    if (period_ == duration::zero()) {
      const auto self = owner_.take(*this);
      owner_.fires_ = true;
      here.send(from, to_, std::move(body_));
      owner_.fires_ = false;
    } else if (here.find(from) != nullptr) {
      here.timers().arm(*this, deadline() + period_);
      here.send(from, to_, body_);
    } else {
      const auto self = owner_.take(*this);
    }
  }

  // There may be millions: the pid and the reference are kept as what tells them from others of
  // this scheduler.
  message_timers& owner_;
  std::uint64_t number_;
  std::uint32_t slot_;
  destination to_;
  duration period_; // 0: once
  std::uint64_t from_;
  term body_;
};

message_timers::message_timers(scheduler& owner) : owner_(owner) {}
message_timers::~message_timers() = default;

reference message_timers::start(form what, duration delay, const pid& from, const destination& to,
                                term body) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint64_t number = owner_.next_reference();
  const std::uint32_t slot = free_.back();
  const reference ref = reference_of(number, slot);
  if (what == form::timeout)
    body = term::tuple({atoms::timeout, term(ref), body});
  auto& timer = slots_[slot];
  timer = std::make_unique<message_timer>(*this, number, slot,
                                          what == form::interval ? delay : duration::zero(), from,
                                          to, std::move(body));
  free_.pop_back();
  owner_.timers().arm(*timer, owner_.deadline_after(delay));
  return ref;
}

reference message_timers::reference_of(std::uint64_t number, std::uint32_t slot) const {
  reference result = owner_.reference_of(number);
  result.size = 4;
  result.words[3] = slot;
  return result;
}

message_timers::message_timer* message_timers::find(const reference& ref) const {
  message_timer* timer = ref.words[3] < slots_.size() ? slots_[ref.words[3]].get() : nullptr;
  return timer != nullptr && timer->ref() == ref ? timer : nullptr;
}

std::unique_ptr<message_timers::message_timer> message_timers::take(const message_timer& timer) {
  free_.push_back(timer.slot());
  return std::move(slots_[timer.slot()]);
}

std::optional<duration> message_timers::left(const reference& ref) const {
  const message_timer* found = find(ref);
  return found == nullptr ? std::nullopt : std::optional(found->left());
}

std::optional<duration> message_timers::cancel(const reference& ref) {
  const message_timer* found = find(ref);
  return found == nullptr ? std::nullopt : std::optional(take(*found)->left());
}

void message_timers::clear() {
  slots_.clear();
  free_.clear();
}

} // namespace erl::runtime
