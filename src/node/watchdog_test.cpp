/// The watchdog over real threads.
#include "node/asio_driver.hpp"
#include "runtime/system.hpp"
#include "runtime/watchdog.hpp"
#include "support/log_capture.hpp"
#include <erl/node.hpp>
#include <erl/process.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::log_capture;

namespace {

bool wait_until(const std::function<bool()>& condition) {
  for (const auto limit = std::chrono::steady_clock::now() + 60s;
       !condition() && std::chrono::steady_clock::now() < limit;)
    std::this_thread::sleep_for(1ms);
  return condition();
}

pid spawn_on(node& n, unsigned scheduler, task<> (*body)(process&)) {
  return n.spawn_body(make_body(body), scheduler);
}

} // namespace

TEST_CASE("an endless loop on one scheduler is counted, and the other scheduler serves its own") {
  log_capture log;
  std::atomic<bool> stop{false};
  std::promise<void> served;
  node n({.schedulers = 2, .watchdog = {.stuck = 100ms}});
  REQUIRE(n.start());
  n.spawn_body(make_body([&stop](process& self) -> task<> {
                 const pid me = self.self();
                 static_cast<void>(me);
                 while (!stop)
                   std::this_thread::yield();
                 co_return;
               }),
               1);
  CHECK(wait_until([&n] { return n.long_slices() >= 1; }));
  n.spawn([&served](process& self) -> task<> {
    const pid other = self.spawn([](process& child) -> task<> {
      auto m = co_await child.receive();
      child.send(m.body().to_pid().value(), atom("pong"));
    });
    self.send(other, self.self());
    auto m = co_await self.receive();
    served.set_value();
  });
  CHECK(served.get_future().wait_for(60s) == std::future_status::ready);
  CHECK(log.wait_for("and goes on"));
  stop = true;
  CHECK(log.wait_for("held scheduler 1 for "));
}

namespace {

std::atomic<bool> seen{false};

[[gnu::noinline]] void function_that_sleeps_on_its_scheduler() {
  while (!seen)
    std::this_thread::sleep_for(20ms);
}

} // namespace

TEST_CASE("a function that sleeps on its scheduler is named in the log") {
  log_capture log;
  seen = false;
  node n({.schedulers = 1, .watchdog = {.stuck = 200ms}});
  REQUIRE(n.start());
  spawn_on(n, 0, [](process& self) -> task<> {
    self.register_name(atom("sleeper"));
    function_that_sleeps_on_its_scheduler();
    co_return;
  });
  CHECK(log.wait_for("function_that_sleeps_on_its_scheduler"));
  CHECK(log.contains(", sleeper has held scheduler 0 for "));
  CHECK(n.long_slices() >= 1);
  seen = true;
}

TEST_CASE("others get their turn although a process computes without end between its messages") {
  std::atomic<bool> stop{false};
  std::promise<void> served;
  node n({.schedulers = 1});
  REQUIRE(n.start());
  n.spawn([&stop](process& self) -> task<> {
    const pid me = self.self();
    static_cast<void>(me);
    while (!stop) {
      for (const time_point end = self.now() + 100us; self.now() < end;) {
      }
      co_await self.yield(); // 2000 of these would be 200 ms
    }
  });
  n.spawn([&](process& self) -> task<> {
    for (int i = 0; i < 100; ++i) {
      auto nothing = co_await self.receive(1ms);
    }
    served.set_value();
  });
  CHECK(served.get_future().wait_for(60s) == std::future_status::ready);
  stop = true;
}

TEST_CASE("a node keeps its connections while a process holds its only scheduler") {
  const auto options = [](const char* name) {
    return node_options{.name = name,
                        .cookie = "a cookie for tests",
                        .schedulers = 1,
                        .epmd = false,
                        .tick_time = 2s};
  };
  node stuck(options("stuck@127.0.0.1"));
  REQUIRE(stuck.start());
  node_options looking = options("looking@127.0.0.1");
  looking.known_peers = {{"stuck@127.0.0.1", "127.0.0.1", stuck.port()}};
  node other(looking);
  REQUIRE(other.start());
  REQUIRE(other.connect("stuck@127.0.0.1"));
  std::promise<void> held;
  stuck.spawn([&held](process& self) -> task<> {
    const pid me = self.self();
    static_cast<void>(me);
    std::this_thread::sleep_for(5s);
    held.set_value();
    co_return;
  });
  held.get_future().wait();
  CHECK(other.connected() == std::vector<std::string>{"stuck@127.0.0.1"});
  CHECK(stuck.connected() == std::vector<std::string>{"looking@127.0.0.1"});
  CHECK(other.past_connections().lost.silent == 0);
}

TEST_CASE("the watchdog sleeps when all schedulers do, and comes back with them") {
  std::atomic<bool> stop{false};
  runtime::system system({}, 2, [] { return make_asio_driver(); });
  system.start();
  REQUIRE(system.guard() != nullptr);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(wait_until([&] { return system.guard()->is_parked(); }));
    stop = false;
    system.at(i).post([&, i] {
      system.at(i).spawn(make_body([&stop](process& self) -> task<> {
                           const pid me = self.self();
                           static_cast<void>(me);
                           while (!stop)
                             std::this_thread::yield();
                           co_return;
                         }),
                         pid{});
    });
    CHECK(wait_until([&] { return system.guard()->long_slices(i) >= 1; }));
    CHECK_FALSE(system.guard()->is_parked());
    stop = true;
    CHECK(wait_until([&] { return system.process_count == 0; }));
  }
  system.stop();
}

TEST_CASE("a watchdog that is off counts nothing") {
  runtime::system system({}, 1, [] { return make_asio_driver(); });
  system.set_watchdog({.on = false});
  system.start();
  CHECK(system.guard() == nullptr);
  system.stop();
}

TEST_CASE("schedulers take no signal but the one for stacks") {
  std::promise<sigset_t> mask;
  node n({.schedulers = 1});
  REQUIRE(n.start());
  n.spawn([&mask](process& self) -> task<> {
    const pid me = self.self();
    static_cast<void>(me);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    mask.set_value(blocked);
    co_return;
  });
  const sigset_t blocked = mask.get_future().get();
  int taken = 0;
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal)
    taken += sigismember(&blocked, signal) == 0 ? 1 : 0;
  CHECK(taken == 1);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1})
    CHECK(sigismember(&blocked, signal) == 1);
}
