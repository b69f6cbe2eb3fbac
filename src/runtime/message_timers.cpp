#include "runtime/message_timers.hpp"

#include "base/timer_queue.hpp"
#include "runtime/scheduler.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/detail/blocks.hpp>

#include <algorithm>
#include <utility>

namespace erl::runtime {

class message_timers::message_timer final : public timer, public detail::in_blocks {
public:
  message_timer(message_timers& owner, const reference& ref, duration period, const pid& from,
                const destination& to, term body)
      : owner_(owner), ref_(ref), period_(period), from_(from), to_(to), body_(std::move(body)) {}
  const reference& ref() const { return ref_; }
  duration left() const {
    return std::max(duration::zero(), deadline() - owner_.owner_.world().now());
  }

private:
  void expired() override {
    scheduler& here = owner_.owner_;
    if (period_ == duration::zero()) {
      const auto self = owner_.take(ref_);
      here.send(from_, to_, std::move(body_));
    } else if (here.find(from_) != nullptr) {
      here.timers().arm(*this, deadline() + period_);
      here.send(from_, to_, body_);
    } else {
      const auto self = owner_.take(ref_);
    }
  }

  message_timers& owner_;
  reference ref_;
  duration period_; // 0: once
  pid from_;
  destination to_;
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
  reference ref = owner_.make_reference();
  ref.size = 4;
  ref.words[3] = free_.back();
  if (what == form::timeout)
    body = term::tuple({atoms::timeout, term(ref), body});
  auto& slot = slots_[ref.words[3]];
  slot = std::make_unique<message_timer>(
      *this, ref, what == form::interval ? delay : duration::zero(), from, to, std::move(body));
  free_.pop_back();
  owner_.timers().arm(*slot, owner_.deadline_after(delay));
  return ref;
}

message_timers::message_timer* message_timers::find(const reference& ref) const {
  message_timer* timer = ref.words[3] < slots_.size() ? slots_[ref.words[3]].get() : nullptr;
  return timer != nullptr && timer->ref() == ref ? timer : nullptr;
}

std::unique_ptr<message_timers::message_timer> message_timers::take(const reference& ref) {
  if (find(ref) == nullptr)
    return nullptr;
  free_.push_back(ref.words[3]);
  return std::move(slots_[ref.words[3]]);
}

std::optional<duration> message_timers::left(const reference& ref) const {
  const message_timer* found = find(ref);
  return found == nullptr ? std::nullopt : std::optional(found->left());
}

std::optional<duration> message_timers::cancel(const reference& ref) {
  const auto found = take(ref);
  return found == nullptr ? std::nullopt : std::optional(found->left());
}

void message_timers::clear() {
  slots_.clear();
  free_.clear();
}

} // namespace erl::runtime
