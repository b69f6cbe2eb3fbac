#include "runtime/test_world.hpp"
#include "runtime/watchdog.hpp"
#include "support/log_capture.hpp"
#include <erl/etf/print.hpp>
#include <erl/process_info.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::log_capture;
using erl::test::world;
using runtime::watchdog;

namespace {

/// A watchdog whose ticks come from inside the slices that it looks at.
class dog {
public:
  explicit dog(world& w, const watchdog_options& options = {}) : guard_(w.system, options) {
    guard_.attach(w.system.at(0));
  }
  void pass(duration time, duration period = 1ms) {
    for (; time > duration::zero(); time -= period) {
      now_ += period;
      guard_.tick(now_);
    }
  }
  std::uint64_t long_slices() const { return guard_.long_slices(0); }

private:
  watchdog guard_;
  time_point now_{std::chrono::hours(1)};
};

} // namespace

TEST_CASE("a slice that lasts over a millisecond ends at the next yield, receive or message") {
  world w;
  dog d(w);
  std::vector<int> order;
  w.spawn([&](process& self) -> task<> {
    const pid me = self.self();
    self.send(me, term(1));
    d.pass(1ms); // sees the slice
    co_await self.yield();
    order.push_back(1);
    d.pass(1ms); // sees it again
    co_await self.yield();
    order.push_back(3);
    d.pass(2ms);
    auto m = co_await self.receive();
    order.push_back(5);
  });
  w.spawn([&](process& self) -> task<> {
    order.push_back(2);
    self.send(self.self(), term(1));
    d.pass(2ms);
    auto m = co_await self.receive();
    order.push_back(4);
  });
  w.settle();
  CHECK(order == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("a slice whose time is up has used all its reductions") {
  world w;
  dog d(w);
  std::uint64_t reductions = 0;
  const pid p = w.spawn([&](process& self) -> task<> {
    d.pass(2ms);
    auto m = co_await self.receive();
  });
  w.spawn([&, p](process& self) -> task<> {
    auto known = co_await info(self, p);
    reductions = known->reductions;
  });
  w.settle();
  CHECK(reductions == runtime::process_block::reductions_a_slice);
}

TEST_CASE("a slice that lasts long is counted once, and logged with its time when it is over") {
  log_capture log;
  world w;
  dog d(w);
  std::string me;
  w.spawn([&](process& self) -> task<> {
    me = to_string(term(self.self()));
    d.pass(10ms);
    CHECK(d.long_slices() == 0); // seen for 9 ms
    d.pass(1ms);
    CHECK(d.long_slices() == 1);
    d.pass(20ms);
    CHECK(log.lines().empty());
    co_await self.yield();
    d.pass(9ms);
    co_await self.yield();
  });
  w.settle();
  d.pass(1ms);
  CHECK(d.long_slices() == 1);
  CHECK(log.lines() ==
        std::vector<std::string>{"warning runtime: " + me + " held scheduler 0 for 31 ms"});
}

TEST_CASE("time in which the watchdog did not run either counts for little") {
  log_capture log;
  world w;
  dog d(w);
  w.spawn([&](process& self) -> task<> {
    const pid me = self.self();
    static_cast<void>(me);
    d.pass(1ms);
    d.pass(60s, 60s);
    co_return;
  });
  w.settle();
  CHECK(d.long_slices() == 0);
  CHECK(log.lines().empty());
}

namespace {

[[gnu::noinline]] void function_that_does_not_end(dog& d) {
  d.pass(100ms);
  asm volatile("" ::: "memory"); // no tail call
}

} // namespace

TEST_CASE(
    "a stuck process is logged with its name, its label and its stack, and again at its end") {
  log_capture log;
  world w;
  dog d(w, {.long_slice = 20ms, .stuck = 50ms});
  std::string who;
  w.spawn([&](process& self) -> task<> {
    self.register_name(atom("digger"));
    self.set_label(term::tuple({atom("tunnel"), term(3)}));
    who = to_string(term(self.self())) + ", digger, {tunnel,3}";
    function_that_does_not_end(d);
    co_return;
  });
  w.settle();
  d.pass(1ms);
  const auto lines = log.lines();
  REQUIRE(lines.size() > 3);
  CHECK(lines.front() ==
        "error runtime: " + who + " has held scheduler 0 for 50 ms and goes on; its thread is in");
  CHECK(lines[1].starts_with("error runtime: #0 "));
  CHECK(log.contains("function_that_does_not_end"));
  CHECK_FALSE(log.contains("scheduler::run_slice"));
  CHECK(lines.back() == "error runtime: " + who + " held scheduler 0 for 100 ms");
}

TEST_CASE("without a signal a stuck process is logged without a stack") {
  log_capture log;
  world w;
  dog d(w, {.long_slice = 20ms, .stuck = 50ms, .stack_signal = -1});
  w.spawn([&](process& self) -> task<> {
    const pid me = self.self();
    static_cast<void>(me);
    d.pass(100ms);
    co_return;
  });
  w.settle();
  d.pass(1ms);
  const auto lines = log.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].ends_with("has held scheduler 0 for 50 ms and goes on"));
}

TEST_CASE("a slice that is not seen twice is not told anything") {
  world w;
  dog d(w);
  std::uint64_t turns = 0;
  w.spawn([&](process& self) -> task<> {
    const pid me = self.self();
    static_cast<void>(me);
    for (int i = 0; i < 100; ++i) {
      self.send(self.self(), term(i));
      auto m = co_await self.receive();
    }
    turns = w.system.at(0).watch().look().slice;
  });
  w.settle();
  CHECK(turns == 1);
}
