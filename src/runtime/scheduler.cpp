#include "runtime/scheduler.hpp"

#include "runtime/exit_reason.hpp"
#include "runtime/system.hpp"
#include <erl/etf/atoms.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace erl::runtime {

namespace {
constexpr int slices_a_round = 256;
constexpr std::size_t publish_at = 32;
constexpr std::size_t drain_at_once = 4096;
/// Entries in a lane at which those who fill it are stopped, and at which they go on.
constexpr std::size_t crowded = 16384;
constexpr std::size_t roomy = 4096;
} // namespace

scheduler::scheduler(system& owner, std::uint32_t number, std::unique_ptr<driver> world)
    : system_(owner), number_(number), world_(std::move(world)), message_timers_(*this) {}

scheduler::~scheduler() = default;

// From any thread.

void scheduler::post(std::function<void()> work) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
    has_posted_.store(true);
  }
  wake_if_asleep();
}

pid scheduler::reserve() {
  const std::lock_guard lock(guests_mutex_);
  return pid_at(guests_.reserve(), true);
}

void scheduler::stop() {
  stopping_.store(true);
  world_->wake();
}

void scheduler::wake_if_asleep() {
  if (asleep_.load() && asleep_.exchange(false))
    world_->wake();
}

// The loop.

void scheduler::run() {
  while (!stopping_.load(std::memory_order_relaxed))
    if (!round())
      sleep();
}

bool scheduler::round() {
  std::size_t done = drain_lanes() + run_posted() + resume_parked();
  world_->poll();
  if (timers_.size() != 0)
    done += timers_.expire(world_->now());
  watch_.begin_round();
  for (int slice = 0; slice < slices_a_round && run_first_ != nullptr && !watch_.time_is_up();
       ++slice, ++done) {
    process_block& p = *run_first_;
    run_first_ = p.run_next;
    if (run_first_ == nullptr)
      run_last_ = nullptr;
    run_slice(p);
  }
  watch_.end_round();
  done += flushes_.size();
  while (!flushes_.empty()) {
    flushable* f = flushes_.back();
    flushes_.pop_back();
    f->flush();
  }
  if (publish_lanes())
    ++done;
  return done != 0 || run_first_ != nullptr;
}

bool scheduler::anything_to_do() {
  return has_posted_.load() || stopping_.load() ||
         std::any_of(incoming_.begin(), incoming_.end(),
                     [](const auto& l) { return l->pending(); }) ||
         std::ranges::any_of(parked_, [this](process_block* p) { return has_room(p->congested); });
}

void scheduler::sleep() {
  // Whoever gives this scheduler work publishes first and looks at asleep_ second; both are
  // sequentially consistent.
  asleep_.store(true);
  if (!anything_to_do())
    world_->wait(timers_.next());
  asleep_.store(false);
  if (watchdog* w = system_.guard())
    w->rouse();
}

std::size_t scheduler::run_posted() {
  if (!has_posted_.load(std::memory_order_relaxed))
    return 0;
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
    has_posted_.store(false);
  }
  for (auto& each : work)
    each();
  return work.size();
}

void scheduler::end_all_processes() {
  std::vector<process_block*> all;
  const auto collect = [&](process_block& p) { all.push_back(&p); };
  local_.for_each(collect);
  guests_.for_each(collect);
  for (process_block* p : all) {
    run_first_ = run_last_ = nullptr; // what the last one woke may be the next to go
    parked_.clear();
    end(*p, term(atoms::killed));
  }
  run_first_ = run_last_ = nullptr;
  parked_.clear();
  message_timers_.clear();
}

// Lanes.

lane<scheduler::lane_entry>& scheduler::lane_to(std::uint32_t to) {
  return *system_.at(to).incoming_[number_];
}

void scheduler::to_other(std::uint32_t to, lane_entry entry) {
  auto& lane = lane_to(to);
  if (lane.push(std::move(entry)) < publish_at)
    return;
  lane.publish();
  system_.at(to).wake_if_asleep();
  // Whoever sends faster than others receive ends its slice here, and runs again when they have.
  if (running_ != nullptr && lane.backlog() >= crowded) {
    running_->congested = to;
    running_->budget = std::min(running_->budget, 0);
  }
}

bool scheduler::has_room(std::uint32_t to) { return lane_to(to).backlog() <= roomy; }

std::size_t scheduler::resume_parked() {
  return std::erase_if(parked_, [this](process_block* p) {
    if (!has_room(p->congested))
      return false;
    p->congested = process_block::nowhere;
    append(*p);
    return true;
  });
}

bool scheduler::publish_lanes() {
  bool any = false;
  for (std::uint32_t to = 0; to < system_.size(); ++to)
    if (to != number_ && lane_to(to).publish()) {
      system_.at(to).wake_if_asleep();
      any = true;
    }
  return any;
}

std::size_t scheduler::drain_lanes() {
  std::size_t drained = 0;
  for (std::uint32_t from = 0; from < incoming_.size(); ++from) {
    drained += incoming_[from]->drain(drain_at_once, [this](lane_entry&& entry) {
      if (entry.other != nullptr)
        handle(std::move(*entry.other));
      else
        deliver(entry.to, std::move(entry.body));
    });
    if (incoming_[from]->must_tell_of_room(roomy))
      system_.at(from).wake_if_asleep();
  }
  return drained;
}

// Processes.

pid scheduler::pid_at(process_table::place place, bool guest) const {
  if (place.index == 0)
    throw std::length_error("system_limit: too many processes on one scheduler");
  const auto& self = system_.self();
  return {self.node, system_.id_of(place.index, guest, number_), place.serial, self.creation};
}

process_block* scheduler::find(const pid& who) const {
  if (!system_.is_local(who) || (who.id & system_.scheduler_mask()) != number_)
    return nullptr;
  const auto& table = system_.is_guest(who) ? guests_ : local_;
  return table.find(system_.index_of(who), who.serial);
}

process_block& scheduler::spawn(owned_body what, const pid& parent) {
  return start(pid_at(local_.reserve(), false), parent, std::move(what));
}

process_block& scheduler::start(const pid& self, const pid& parent, owned_body what) {
  auto* p = new process_block(*this, self, parent, std::move(what));
  if (system_.is_guest(self)) {
    const std::lock_guard lock(guests_mutex_);
    guests_.set(system_.index_of(self), p);
  } else {
    local_.set(system_.index_of(self), p);
  }
  system_.process_count.fetch_add(1, std::memory_order_relaxed);
  make_runnable(*p);
  return *p;
}

void scheduler::make_runnable(process_block& p) {
  p.run_state = process_block::state::runnable;
  if (p.congested == process_block::nowhere)
    return append(p);
  lane_to(p.congested).ask_for_room();
  parked_.push_back(&p);
}

void scheduler::append(process_block& p) {
  p.run_next = nullptr;
  (run_last_ == nullptr ? run_first_ : run_last_->run_next) = &p;
  run_last_ = &p;
}

void scheduler::run_slice(process_block& p) {
  if (p.pending_exit)
    return end(p, *p.pending_exit);
  p.run_state = process_block::state::running;
  p.reductions = p.used_reductions();
  p.budget = process_block::reductions_a_slice;
  body::outcome outcome{};
  running_ = &p;
  watch_.begin_slice(std::uint64_t{p.id().serial} << 32 | p.id().id);
  try {
    outcome = p.what->run(p);
  } catch (...) {
    running_ = nullptr;
    return end(p, reason_of_current_exception(p.id()));
  }
  running_ = nullptr;
  if (p.pending_exit)
    return end(p, *p.pending_exit);
  switch (outcome) {
  case body::outcome::finished:
    return end(p, term(atoms::normal));
  case body::outcome::yielded:
    return make_runnable(p);
  case body::outcome::blocked:
    p.run_state = process_block::state::blocked;
    return;
  case body::outcome::waiting:
    p.run_state = process_block::state::waiting;
    if (p.inbox.unseen() || p.timed_out)
      make_runnable(p);
  }
}

void scheduler::end(process_block& p, term why) {
  const term reason = std::move(why);
  p.run_state = process_block::state::ending;
  p.received = {};
  p.what = {};
  if (auto* x = p.extras_if_any()) {
    if (x->name != atom())
      system_.names().remove(x->name, std::uint64_t{p.id().serial} << 32 | p.id().id);
    if (x->watches_dead_letters)
      system_.watch_dead_letters(p.id(), false);
  }
  p.break_relations(reason);
  const std::uint32_t index = system_.index_of(p.id());
  if (system_.is_guest(p.id())) {
    const std::lock_guard lock(guests_mutex_);
    guests_.release(index);
  } else {
    local_.release(index);
  }
  system_.process_count.fetch_sub(1, std::memory_order_relaxed);
  delete &p;
}

bool scheduler::register_name(atom name, const pid& who) {
  process_block* p = find(who);
  if (p == nullptr || name == atom() || name == atoms::undefined || p->extras().name != atom())
    return false;
  if (!system_.names().add(name, std::uint64_t{who.serial} << 32 | who.id))
    return false;
  p->extras().name = name;
  return true;
}

bool scheduler::unregister_name(atom name) {
  const auto who = system_.whereis(name);
  process_block* p = who ? find(*who) : nullptr;
  if (p == nullptr || !system_.names().remove(name, std::uint64_t{who->serial} << 32 | who->id))
    return false;
  p->extras().name = atom();
  return true;
}

// References.

reference scheduler::make_reference() {
  const std::uint64_t count = ++references_;
  reference ref{.node = system_.self().node, .creation = system_.self().creation, .size = 3};
  // OTP refuses references whose first word has more than 18 bits.
  ref.words[0] = static_cast<std::uint32_t>(count & 0x3ffff);
  ref.words[1] = static_cast<std::uint32_t>(count >> 18);
  ref.words[2] = static_cast<std::uint32_t>(count >> 50) << 8 | number_ | 0x80000000U;
  return ref;
}

reference scheduler::make_alias_reference(const pid& owner) {
  reference ref = make_reference();
  ref.size = 5;
  ref.words[3] = owner.id;
  ref.words[4] = owner.serial;
  return ref;
}

} // namespace erl::runtime
