#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "sim/world.hpp"
#include <erl/etf/print.hpp>

#include <algorithm>
#include <deque>
#include <ranges>
#include <utility>

namespace erl::sim {

/// Shared by the probe and its process, as long as both live.
struct probe::state {
  pid self;
  runtime::process_block* block = nullptr; ///< null: the process has ended
  std::deque<term> messages;
};

namespace {
/// Hands every message over to the test.
template <class State> class probe_body final : public body {
public:
  explicit probe_body(State& state) : state_(&state) {}
  probe_body(const probe_body&) = delete;
  probe_body& operator=(const probe_body&) = delete;
  ~probe_body() override { state_->block = nullptr; }
  outcome run(process& self) override {
    while (const message m = detail::next_message(self))
      state_->messages.push_back(m.body());
    return detail::slice_is_over(self) ? outcome::yielded : outcome::waiting;
  }

private:
  State* state_;
};
} // namespace

probe::probe(node& home) : home_(home), state_(new state) {
  state_->self = home.spawn_body(owned_body(new probe_body(*state_)));
  state_->block = home.impl_->system->owner_of(state_->self).find(state_->self);
  state_->block->traps_exit = true;
}

probe::~probe() {
  if (state_->block != nullptr) {
    home_.exit(state_->self, term(atoms::kill));
    constexpr int patience = 1'000'000; // others may never rest
    for (int i = 0; i < patience && state_->block != nullptr && home_.impl_->in.step(); ++i) {
    }
  }
  delete state_;
}

pid probe::self() const { return state_->self; }

process& probe::begin_act() {
  if (state_->block == nullptr)
    throw failure("the probe's process has ended");
  state_->block->owner().post([] {}); // a round, in which what it sends to others goes out
  return *state_->block;
}

void probe::send(const destination& to, term message) { begin_act().send(to, std::move(message)); }

std::optional<term> probe::take() {
  while (!state_->messages.empty()) {
    term m = std::move(state_->messages.front());
    state_->messages.pop_front();
    const auto applies = std::ranges::find_if(rules_ | std::views::reverse,
                                              [&](const rule& each) { return each.fits(m); });
    if (applies == rules_.rend())
      return m;
    if (!applies->allowed)
      fail("a message came that must not come:", m, {});
  }
  return std::nullopt;
}

term probe::next(duration limit) {
  std::optional<term> found;
  const auto look = [&] { return (found = take()).has_value(); };
  if (home_.impl_->in.run_until(look, limit))
    return std::move(*found);
  if (limit == infinity)
    throw failure("no message can come any more");
  throw failure("no message came within " +
                std::to_string(std::chrono::ceil<std::chrono::milliseconds>(limit).count()) +
                " ms");
}

void probe::expect_nothing(duration time) {
  std::optional<term> found;
  const auto look = [&] { return (found = take()).has_value(); };
  if (home_.impl_->in.run_until(look, time))
    fail("a message came where none was expected:", *found, {});
}

void probe::fail(std::string_view what, const term& message, std::string_view why) {
  std::string text(what);
  text += ' ' + to_string(message);
  if (!why.empty())
    text += ": " + std::string(why);
  throw failure(text);
}

} // namespace erl::sim
