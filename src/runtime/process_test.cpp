#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

using log_lines = std::vector<std::string>;

task<> collect(process& self, log_lines* out) {
  [[maybe_unused]] const pid me = self.self();
  for (;;) {
    auto m = co_await self.receive();
    out->push_back(to_string(m.body()));
  }
}

} // namespace

TEST_CASE("messages of one sender arrive in order, on one scheduler and across two") {
  for (const std::size_t there : {0U, 1U}) {
    world w(2);
    std::vector<std::int64_t> got;
    const pid sink = w.spawn_on(there, [&got](process& self) -> task<> {
      for (std::int64_t i = 0; i < 10000; ++i) {
        auto m = co_await self.receive();
        got.push_back(m.body().to_int64().value());
      }
    });
    w.spawn([sink](process& self) -> task<> {
      auto next = std::int64_t{0};
      for (; next < 10000; ++next)
        self.send(sink, term(next));
      co_return;
    });
    w.settle();
    REQUIRE(got.size() == 10000);
    for (std::size_t i = 0; i < got.size(); ++i)
      REQUIRE(got[i] == static_cast<std::int64_t>(i));
    CHECK_FALSE(w.alive(sink));
  }
}

TEST_CASE("a selective receive takes the match and leaves the others in order") {
  world w;
  log_lines out;
  const pid p = w.spawn([&out](process& self) -> task<> {
    const auto is_c = [](term_ref m) { return m.is(atom("c")); };
    auto first = co_await self.receive(is_c);
    out.push_back(to_string(first.body()));
    for (int i = 0; i < 3; ++i) {
      auto next = co_await self.receive();
      out.push_back(to_string(next.body()));
    }
  });
  for (const char* name : {"a", "b"})
    w.system.at(0).send({}, p, term(atom(std::string_view(name))));
  w.settle();
  CHECK(out.empty());
  for (const char* name : {"c", "d"})
    w.system.at(0).send({}, p, term(atom(std::string_view(name))));
  w.settle();
  CHECK(out == log_lines{"c", "a", "b", "d"});
}

TEST_CASE("a receive with a time-out gives an empty message when time is up, and not before") {
  world w;
  bool timed_out = false;
  w.spawn([&timed_out](process& self) -> task<> {
    auto m = co_await self.receive(20ms);
    timed_out = !m;
  });
  w.pass(19ms);
  CHECK_FALSE(timed_out);
  w.pass(1ms);
  CHECK(timed_out);
}

TEST_CASE("a receive with time-out zero looks and does not wait") {
  world w;
  log_lines out;
  const pid p = w.spawn([&out](process& self) -> task<> {
    auto nothing = co_await self.receive(0ms);
    out.push_back(nothing ? "something" : "nothing");
    auto wait = co_await self.receive();
    auto more = co_await self.receive(0ms);
    out.push_back(more ? to_string(more.body()) : "nothing");
  });
  w.settle();
  w.system.at(0).send({}, p, term(1));
  w.system.at(0).send({}, p, term(2));
  w.settle();
  CHECK(out == log_lines{"nothing", "2"});
}

TEST_CASE("a message that is late for one receive is there for the next") {
  world w;
  log_lines out;
  const pid p = w.spawn([&out](process& self) -> task<> {
    auto first = co_await self.receive(10ms);
    out.push_back(first ? "early" : "timeout");
    auto second = co_await self.receive(10ms);
    out.push_back(second ? to_string(second.body()) : "timeout");
  });
  w.pass(10ms);
  w.system.at(0).send({}, p, term(7));
  w.settle();
  CHECK(out == log_lines{"timeout", "7"});
}

TEST_CASE("an exception ends the process with its class and text as reason") {
  world w;
  log_lines out;
  const pid watcher = w.spawn(collect, &out);
  w.spawn([watcher](process& self) -> task<> {
    static_cast<void>(self.spawn_monitor([](process&) -> task<> {
      auto text = std::string("out of luck");
      throw std::runtime_error(text);
      co_return;
    }));
    auto m = co_await self.receive();
    self.send(watcher, term::tuple({m.body().element(0), m.body().element(4)}));
  });
  w.settle();
  CHECK(out == log_lines{R"({'DOWN',{'std::runtime_error',<<"out of luck">>}})"});
}

TEST_CASE("exit ends the process at once with its reason, through nested coroutines") {
  struct nested {
    static task<int> deep(process& self) {
      auto reason = term::tuple({atom("my"), atom("reason")});
      self.exit(reason);
      co_return 1;
    }
    static task<> top(process& self) {
      auto unreachable = co_await deep(self);
      self.send("nobody", term(unreachable));
    }
  };
  world w;
  log_lines out;
  const pid watcher = w.spawn(collect, &out);
  w.spawn([watcher](process& self) -> task<> {
    static_cast<void>(self.spawn_monitor(nested::top));
    auto m = co_await self.receive();
    self.send(watcher, m.body());
  });
  w.settle();
  REQUIRE(out.size() == 1);
  CHECK(out[0].ends_with("{my,reason}}"));
}

TEST_CASE("names: registered, found, sent to, freed by the end of the process") {
  world w;
  log_lines out;
  const pid p = w.spawn(collect, &out);
  bool first = false;
  bool second = true;
  w.spawn([&, p](process& self) -> task<> {
    first = self.register_name("collector", p);
    second = self.register_name("collector");
    self.send("collector", atom("hello"));
    auto pause = co_await self.receive(1ms);
    self.exit(p, atoms::kill);
  });
  w.pass(1ms);
  CHECK(first);
  CHECK_FALSE(second);
  CHECK(out == log_lines{"hello"});
  CHECK_FALSE(w.system.whereis("collector"));
}

TEST_CASE("any process may take a name back, and its owner may have another one then") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  std::vector<bool> owner_had;
  const pid owner = w.spawn_on(there, [&](process& self) -> task<> {
    owner_had.push_back(self.register_name("first"));
    for (;;) {
      auto again = co_await self.receive();
      owner_had.push_back(self.register_name("second"));
    }
  });
  w.settle();
  std::vector<bool> taken;
  w.spawn([&](process& self) -> task<> {
    taken.push_back(self.unregister_name("first"));
    taken.push_back(self.unregister_name("first"));
    taken.push_back(self.register_name("first"));
    self.send(owner, atom("again"));
    self.send(owner, atom("again"));
    auto never = co_await self.receive();
  });
  w.settle();
  CHECK(taken == std::vector{true, false, true});
  CHECK(owner_had == std::vector{true, true, false});
  CHECK(w.system.whereis("second") == owner);
  CHECK(w.system.whereis("first") != owner);
}

TEST_CASE("send_after delivers when its time has come; cancel_timer tells what was left") {
  world w;
  log_lines out;
  std::optional<duration> left;
  std::optional<duration> late;
  w.spawn([&](process& self) -> task<> {
    self.send_after(30ms, self.self(), atom("tick"));
    const reference other = self.send_after(50ms, self.self(), atom("never"));
    auto m = co_await self.receive();
    out.push_back(to_string(m.body()));
    left = self.cancel_timer(other);
    late = self.cancel_timer(other);
    auto nothing = co_await self.receive(100ms);
    out.push_back(nothing ? "something" : "nothing");
  });
  w.pass(30ms);
  CHECK(left == duration(20ms));
  CHECK_FALSE(late);
  w.pass(100ms);
  CHECK(out == log_lines{"tick", "nothing"});
}

TEST_CASE("start_timer names the timer in its message; read_timer tells what is left") {
  world w;
  bool done = false;
  w.spawn([&](process& self) -> task<> {
    const reference timer = self.start_timer(30ms, self.self(), atom("wake"));
    CHECK(self.read_timer(timer) == duration(30ms));
    CHECK_FALSE(self.read_timer(self.make_reference()));
    auto m = co_await self.receive(any_of<timer_expired>);
    const auto expired = m.as<timer_expired>();
    CHECK(expired->timer == timer);
    CHECK(expired->message.is(atom("wake")));
    CHECK_FALSE(self.read_timer(timer));
    // Its slot has another timer now.
    const reference next = self.send_after(1s, self.self(), atom("next"));
    CHECK_FALSE(self.cancel_timer(timer));
    CHECK(self.cancel_timer(next) == duration(1s));
    done = true;
  });
  w.settle();
  CHECK_FALSE(done);
  w.pass(30ms);
  CHECK(done);
}

TEST_CASE("an interval goes on until it is cancelled, or its process has ended") {
  world w;
  log_lines out;
  const pid sink = w.spawn(collect, &out);
  std::optional<duration> left;
  w.spawn([&, sink](process& self) -> task<> {
    const reference timer = self.send_interval(10ms, sink, atom("tick"));
    CHECK_THROWS(self.send_interval(0ms, sink, atom("never")));
    auto none = co_await self.receive(35ms);
    left = self.cancel_timer(timer);
    self.send_interval(10ms, sink, atom("tock"));
    auto other = co_await self.receive(15ms);
  });
  w.settle();
  for (int i = 0; i < 20; ++i)
    w.pass(5ms);
  CHECK(out == log_lines{"tick", "tick", "tick", "tock"});
  CHECK(left == duration(5ms));
  CHECK(w.system.at(0).timers().size() == 0);
}

TEST_CASE("a process that never waits does not keep others from running") {
  world w;
  bool ran = false;
  const pid greedy = w.spawn([](process& self) -> task<> {
    const pid me = self.self();
    self.send(me, term(0));
    for (;;) {
      auto m = co_await self.receive();
      self.send(me, m.body());
    }
  });
  w.spawn([&ran](process&) -> task<> {
    const bool yes = true;
    ran = yes;
    co_return;
  });
  for (int i = 0; i < 3; ++i)
    w.system.at(0).round();
  CHECK(ran);
  CHECK(w.alive(greedy));
}

TEST_CASE("sending to the dead, the unknown and the never born is nothing but a dead letter") {
  world w(2);
  const pid dead = w.spawn([](process&) -> task<> {
    const int nothing = 0;
    static_cast<void>(nothing);
    co_return;
  });
  w.settle();
  auto& s = w.system.at(0);
  s.send({}, dead, term(1));
  s.send({}, "no_such_name", term(1));
  s.send({}, pid{dead.node, 0x0fffffff, 3, dead.creation}, term(1));
  s.send({}, pid{dead.node, dead.id, dead.serial, 77}, term(1));
  w.settle();
  CHECK(w.system.dead_letters == 4);
}

TEST_CASE("a pid is never used twice") {
  world w;
  const auto nothing = [](process&) -> task<> {
    const int zero = 0;
    static_cast<void>(zero);
    co_return;
  };
  const pid first = w.spawn(nothing);
  w.settle();
  const pid second = w.spawn(nothing);
  CHECK(first != second);
  CHECK(first.id == second.id);
  CHECK_FALSE(w.alive(first));
  CHECK(w.alive(second));
}

TEST_CASE("a message that overtakes the spawn of its receiver waits for it") {
  world w(3);
  std::vector<std::int64_t> got;
  auto& there = w.system.at(2);
  const pid child = there.reserve();
  // The receiver's pid reaches a third scheduler before the spawn signal arrives.
  w.system.at(1).send({}, child, term(1));
  w.system.at(1).round();
  w.system.at(2).round();
  there.handle({.kind = runtime::signal_kind::spawn,
                .to = child,
                .what = make_body([&](process& self) -> task<> {
                  auto m = co_await self.receive();
                  got.push_back(m.body().to_int64().value());
                })});
  w.settle();
  CHECK(got == std::vector<std::int64_t>{1});
  CHECK(w.system.dead_letters == 0);
}

TEST_CASE("a process that yields lets others run, once its slice is used up") {
  world w;
  std::vector<int> turns;
  for (int number = 0; number < 2; ++number)
    w.spawn([&turns, number](process& self) -> task<> {
      for (int i = 0; i < 5000; ++i) {
        if (turns.empty() || turns.back() != number)
          turns.push_back(number);
        co_await self.yield();
      }
    });
  w.settle();
  CHECK(turns == std::vector<int>{0, 1, 0, 1, 0, 1});
}

TEST_CASE("an exit signal reaches a process that only yields") {
  world w;
  const pid busy = w.spawn([](process& self) -> task<> {
    [[maybe_unused]] const pid me = self.self();
    for (;;)
      co_await self.yield();
  });
  w.system.at(0).round();
  CHECK(w.alive(busy));
  w.spawn([busy](process& self) -> task<> {
    self.exit(busy, term(atoms::kill));
    co_return;
  });
  w.settle();
  CHECK_FALSE(w.alive(busy));
}

TEST_CASE("sending costs reductions, so that a sender's receiver gets its turn") {
  world w;
  std::size_t most = 0, waiting = 0;
  const pid sink = w.spawn([&](process& self) -> task<> {
    for (int i = 0; i < 20000; ++i) {
      auto m = co_await self.receive();
      --waiting;
    }
  });
  w.spawn([&, sink](process& self) -> task<> {
    for (int i = 0; i < 20000; ++i) {
      self.send(sink, term(i));
      most = std::max(most, ++waiting);
      co_await self.yield();
    }
  });
  w.settle();
  CHECK_FALSE(w.alive(sink));
  CHECK(most <= 4000);
}

TEST_CASE("a receive behind a mark finds what came since, and leaves what was there") {
  world w;
  log_lines out;
  const pid p = w.spawn([&out](process& self) -> task<> {
    const auto any = [](term_ref) { return true; };
    self.send(self.self(), atom("old"));
    const receive_mark mark = self.mark();
    auto none = co_await self.receive(any, 1ms, mark);
    CHECK_FALSE(none);
    self.send(self.self(), atom("new"));
    auto found = co_await self.receive(any, 1ms, mark);
    out.push_back(to_string(found.body()));
    CHECK_FALSE(self.take(any, mark));
    auto rest = co_await self.receive();
    out.push_back(to_string(rest.body()));
  });
  w.pass(1ms);
  CHECK_FALSE(w.alive(p));
  CHECK(out == log_lines{"new", "old"});
}

TEST_CASE("a sender that floods another scheduler waits until that one has caught up") {
  world w(2);
  constexpr std::int64_t total = 200'000;
  std::int64_t sent = 0, received = 0;
  bool in_order = true;
  const pid sink = w.spawn_on(1, [&](process& self) -> task<> {
    for (; received < total; ++received) {
      auto m = co_await self.receive();
      in_order = in_order && m.body().to_int64() == received;
    }
  });
  w.spawn([&, sink](process& self) -> task<> {
    for (; sent < total; ++sent) {
      self.send(sink, term(sent));
      co_await self.yield();
    }
  });
  bool others_run = false;
  // The other scheduler does not run.
  while (w.system.at(0).round()) {
  }
  CHECK(sent > 10'000);
  CHECK(sent < 25'000);
  w.spawn([&](process&) -> task<> {
    others_run = true;
    co_return;
  });
  while (w.system.at(0).round()) {
  }
  CHECK(others_run);
  w.settle();
  CHECK(received == total);
  CHECK(in_order);
}

TEST_CASE("a sender is woken when there is room, though others have filled the lane meanwhile") {
  memory_network network;
  std::vector<memory_driver*> drivers;
  runtime::system system({}, 2, [&] {
    auto made = std::make_unique<memory_driver>(network);
    drivers.push_back(made.get());
    return made;
  });
  auto& here = system.at(0);
  auto& there = system.at(1);
  const pid sink = there
                       .spawn(make_body([](process& self) -> task<> {
                                for (;;)
                                  auto m = co_await self.receive();
                              }),
                              {})
                       .id();
  bool done = false;
  here.spawn(make_body([&](process& self) -> task<> {
               for (int i = 0; i < 20'000; ++i) {
                 self.send(sink, term(i));
                 co_await self.yield();
               }
               done = true;
             }),
             {});
  while (here.round()) {
  }
  // The other scheduler makes room, and while this one runs the lane fills up again.
  here.spawn(make_body([&](process& self) -> task<> {
               for (int i = 0; i < 4; ++i)
                 there.round();
               for (int i = 0; i < 6000; ++i)
                 self.send(sink, term(i));
               co_return;
             }),
             {});
  bool asleep = false, slept_on = false;
  drivers[0]->network_waits = [&](time_point until) {
    if (std::exchange(asleep, true)) { // nobody has woken it
      slept_on = !done;
      return here.stop();
    }
    while (there.round()) {
    }
    drivers[0]->wait(until);
    asleep = false;
  };
  here.run();
  CHECK(done);
  CHECK_FALSE(slept_on);
}

TEST_CASE("a sender that waits for another scheduler ends with its node") {
  world w(2);
  const pid sink = w.spawn_on(1, [](process& self) -> task<> {
    auto never = co_await self.receive([](term_ref) { return false; });
  });
  w.spawn([sink](process& self) -> task<> {
    for (int i = 0;; ++i) {
      self.send(sink, term(i));
      co_await self.yield();
    }
  });
  while (w.system.at(0).round()) {
  }
  w.system.stop();
  CHECK(w.system.process_count == 0);
}

TEST_CASE("a body may ask for more alignment than others") {
  struct alignas(64) wide final : body {
    explicit wide(bool* seen) : aligned(seen) {}
    outcome run(process&) override {
      *aligned = reinterpret_cast<std::uintptr_t>(this) % 64 == 0;
      return outcome::finished;
    }
    bool* aligned;
  };
  world w;
  for (int i = 0; i < 5; ++i) {
    bool aligned = false;
    w.system.at(0).spawn(owned_body(new wide(&aligned)), {});
    w.settle();
    CHECK(aligned);
  }
}

TEST_CASE("a body that leaves messages where they are runs again when another one comes") {
  struct choosy final : body {
    explicit choosy(int* count) : runs(count) {}
    outcome run(process& self) override {
      // Ends sometime, for the sake of a test that would not.
      if (++*runs == 100 || self.take([](term_ref m) { return m.is(atom("stop")); }))
        return outcome::finished;
      return outcome::waiting;
    }
    int* runs;
  };
  world w;
  int runs = 0;
  const pid p = w.system.at(0).spawn(owned_body(new choosy(&runs)), {}).id();
  for (const char* name : {"one", "two"}) {
    w.system.at(0).send({}, p, term(atom(std::string_view(name))));
    w.settle();
  }
  CHECK(runs == 2);
  CHECK(w.alive(p));
  w.system.at(0).send({}, p, term(atom("stop")));
  w.settle();
  CHECK(runs == 3);
  CHECK_FALSE(w.alive(p));
}
