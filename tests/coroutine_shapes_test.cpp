// Where may co_await stand? g++ 12 miscompiles it in the condition of if, while, do and switch when
// the outermost scope of the body has no local variable: of the 13 spellings below it gets 10 wrong
// at -O0, and 8 at -O2. This test is built at both levels. It proves that the cure, which the
// project's code follows everywhere, is right: the body begins with a named local, and co_await
// initialises a named local. What the compiler makes of the other spellings is only reported.
#include <catch2/catch_test_macros.hpp>

#include <array>
#include <coroutine>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

namespace {

// A coroutine that is resumed by hand.
class stepper {
public:
  struct promise_type {
    stepper get_return_object() {
      return stepper{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit stepper(std::coroutine_handle<promise_type> handle) : handle_{handle} {}
  stepper(const stepper&) = delete;
  stepper& operator=(const stepper&) = delete;
  ~stepper() { handle_.destroy(); }

  void resume() { handle_.resume(); }
  bool done() const { return handle_.done(); }

private:
  std::coroutine_handle<promise_type> handle_;
};

std::uint64_t value = 1;

// Two awaiters, as the size of the awaiter matters to what g++ 12 does.
struct empty_awaiter {
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<>) {}
  std::uint64_t await_resume() { return value; }
};
struct sized_awaiter {
  int state = 7;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<>) {}
  std::uint64_t await_resume() { return value; }
};
empty_awaiter empty() { return {}; }
sized_awaiter sized() { return {}; }

// Every coroutine below has to end when `value` has become 0, and not before.
struct shape {
  std::string_view spelling;
  stepper (*risky)();
  stepper (*cured)();
};

stepper risky_if() {
  for (;;) {
    if (co_await empty() == 0)
      co_return;
  }
}
stepper cured_if() {
  std::uint64_t v = 0;
  for (;;) {
    v = co_await empty();
    if (v == 0)
      co_return;
  }
}

stepper risky_if_sized() {
  for (;;) {
    if (co_await sized() == 0)
      co_return;
  }
}
stepper cured_if_sized() {
  std::uint64_t v = 0;
  for (;;) {
    v = co_await sized();
    if (v == 0)
      co_return;
  }
}

stepper risky_if_break() {
  for (;;) {
    if ((co_await empty()) == 0)
      break;
  }
}
stepper cured_if_break() {
  const std::uint64_t last = 0;
  for (;;) {
    const auto v = co_await empty();
    if (v == last)
      break;
  }
}

stepper risky_while() {
  while (co_await empty() != 0) {
  }
}
stepper cured_while() {
  auto v = co_await empty();
  while (v != 0)
    v = co_await empty();
}

stepper risky_while_sized() {
  while (co_await sized()) {
  }
}
stepper cured_while_sized() {
  auto v = co_await sized();
  while (v)
    v = co_await sized();
}

stepper risky_if_initialiser() {
  for (;;)
    if (auto v = co_await empty(); v == 0)
      co_return;
}
stepper cured_if_initialiser() {
  const std::uint64_t last = 0;
  for (;;) {
    auto v = co_await empty();
    if (v == last)
      co_return;
  }
}

stepper risky_while_true() {
  while (true) {
    if (co_await empty() == 0)
      co_return;
  }
}
stepper cured_while_true() {
  const std::uint64_t last = 0;
  while (true) {
    const auto v = co_await empty();
    if (v == last)
      co_return;
  }
}

stepper risky_flag() {
  bool go = true;
  while (go) {
    if (co_await empty() == 0)
      go = false;
  }
}
stepper cured_flag() {
  bool go = true;
  while (go) {
    const auto v = co_await empty();
    go = v != 0;
  }
}

stepper risky_do() {
  do {
  } while (co_await empty() != 0);
}
stepper cured_do() {
  std::uint64_t v = 0;
  do {
    v = co_await empty();
  } while (v != 0);
}

stepper risky_switch() {
  for (;;) {
    switch (co_await empty()) {
    case 0:
      co_return;
    default:
      break;
    }
  }
}
stepper cured_switch() {
  std::uint64_t v = 0;
  for (;;) {
    v = co_await empty();
    switch (v) {
    case 0:
      co_return;
    default:
      break;
    }
  }
}

stepper risky_if_else() {
  for (;;) {
    if (co_await empty() == 0) {
      co_return;
    } else {
      ++value;
      --value;
    }
  }
}
stepper cured_if_else() {
  const std::uint64_t last = 0;
  for (;;) {
    const auto v = co_await empty();
    if (v == last) {
      co_return;
    } else {
      ++value;
      --value;
    }
  }
}

stepper risky_inner_local() {
  for (;;) {
    const std::uint64_t v = co_await empty();
    if (v == 0)
      co_return;
  }
}
stepper cured_inner_local() {
  const std::uint64_t last = 0;
  for (;;) {
    const std::uint64_t v = co_await empty();
    if (v == last)
      co_return;
  }
}

stepper risky_not() {
  for (;;) {
    if (!co_await empty())
      co_return;
  }
}
stepper cured_not() {
  bool more = true;
  for (;;) {
    more = co_await empty() != 0;
    if (!more)
      co_return;
  }
}

constexpr std::array<shape, 13> shapes{{
    {"for { if (co_await ..) return }", risky_if, cured_if},
    {"the same, an awaiter with state", risky_if_sized, cured_if_sized},
    {"for { if ((co_await ..)) break }", risky_if_break, cured_if_break},
    {"while (co_await ..)", risky_while, cured_while},
    {"the same, an awaiter with state", risky_while_sized, cured_while_sized},
    {"if (auto v = co_await ..; v)", risky_if_initialiser, cured_if_initialiser},
    {"while (true) { if (co_await ..) }", risky_while_true, cured_while_true},
    {"local; while (local) { if (co_await) }", risky_flag, cured_flag},
    {"do {} while (co_await ..)", risky_do, cured_do},
    {"switch (co_await ..)", risky_switch, cured_switch},
    {"if (co_await ..) {} else {}", risky_if_else, cured_if_else},
    {"for { auto v = co_await ..; if (v) }", risky_inner_local, cured_inner_local},
    {"if (!co_await ..)", risky_not, cured_not},
}};

// Goes round three times while `value` is 1, and once more after it has become 0.
bool ends_when_told(stepper (*start)()) {
  value = 1;
  stepper body = start();
  for (int round = 0; round < 3; ++round) {
    body.resume();
    if (body.done())
      return false;
  }
  value = 0;
  body.resume();
  return body.done();
}

// Tries it in a process of its own, as it may crash or go round for ever.
std::string_view outcome(stepper (*start)()) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (const int crash : {SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGABRT})
      std::signal(crash, SIG_DFL);
    ::alarm(5);
    ::_exit(ends_when_told(start) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status))
    return "crashes";
  return WEXITSTATUS(status) == 0 ? "right" : "wrong";
}

TEST_CASE("a named local at the top and co_await outside conditions is right in all shapes") {
  for (const auto& s : shapes) {
    INFO(s.spelling);
    CHECK(ends_when_told(s.cured));
  }
}

TEST_CASE("what this compiler makes of co_await in conditions") {
  for (const auto& s : shapes)
    std::printf("  %-42.*s %s\n", static_cast<int>(s.spelling.size()), s.spelling.data(),
                outcome(s.risky).data());
}

} // namespace
