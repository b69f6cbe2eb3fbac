#include "runtime/watchdog.hpp"

#include "base/log.hpp"
#include "base/signals_blocked.hpp"
#include "base/symbols.hpp"
#include "base/thread_stack.hpp"
#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace erl::runtime {

namespace {

constexpr duration period = std::chrono::milliseconds(1);
/// A machine that is overloaded, or a program that was halted, is no reason to blame a process.
constexpr duration most_a_tick = std::chrono::milliseconds(5);
/// How long a stuck thread has to answer.
constexpr duration patience = std::chrono::milliseconds(200);
constexpr std::size_t most_frames = 32;
/// A fraction of the shortest time between two ticks that anybody would ask for.
constexpr duration between_signs = std::chrono::milliseconds(20);

std::string in_words(duration time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (ms < 1000)
    return std::to_string(ms) + " ms";
  return std::to_string(ms / 1000) + '.' + std::to_string(ms % 1000 / 100) + " s";
}

/// What a signal handler sees of the process that its thread runs.
struct glance {
  const scheduler* where;
  std::uint64_t slice;
  atom name{};
  term label{atoms::undefined};
  bool has_ended = false;
};

/// In a signal handler.
bool look_inside(void* context) noexcept {
  auto& g = *static_cast<glance*>(context);
  g.has_ended = g.where->watch().look().slice != g.slice;
  if (g.has_ended)
    return false;
  if (process_block* p = g.where->running())
    p->glance(g.name, g.label);
  return true;
}

} // namespace

watchdog::watchdog(system& owner, const watchdog_options& options)
    : system_(owner), options_(options), watched_(owner.size()) {
  if (options_.stack_signal >= 0 && !reserve_stack_signal(options_.stack_signal))
    log::put(log::level::warning, "runtime", "no signal is free for the stacks of stuck threads");
  if (system_.out() != nullptr && !loan::prepare())
    log::put(log::level::warning, "runtime",
             "the system has no membarrier: a process that holds scheduler 0 for longer than the "
             "tick time costs this node its connections");
}

void watchdog::start() {
  last_tick_ = std::chrono::steady_clock::now();
  const signals_blocked none;
  thread_ = std::thread([this] { run(); });
}

void watchdog::stop() {
  stopping_.store(true);
  rouse();
  if (thread_.joinable())
    thread_.join();
}

void watchdog::attach(const scheduler& here) {
  if (options_.stack_signal < 0)
    return;
  accept_stack_signal();
  const std::lock_guard lock(threads_mutex_);
  watched_[here.number()].thread = pthread_self();
}

void watchdog::detach(const scheduler& here) {
  const std::lock_guard lock(threads_mutex_);
  watched_[here.number()].thread.reset();
}

void watchdog::run() {
  while (!stopping_.load()) {
    std::this_thread::sleep_for(period);
    if (!tick(std::chrono::steady_clock::now()))
      park();
  }
}

// A scheduler that wakes up says so first and looks at parked_ second; here it is the other way
// round. All of it is sequentially consistent, so one of the two sees the other.
void watchdog::park() {
  parked_.store(1);
  if (all_asleep() && !stopping_.load())
    parked_.wait(1);
  parked_.store(0);
  last_tick_ = std::chrono::steady_clock::now();
}

void watchdog::unpark() noexcept {
  if (parked_.exchange(0) != 0)
    parked_.notify_one();
}

bool watchdog::all_asleep() const {
  for (std::size_t i = 0; i < system_.size(); ++i)
    if (!system_.at(i).is_asleep())
      return false;
  return true;
}

bool watchdog::tick(time_point now) {
  for (std::size_t i = 0; i < watched_.size(); ++i)
    look_at(system_.at(i), watched_[i], now);
  last_tick_ = now;
  return std::ranges::any_of(watched_, &watched::is_long) || !all_asleep();
}

void watchdog::look_at(scheduler& where, watched& w, time_point now) {
  const auto sight = where.watch().look();
  const duration held = now - w.since;
  if (sight.process == 0 || sight.slice != w.seen.slice) {
    if (w.is_long)
      report_end(where, w, held);
    w.seen = sight;
    w.since = now;
    w.held = w.next_sign = {};
    w.is_long = w.is_stuck = false;
    return;
  }
  w.held += std::min(now - last_tick_, most_a_tick);
  where.watch().call_time();
  if (!w.is_long && w.held >= options_.long_slice) {
    w.is_long = true;
    w.who = to_string(term(system_.pid_of(sight.process)));
    w.long_slices.fetch_add(1, std::memory_order_relaxed);
  }
  if (where.number() == 0 && system_.out() != nullptr && w.held >= w.next_sign)
    give_signs(where, w);
  if (!w.is_stuck && w.held >= options_.stuck) {
    w.is_stuck = true;
    report_stuck(where, w, held);
  }
}

/// One that has just sent something is asked again a millisecond later.
void watchdog::give_signs(scheduler& where, watched& w) {
  if (!where.distribution().borrow())
    return;
  system_.out()->keep_alive();
  where.distribution().give_back();
  w.next_sign = w.held + between_signs;
}

void watchdog::report_stuck(scheduler& where, watched& w, duration held) {
  glance seen{&where, w.seen.slice};
  thread_stack stack;
  {
    const std::lock_guard lock(threads_mutex_);
    if (w.thread)
      take_stack_of(*w.thread, patience, look_inside, &seen, stack);
  }
  if (seen.has_ended)
    return;
  if (seen.name != atom())
    w.who += ", " + to_string(seen.name);
  if (!seen.label.is(atoms::undefined))
    w.who += ", " + brief(seen.label);
  const std::string_view where_it_is = stack.frames().empty() ? "" : "; its thread is in";
  log::put(log::level::error, "runtime", w.who, " has held scheduler ", where.number(), " for ",
           in_words(held), " and goes on", where_it_is);
  int number = 0;
  for (const std::uintptr_t frame :
       stack.frames().first(std::min(most_frames, stack.frames().size()))) {
    const std::string name = name_of_code(frame);
    if (name.starts_with("erl::runtime::scheduler::run_slice"))
      break;
    log::put(log::level::error, "runtime", "#", number++, " ", name);
  }
}

void watchdog::report_end(const scheduler& where, const watched& w, duration held) {
  if (w.is_stuck)
    log::put(log::level::error, "runtime", w.who, " held scheduler ", where.number(), " for ",
             in_words(held));
  else
    log::limited("long slice", log::level::warning, "runtime", w.who, " held scheduler ",
                 where.number(), " for ", in_words(held));
}

} // namespace erl::runtime
