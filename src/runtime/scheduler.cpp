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
constexpr std::uint32_t slices_a_round = 256;
constexpr std::size_t publish_at = 32;
constexpr std::size_t drain_at_once = 4096;
/// Entries in a lane at which those who fill it are stopped, and at which they go on.
constexpr std::size_t crowded = 16384;
constexpr std::size_t roomy = 4096;

[[noreturn]] void name_is_taken(atom name) {
  throw std::invalid_argument("spawn: the name " + std::string(name.text()) + " is taken");
}
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

pid scheduler::reserve(atom name) {
  const std::lock_guard lock(guests_mutex_);
  const pid self = pid_at(guests_.reserve(), true);
  if (name != atom() && !system_.names().add(name, registry::value_of(self))) {
    guests_.release(system_.index_of(self));
    name_is_taken(name);
  }
  return self;
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

void scheduler::run_until(const bool& over) {
  while (!over)
    if (!round() && !over)
      sleep();
}

bool scheduler::round() {
  std::size_t done = drain_lanes() + run_posted() + resume_parked();
  world_->poll();
  if (timers_.size() != 0)
    done += timers_.expire(world_->now());
  const std::uint32_t slices = random_ == nullptr ? slices_a_round : 1 + below(4);
  watch_.begin_round();
  for (std::uint32_t slice = 0; slice < slices && !watch_.time_is_up(); ++slice, ++done) {
    process_block* p = next_runnable();
    if (p == nullptr)
      break;
    run_slice(*p);
  }
  watch_.end_round();
  // Those that have more to write come again in the next round.
  for (std::size_t due = flushes_.size(); due > 0 && !flushes_.empty(); --due, ++done) {
    flushable* f = flushes_.front();
    flushes_.erase(flushes_.begin());
    f->flush();
  }
  if (timers_.unsettled())
    timers_.settle(world_->now());
  if (publish_lanes())
    ++done;
  return done != 0 || anyone_runnable();
}

bool scheduler::has_work() {
  return anyone_runnable() || !flushes_.empty() || anything_to_do() ||
         timers_.next() <= world_->now();
}

void scheduler::run_queue::append(process_block& p) {
  p.run_next = nullptr;
  (last == nullptr ? first : last->run_next) = &p;
  last = &p;
}

process_block& scheduler::run_queue::pop() {
  process_block& p = *first;
  first = p.run_next;
  if (first == nullptr)
    last = nullptr;
  return p;
}

process_block* scheduler::next_runnable() {
  constexpr unsigned turns_before_low = 7;
  auto& [low, normal, high] = runnable_;
  run_queue* chosen = &high;
  if (high.first == nullptr) [[likely]] {
    chosen = &normal;
    if (low.first != nullptr && (normal.first == nullptr || ++low_waits_ > turns_before_low)) {
      low_waits_ = 0;
      chosen = &low;
    }
  }
  if (chosen->first == nullptr)
    return nullptr;
  if (random_ != nullptr)
    for (std::uint32_t moves = below(3); moves > 0; --moves)
      chosen->append(chosen->pop());
  return &chosen->pop();
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
  // Here and not where they were parked: an answer that comes while this scheduler runs is lost
  // when others fill the lane again before it looks.
  for (const process_block* p : parked_)
    lane_to(p->congested).ask_for_room();
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
  each_process(collect);
  for (process_block* p : all) {
    runnable_ = {}; // what the last one woke may be the next to go
    parked_.clear();
    end(*p, term(atoms::killed));
  }
  runnable_ = {};
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
    make_runnable(*p);
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
  const auto lanes = static_cast<std::uint32_t>(incoming_.size());
  const std::uint32_t first = random_ == nullptr ? 0 : below(lanes);
  const std::size_t most = random_ == nullptr ? drain_at_once : below(8); // 0: not yet
  for (std::uint32_t i = 0; i < lanes; ++i) {
    const std::uint32_t from = (first + i) % lanes;
    drained += incoming_[from]->drain(most, [this](lane_entry&& entry) {
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

process_block& scheduler::spawn(owned_body what, const pid& parent, const spawn_options& how) {
  const pid self = pid_at(local_.reserve(), false);
  if (how.name != atom() && !system_.names().add(how.name, registry::value_of(self))) {
    local_.release(system_.index_of(self));
    name_is_taken(how.name);
  }
  return start(self, parent, std::move(what), how);
}

process_block& scheduler::start(const pid& self, const pid& parent, owned_body what,
                                const spawn_options& how) {
  auto* p = new process_block(*this, self, parent, std::move(what));
  p->priority = how.priority;
  p->set_limit(how.mailbox);
  if (how.name != atom())
    p->extras().name = how.name;
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
    return runnable_[static_cast<std::size_t>(p.priority)].append(p);
  parked_.push_back(&p);
}

void scheduler::run_slice(process_block& p) {
  if (p.pending_exit)
    return end(p, *p.pending_exit);
  p.run_state = process_block::state::running;
  p.reductions = p.used_reductions();
  p.budget = process_block::reductions_a_slice;
  if (random_ != nullptr) {
    p.budget = static_cast<int>(2 + below(16)); // 1 would be none at all;
    p.reductions -= static_cast<std::uint64_t>(process_block::reductions_a_slice - p.budget);
  }
  body::outcome outcome{};
  running_ = &p;
  watch_.begin_slice(p.value());
  try {
    const loan::lent meanwhile(distribution_);
    outcome = p.what->run(p);
  } catch (...) {
    running_ = nullptr;
    return end(p, reason_of_current_exception(p.id()));
  }
  running_ = nullptr;
  if (p.pending_exit)
    return end(p, *p.pending_exit);
  if (outcome == body::outcome::finished)
    return end(p, term(atoms::normal));
  p.mailbox_has_changed();
  if (p.must_wait) [[unlikely]]
    return block(p);
  switch (outcome) {
  case body::outcome::finished:
    break;
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

void scheduler::block(process_block& p) {
  p.run_state = process_block::state::blocked;
  route({.kind = signal_kind::room_wanted,
         .from = p.id(),
         .to = p.extras().waits_for_room->receiver});
}

void scheduler::watch_mailboxes(const mailbox_watch& how) {
  watched_mailboxes_ = how;
  each_process([](process_block& p) {
    p.mailbox_is_long = false; // or the new one would not hear of it
    p.update_attention();
  });
}

void scheduler::set_full(const pid& who, bool full) {
  (system_.is_guest(who) ? guests_ : local_).set_full(system_.index_of(who), full);
}

bool scheduler::is_full(const pid& who) const {
  return (system_.is_guest(who) ? guests_ : local_).is_full(system_.index_of(who));
}

void scheduler::end(process_block& p, term why) {
  const term reason = std::move(why);
  p.run_state = process_block::state::ending;
  p.received = {};
  p.what = {};
  if (auto* x = p.extras_if_any()) {
    if (x->name != atom())
      system_.names().remove(x->name, p.value());
    if (x->watches_dead_letters)
      system_.watch_dead_letters(p.id(), false);
    if (x->watches_nodes)
      system_.nodes().watch(p.id(), node_kind::none);
    if (x->watches_mailboxes)
      system_.stop_watching_mailboxes(p.id());
  }
  p.set_limit({});
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
  if (name == atom() || name == atoms::undefined || !system_.is_here(who))
    return false;
  process_block* p = find(who);
  const bool elsewhere = &system_.owner_of(who) != this;
  if (!elsewhere && (p == nullptr || p->registered_name() != atom()))
    return false;
  if (!system_.names().add(name, registry::value_of(who)))
    return false;
  if (elsewhere)
    route({.kind = signal_kind::name_given, .to = who, .object = name});
  else
    p->extras().name = name;
  return true;
}

bool scheduler::unregister_name(atom name) {
  return system_.names().remove(name, system_.names().find(name));
}

// References.

reference scheduler::reference_of(std::uint64_t number) const {
  reference ref{.node = system_.self().node, .creation = system_.self().creation, .size = 3};
  // OTP refuses references whose first word has more than 18 bits.
  ref.words[0] = static_cast<std::uint32_t>(number & 0x3ffff);
  ref.words[1] = static_cast<std::uint32_t>(number >> 18);
  ref.words[2] = static_cast<std::uint32_t>(number >> 50) << 8 | number_ | 0x80000000U;
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
