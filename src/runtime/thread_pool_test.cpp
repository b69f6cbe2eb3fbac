#include "runtime/test_world.hpp"
#include "runtime/thread_pool.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <utility>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;
using runtime::shared_job;
using runtime::thread_pool;

namespace {

/// A job of a process that is there for nothing else.
class jobs {
public:
  jobs() {
    process_ = w_.system.at(0).find(
        w_.spawn([](process& self) -> task<> { auto m = co_await self.receive(); }));
  }
  template <class Function> shared_job make(Function f) {
    auto* job = new detail::blocking_call<Function>(*process_, pool::io, std::move(f));
    shared_job result(*job);
    job->abandon(); // nobody waits for it
    return result;
  }

private:
  world w_;
  process* process_ = nullptr;
};

void wait_until(const std::function<bool()>& condition) {
  for (const auto limit = std::chrono::steady_clock::now() + 60s;
       !condition() && std::chrono::steady_clock::now() < limit;)
    std::this_thread::sleep_for(1ms);
  CHECK(condition());
}

} // namespace

TEST_CASE("a pool starts no thread before it needs one, and runs jobs side by side") {
  jobs make;
  std::latch all(3);
  thread_pool p(3, 60s);
  CHECK(p.size() == 0);
  for (int i = 0; i < 3; ++i)
    p.submit(make.make([&all] { all.arrive_and_wait(); }));
  all.wait(); // each of the three waits for the others
  CHECK(p.size() == 3);
}

TEST_CASE("a pool has no more threads than it may, and the other jobs wait") {
  jobs make;
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  std::latch done(100);
  thread_pool p(2, 60s);
  for (int i = 0; i < 100; ++i)
    p.submit(make.make([&] {
      const int running = ++now;
      for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
      }
      std::this_thread::yield();
      --now;
      done.count_down();
    }));
  done.wait();
  CHECK(most <= 2);
  CHECK(p.size() <= 2);
}

TEST_CASE("threads end when they have been idle, and new ones start") {
  jobs make;
  std::atomic<int> done{0};
  thread_pool p(4, 1ms);
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 4; ++i)
      p.submit(make.make([&done] { ++done; }));
    wait_until([&] { return done == 4 * round && p.size() == 0; });
  }
}

TEST_CASE("a pool that stops waits for what runs and drops what has not begun") {
  jobs make;
  const auto captured = std::make_shared<int>(0);
  std::latch begun(1);
  std::atomic<bool> may_end{false};
  std::atomic<bool> ended{false};
  std::atomic<bool> second{false};
  thread_pool p(1, 60s);
  p.submit(make.make([&] {
    begun.count_down();
    while (!may_end)
      std::this_thread::yield();
    ended = true;
  }));
  begun.wait();
  p.submit(make.make([&second, captured] { second = true; }));
  CHECK(captured.use_count() == 2);
  std::jthread stopper([&p] { p.stop(); });
  wait_until([&captured] { return captured.use_count() == 1; }); // dropped
  may_end = true;
  stopper.join();
  CHECK(ended);
  CHECK_FALSE(second);
  p.submit(make.make([&second] { second = true; }));
  p.stop();
  CHECK_FALSE(second);
}

TEST_CASE("threads of a pool take none of the program's signals") {
  jobs make;
  std::latch done(1);
  bool blocked = false;
  thread_pool p(1, 60s);
  p.submit(make.make([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1;
    done.count_down();
  }));
  done.wait();
  CHECK(blocked);
}
