#include "base/signals_blocked.hpp"
#include "base/symbols.hpp"
#include "base/thread_stack.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;

namespace {

std::atomic<bool> may_end{false};
std::atomic<bool> is_there{false};

/// Not exported, and so not known to the dynamic linker.
[[gnu::noinline]] void function_that_is_looked_for() {
  is_there = true;
  while (!may_end)
    std::this_thread::sleep_for(1ms);
}

bool agree(void* context) noexcept {
  *static_cast<pthread_t*>(context) = pthread_self();
  return true;
}

bool disagree(void*) noexcept { return false; }

/// A thread that is in `function_that_is_looked_for`.
class busy_thread {
public:
  explicit busy_thread(bool accepts) {
    may_end = is_there = false;
    const signals_blocked none;
    thread_ = std::thread([accepts] {
      if (accepts)
        accept_stack_signal();
      function_that_is_looked_for();
    });
    while (!is_there)
      std::this_thread::yield();
  }
  busy_thread(const busy_thread&) = delete;
  busy_thread& operator=(const busy_thread&) = delete;
  ~busy_thread() {
    may_end = true;
    thread_.join();
  }
  pthread_t handle() { return thread_.native_handle(); }

private:
  std::thread thread_;
};

} // namespace

TEST_CASE("the stack of another thread names the functions it is in") {
  REQUIRE(reserve_stack_signal(0));
  busy_thread busy(true);
  thread_stack stack;
  pthread_t inspected{};
  REQUIRE(take_stack_of(busy.handle(), 60s, agree, &inspected, stack));
  CHECK(pthread_equal(inspected, busy.handle()));
  std::vector<std::string> names;
  for (const std::uintptr_t frame : stack.frames())
    names.push_back(name_of_code(frame));
  CHECK(std::ranges::any_of(names, [](const std::string& name) {
    return name.find("function_that_is_looked_for()+0x") != std::string::npos;
  }));
}

TEST_CASE("a thread whose handler declines, or that takes no signals, gives no stack") {
  REQUIRE(reserve_stack_signal(0));
  thread_stack stack;
  {
    busy_thread busy(true);
    CHECK_FALSE(take_stack_of(busy.handle(), 60s, disagree, nullptr, stack));
  }
  {
    busy_thread deaf(false);
    CHECK_FALSE(take_stack_of(deaf.handle(), 1ms, disagree, nullptr, stack));
  }
  CHECK(stack.frames().empty());
}

TEST_CASE("the signal for stacks is one that nobody else uses, and stays") {
  REQUIRE(reserve_stack_signal(0));
  CHECK(reserve_stack_signal(SIGTERM)); // the first one has decided
  int handlers = 0;
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
    struct sigaction action{};
    sigaction(signal, nullptr, &action);
    handlers += action.sa_handler != SIG_DFL ? 1 : 0;
  }
  CHECK(handlers == 1);
}

TEST_CASE("an address outside of all code is a number") { CHECK(name_of_code(16) == "0x10"); }
