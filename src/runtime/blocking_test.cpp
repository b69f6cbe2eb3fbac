#include "runtime/test_world.hpp"
#include <erl/blocking.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/process_info.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

/// Runs jobs when the test says so.
class by_hand final : public runtime::blocking_executor {
public:
  void submit(pool where, const runtime::shared_job& job) override {
    jobs.push_back(job);
    places.push_back(where);
  }
  void stop() override { jobs.clear(); }
  void run_all() {
    for (const auto& job : std::exchange(jobs, {}))
      job->run();
  }

  std::vector<runtime::shared_job> jobs;
  std::vector<pool> places;
};

/// A world whose blocking calls run by hand.
struct blocking_world : world {
  explicit blocking_world(std::uint32_t schedulers = 1) : world(schedulers) {
    auto executor = std::make_unique<by_hand>();
    calls = executor.get();
    system.set_blocking(std::move(executor));
  }
  by_hand* calls = nullptr;
};

} // namespace

TEST_CASE("a blocking call gives its result, and the process waits for it and nothing else") {
  blocking_world w;
  std::vector<std::string> out;
  const pid p = w.spawn([&out](process& self) -> task<> {
    const std::string name = "a text that is too long to lie inside of the string itself";
    const auto length = [name] { return name.size(); };
    auto size = co_await blocking(self, length);
    out.push_back(std::to_string(size));
    auto m = co_await self.receive();
    out.push_back(to_string(m.body()));
  });
  w.settle();
  REQUIRE(w.calls->jobs.size() == 1);
  CHECK(w.calls->places == std::vector{pool::io});
  w.system.at(0).send({}, p, term(atom("early")));
  w.settle(); // would never end if the message kept the process awake
  CHECK(out.empty());
  w.calls->run_all();
  w.settle();
  CHECK(out == std::vector<std::string>{"58", "early"});
}

TEST_CASE("a blocking call says which pool it wants, and need not return anything") {
  blocking_world w;
  int ran = 0;
  bool went_on = false;
  w.spawn([&ran, &went_on](process& self) -> task<> {
    const auto add = [&ran] { ++ran; };
    co_await blocking(self, add, pool::cpu);
    co_await blocking(self, add, pool::io);
    went_on = true;
  });
  for (int i = 0; i < 2; ++i) {
    w.settle();
    w.calls->run_all();
  }
  w.settle();
  CHECK(ran == 2);
  CHECK(went_on);
  CHECK(w.calls->places == std::vector{pool::cpu, pool::io});
}

TEST_CASE("what a blocking call takes and returns may be for moving only") {
  blocking_world w;
  int got = 0;
  w.spawn([&got](process& self) -> task<> {
    auto number = std::make_unique<int>(7);
    auto give = [number = std::move(number)]() mutable { return std::move(number); };
    auto back = co_await blocking(self, give);
    got = *back;
  });
  w.settle();
  w.calls->run_all();
  w.settle();
  CHECK(got == 7);
}

TEST_CASE("what a blocking call throws comes out of the co_await") {
  blocking_world w;
  std::string caught;
  const pid p = w.spawn([&caught](process& self) -> task<> {
    const auto fail = [] { throw std::runtime_error("no such file"); };
    try {
      co_await blocking(self, fail);
    } catch (const std::runtime_error& e) {
      caught = e.what();
    }
    auto m = co_await self.receive();
  });
  w.settle();
  w.calls->run_all();
  w.settle();
  CHECK(caught == "no such file");
  CHECK(w.alive(p));
}

TEST_CASE("an exit ends a process in a blocking call at once; the call ends and is dropped") {
  blocking_world w;
  const auto captured = std::make_shared<int>(0);
  bool ran = false;
  bool went_on = false;
  const pid p = w.spawn([captured, &ran, &went_on](process& self) -> task<> {
    const auto give = [share = captured, &ran] {
      ran = true;
      return share;
    };
    auto result = co_await blocking(self, give);
    went_on = true;
  });
  w.settle();
  w.spawn([p](process& self) -> task<> {
    self.exit(p, atoms::kill);
    co_return;
  });
  w.settle();
  CHECK_FALSE(w.alive(p));
  CHECK_FALSE(ran);
  CHECK(captured.use_count() == 2); // the test's and the call's
  w.calls->run_all();
  CHECK(ran);
  CHECK(captured.use_count() == 1); // before the scheduler does anything
  w.settle();
  CHECK_FALSE(went_on);
}

TEST_CASE("a result that crosses with the exit of its process is dropped") {
  blocking_world w;
  const auto captured = std::make_shared<int>(0);
  const pid p = w.spawn([captured](process& self) -> task<> {
    const auto give = [share = captured] { return share; };
    auto result = co_await blocking(self, give);
  });
  w.settle();
  w.calls->run_all();
  auto& home = w.system.at(0);
  home.handle({.kind = runtime::signal_kind::exit, .to = p, .body = term(atoms::kill)});
  w.settle();
  CHECK_FALSE(w.alive(p));
  CHECK(captured.use_count() == 1);
}

TEST_CASE("a process that traps exits finds them behind its blocking call") {
  blocking_world w;
  std::vector<std::string> out;
  const pid p = w.spawn([&out](process& self) -> task<> {
    self.trap_exit(true);
    auto one = co_await blocking(self, [] { return 1; });
    out.push_back(std::to_string(one));
    auto m = co_await self.receive();
    out.push_back(to_string(m.body().element(2)));
  });
  w.settle();
  w.spawn([p](process& self) -> task<> {
    self.exit(p, atoms::shutdown);
    co_return;
  });
  w.settle();
  CHECK(out.empty());
  w.calls->run_all();
  w.settle();
  CHECK(out == std::vector<std::string>{"1", "shutdown"});
}

TEST_CASE("a process that is about to end starts no blocking call") {
  blocking_world w;
  const pid p = w.spawn([](process& self) -> task<> {
    const pid me = self.self();
    self.spawn([me](process& child) -> task<> {
      child.exit(me, atoms::kill);
      co_return;
    });
    auto m = co_await self.receive(10ms);
  });
  const pid q = w.spawn([](process& self) -> task<> {
    const auto nothing = [] {};
    self.limit_mailbox({.messages = 0, .when_full = full_mailbox::kill});
    self.send(self.self(), atoms::ok);
    co_await blocking(self, nothing);
  });
  w.settle();
  CHECK_FALSE(w.alive(p));
  CHECK_FALSE(w.alive(q));
  CHECK(w.calls->jobs.empty());
}

TEST_CASE("a process in a blocking call is seen as waiting") {
  blocking_world w;
  std::string status;
  const pid p = w.spawn([](process& self) -> task<> {
    const auto nothing = [] {};
    co_await blocking(self, nothing);
  });
  w.spawn([p, &status](process& self) -> task<> {
    auto known = co_await info(self, p);
    status = known ? to_string(term(known->status)) : "dead";
  });
  w.settle();
  CHECK(status == "waiting");
}

TEST_CASE("a slice that is used up and then blocks still waits for its call") {
  blocking_world w;
  bool went_on = false;
  w.spawn([&went_on](process& self) -> task<> {
    const pid me = self.self();
    for (int i = 0; i < runtime::process_block::reductions_a_slice; ++i)
      self.send(me, atoms::ok);
    const auto nothing = [] {};
    co_await blocking(self, nothing);
    went_on = true;
  });
  w.settle();
  CHECK_FALSE(went_on);
  w.calls->run_all();
  w.settle();
  CHECK(went_on);
}

TEST_CASE("calls that never began, and processes that wait for them, end with the system") {
  const auto captured = std::make_shared<int>(0);
  {
    blocking_world w(2);
    for (std::size_t i = 0; i < 2; ++i)
      w.spawn_on(i, [captured](process& self) -> task<> {
        const auto give = [share = captured] { return share; };
        auto result = co_await blocking(self, give);
      });
    w.settle();
    CHECK(captured.use_count() == 7); // of each: its body's, its frame's, its call's
  }
  CHECK(captured.use_count() == 1);
}
