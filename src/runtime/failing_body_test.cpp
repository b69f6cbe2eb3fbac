// Bodies that fail: whatever they throw ends their own process, and nobody else.
#include "etf/sanitizer.hpp"
#include "runtime/test_world.hpp"
#include "support/log_capture.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>

#if defined(ERLPP_ASAN) || defined(__SANITIZE_THREAD__)
#define ENDS_WITHOUT_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ENDS_WITHOUT_MEMORY 1
#endif
#endif

using namespace erl;
using namespace std::chrono_literals;
using erl::test::silence;
using erl::test::world;

namespace {

using log_lines = std::vector<std::string>;

/// Asks for more memory than any machine has.
void take_too_much() {
#ifdef ENDS_WITHOUT_MEMORY // the sanitizers end the program rather than throw
  throw std::bad_alloc();
#else
  const std::vector<char> all(std::size_t{1} << 60U);
#endif
}

/// Answers every pid with its own one.
task<> serve(process& self) {
  const pid me = self.self();
  for (;;) {
    auto m = co_await self.receive();
    if (const auto from = m.as<pid>())
      self.send(*from, me);
  }
}

task<> ask(process& self, pid server, bool* served) {
  self.send(server, self.self());
  auto answer = co_await self.receive(1s);
  *served = answer.as<pid>() == server;
}

/// What those who are linked to a process, or watch it, on both schedulers, hear of its end.
struct end_heard {
  log_lines reasons;
  bool others_are_served = false;
};

task<> hear(process& self, pid failing, bool linked, log_lines* reasons) {
  self.trap_exit(true);
  if (linked)
    self.link(failing);
  else
    self.monitor(failing);
  auto m = co_await self.receive(1s);
  if (m && m.body().is_tuple())
    reasons->push_back(to_string(m.body().element(m.body().arity() - 1)));
}

/// Runs a body that ends when it is told anything.
template <class Function> end_heard end_of(Function body) {
  const silence quiet;
  world w(2);
  end_heard result;
  const pid server = w.spawn(serve);
  const pid failing = w.spawn(body);
  for (const std::size_t scheduler : {0U, 1U})
    for (const bool linked : {false, true})
      w.spawn_on(scheduler, hear, failing, linked, &result.reasons);
  w.settle();
  w.system.at(0).send({}, failing, term(1));
  w.settle();
  CHECK_FALSE(w.alive(failing));
  w.spawn_on(1, ask, server, &result.others_are_served);
  w.settle();
  return result;
}

void check_reason(const end_heard& heard, const std::string& reason) {
  CHECK(heard.reasons == log_lines(4, reason));
  CHECK(heard.others_are_served);
}

#ifndef ENDS_WITHOUT_MEMORY
/// Leaves this program room for `bytes` more.
class address_space_limit {
public:
  explicit address_space_limit(std::size_t bytes) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    ::getrlimit(RLIMIT_AS, &before_);
    rlimit now = before_;
    now.rlim_cur = pages * 4096 + bytes;
    ::setrlimit(RLIMIT_AS, &now);
  }
  address_space_limit(const address_space_limit&) = delete;
  address_space_limit& operator=(const address_space_limit&) = delete;
  ~address_space_limit() { ::setrlimit(RLIMIT_AS, &before_); }

private:
  rlimit before_{};
};
#endif

} // namespace

TEST_CASE("a body that asks for too much memory ends its own process") {
  check_reason(end_of([](process& self) -> task<> {
                 auto go = co_await self.receive();
                 take_too_much();
               }),
               "{'std::bad_alloc',<<\"std::bad_alloc\">>}");
}

#ifndef ENDS_WITHOUT_MEMORY
TEST_CASE("a body that takes all the memory there is ends, and gives it back") {
  check_reason(end_of([](process& self) -> task<> {
                 auto go = co_await self.receive();
                 const address_space_limit limit(std::size_t{64} << 20U);
                 std::vector<std::vector<char>> taken;
                 for (;;)
                   taken.emplace_back(std::size_t{1} << 20U);
               }),
               "{'std::bad_alloc',<<\"std::bad_alloc\">>}");
}
#endif

TEST_CASE("what a body throws need not be a std::exception") {
  check_reason(end_of([](process& self) -> task<> {
                 auto go = co_await self.receive();
                 throw 42;
               }),
               "{int,<<\"(not a std::exception)\">>}");
}

TEST_CASE("bodies that throw the same again and again are not all logged") {
  struct tiresome {};
  const erl::test::log_capture log;
  world w;
  for (int i = 0; i < 20; ++i)
    w.spawn([](process& self) -> task<> {
      auto none = co_await self.receive(0s);
      throw tiresome{};
    });
  w.settle();
  CHECK(w.system.process_count == 0);
  CHECK(std::ranges::count_if(log.lines(), [](const std::string& line) {
          return line.find("ended by an exception: ") != std::string::npos;
        }) == 5);
}

TEST_CASE("a body that is no coroutine may throw as well") {
  struct thrower final : body {
    outcome run(process& self) override {
      if (const auto go = self.take([](term_ref) { return true; }))
        throw std::logic_error("no");
      return outcome::waiting;
    }
  };
  const silence quiet;
  world w;
  log_lines reasons;
  const pid failing = w.system.at(0).spawn(owned_body(new thrower), {}).id();
  w.spawn(hear, failing, false, &reasons);
  w.settle();
  w.system.at(0).send({}, failing, term(1));
  w.settle();
  CHECK(reasons == log_lines{"{'std::logic_error',<<\"no\">>}"});
}

TEST_CASE("a body that throws in the middle of its messages takes those that wait with it") {
  int handled = 0;
  check_reason(end_of([&](process& self) -> task<> {
                 auto go = co_await self.receive();
                 for (int i = 0; i < 10; ++i)
                   self.send(self.self(), i);
                 for (;;) {
                   auto m = co_await self.receive();
                   if (++handled == 5)
                     throw std::runtime_error("the fifth");
                 }
               }),
               "{'std::runtime_error',<<\"the fifth\">>}");
  CHECK(handled == 5);
}

TEST_CASE("a receive whose condition throws ends its process, whenever the message comes") {
  const auto picky = [](term_ref) -> bool { throw std::runtime_error("none of this"); };
  for (const bool early : {false, true})
    check_reason(end_of([&](process& self) -> task<> {
                   if (early)
                     auto go = co_await self.receive();
                   if (early)
                     self.send(self.self(), 1);
                   auto m = co_await self.receive(picky);
                 }),
                 "{'std::runtime_error',<<\"none of this\">>}");
}

TEST_CASE("messages for nobody, in quantity, cost nobody else anything") {
  constexpr int each = 20'000;
  world w(2);
  const pid dead = w.spawn_on(1, [](process& self) -> task<> {
    [[maybe_unused]] const pid me = self.self();
    co_return;
  });
  pid full;
  w.spawn([&](process& self) -> task<> {
    const auto never_look = [](process& it) -> task<> {
      auto never = co_await it.receive([](term_ref) { return false; });
    };
    full = self.spawn_body(make_body(never_look), {.mailbox = {.messages = 10}, .scheduler = 1})
               .process;
    co_return;
  });
  const pid server = w.spawn_on(1, serve);
  w.settle();
  bool done = false;
  w.spawn([&](process& self) -> task<> {
    for (int i = 0; i < each; ++i) {
      self.send(dead, i);
      self.send("no such name", i);
      self.send(self.make_reference(), i);
      self.send(full, i);
      co_await self.yield();
    }
    co_await ask(self, server, &done);
  });
  w.settle();
  CHECK(done);
  CHECK(w.system.dead_letters == 4 * each - 10);
  CHECK(w.alive(full));
  w.system.at(1).each_process(
      [&](runtime::process_block& p) { CHECK(p.inbox.size() == (p.id() == full ? 10 : 0)); });
}
