#include "sim/world.hpp"

#include "base/timer_queue.hpp"

#include <algorithm>
#include <utility>

namespace erl::sim {

namespace {
constexpr std::uint64_t most_steps = 10'000'000;
} // namespace

world::impl::impl(std::uint64_t from)
    : seed(from), network({.seed = from, .random_splits = true, .random_events = true}),
      begun(network.now()) {}

world::impl::~impl() {
  for (const auto& each : nodes)
    each->crash();
}

bool world::impl::step() {
  busy.clear();
  for (const auto& each : nodes) {
    if (each->system == nullptr)
      continue;
    for (std::size_t i = 0; i < each->drivers.size(); ++i) {
      auto& scheduler = each->system->at(i);
      if (scheduler.has_work() || each->drivers[i]->ready())
        busy.push_back(&scheduler);
    }
  }
  if (busy.empty())
    return false;
  const std::uint64_t chosen = network.random() % busy.size();
  runtime::scheduler& next = *busy[chosen];
  next.round();
  note(busy.size());
  note(chosen);
  note(static_cast<std::uint64_t>(network.now().time_since_epoch().count()));
  note(next.owner().process_count);
  note(network.delivered);
  return true;
}

void world::impl::settle() {
  for (std::uint64_t steps = 0; step(); ++steps)
    if (steps > most_steps)
      throw failure("after ten million steps there is still something to do: do two processes "
                    "send to each other for ever?");
}

time_point world::impl::next_event() {
  time_point next = network.next_arrival();
  for (const auto& each : nodes)
    if (each->system != nullptr)
      for (std::size_t i = 0; i < each->system->size(); ++i)
        next = std::min(next, each->system->at(i).timers().next());
  return next;
}

bool world::impl::run_until(bool (*condition)(void*), void* context, duration limit) {
  const time_point end = after(network.now(), limit);
  for (std::uint64_t steps = 0;; ++steps) {
    if (condition(context))
      return true;
    if (step()) {
      if (steps > most_steps)
        settle(); // says what is wrong
      continue;
    }
    const time_point next = next_event();
    if (next == time_point::max() && end == next)
      return condition(context); // nothing can happen any more
    network.advance_to(std::min(next, end));
    if (next > end)
      return condition(context);
    steps = 0;
  }
}

world::world(std::uint64_t seed) : impl_(new impl(seed)) {}

world::~world() { delete impl_; }

node& world::add_node(std::string_view name, const node_options& options) {
  if (std::ranges::any_of(impl_->nodes, [&](const auto& each) { return each->name == name; }))
    throw failure("there is a node " + std::string(name) + " already");
  impl_->nodes.push_back(std::make_unique<node::impl>(*impl_, std::string(name), options));
  auto& added = *impl_->nodes.back();
  for (const auto& each : impl_->nodes)
    if (each->others != nullptr)
      each->others->know(impl_->address_of(added));
  added.start();
  return *added.handle;
}

bool world::step() { return impl_->step(); }
void world::settle() { impl_->settle(); }

void world::run_for(duration time) {
  run_until([](void*) { return false; }, nullptr, time);
}

bool world::run_until(bool (*condition)(void*), void* context, duration limit) {
  return impl_->run_until(condition, context, limit);
}

void world::delay(const node& one, const node& other, duration time) {
  impl_->network.wire(one.impl_->host, other.impl_->host).delay = time;
  impl_->network.wire(other.impl_->host, one.impl_->host).delay = time;
}

void world::stall(const node& from, const node& to, bool on) {
  impl_->network.wire(from.impl_->host, to.impl_->host).stalled = on;
}

void world::partition(const node& one, const node& other, bool on) {
  stall(one, other, on);
  stall(other, one, on);
}

void world::cut(const node& one, const node& other) {
  impl_->network.cut(one.impl_->host, other.impl_->host);
}

std::uint64_t world::seed() const { return impl_->seed; }
duration world::elapsed() const { return impl_->network.now() - impl_->begun; }
std::uint64_t world::random() { return impl_->network.random(); }
std::uint64_t world::trace() const { return impl_->trace; }

} // namespace erl::sim
