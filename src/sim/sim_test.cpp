#include "support/log_capture.hpp"
#include <erl/erl.hpp>
#include <erl/etf/print.hpp>
#include <erl/sim.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace erl;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using erl::test::silence;

struct add {
  std::int64_t amount = 0;
  using erl_shape = tagged_shape<"add">;
};
class counter : public gen_server<counter> {
public:
  using calls = messages<add>;
  std::int64_t handle_call(add request) { return count_ += request.amount; }

private:
  std::int64_t count_ = 0;
};

struct ping {
  pid from;
  std::int64_t number = 0;
  using erl_shape = tagged_shape<"ping">;
};
struct pong {
  std::int64_t number = 0;
  using erl_shape = tagged_shape<"pong">;
};
task<> answer(process& self) {
  self.register_name("answer");
  for (;;) {
    auto m = co_await self.receive(any_of<ping>);
    const auto question = *m.as<ping>();
    self.send(question.from, pong{question.number});
  }
}

supervisor counters() {
  return supervisor{one_for_one, {.intensity = 1, .period = 5s}, child<counter>("counter")};
}

} // namespace

TEST_CASE("simulated nodes connect, and their processes talk, in every order") {
  const silence quiet;
  sim::check({1, 200}, [](sim::world& world) {
    auto& a = world.add_node("a@sim");
    auto& b = world.add_node("b@sim");
    a.spawn(answer);
    world.settle();
    sim::probe test(b);
    for (std::int64_t i = 0; i < 10; ++i)
      test.send({"answer", "a@sim"}, ping{test.self(), i});
    for (std::int64_t i = 0; i < 10; ++i)
      CHECK(test.expect<pong>().number == i);
    CHECK(a.connected() == std::vector<std::string>{"b@sim"});
    CHECK(world.elapsed() == 0s);
  });
}

TEST_CASE("seeds choose different orders, and each its own again") {
  std::set<std::vector<std::int64_t>> orders;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::vector<std::int64_t> order[2];
    std::uint64_t trace[2];
    for (int i = 0; i < 2; ++i) {
      sim::world world(seed);
      auto& a = world.add_node("a@sim", {.schedulers = 2});
      sim::probe test(a);
      const auto one = [](process& self, pid& to, std::int64_t& number) -> task<> {
        const pid receiver = to;
        self.send(receiver, pong{number});
        co_return;
      };
      for (std::int64_t n = 0; n < 4; ++n)
        a.spawn(one, test.self(), n);
      for (int n = 0; n < 4; ++n)
        order[i].push_back(test.expect<pong>().number);
      trace[i] = world.trace();
    }
    CHECK(order[0] == order[1]);
    CHECK(trace[0] == trace[1]);
    orders.insert(order[0]);
  }
  CHECK(orders.size() > 5);
}

TEST_CASE("time passes when nothing else can happen") {
  sim::world world;
  auto& a = world.add_node("a@sim");
  sim::probe test(a);
  test.act([](process& self) { self.send_after(1h, self.self(), pong{1}); });
  CHECK_THROWS_AS(test.next(59min), sim::failure);
  CHECK(test.expect<pong>(2min).number == 1);
  CHECK(world.elapsed() == 1h);
  bool later = false;
  CHECK_FALSE(world.run_until([&] { return later; }, 10s));
  CHECK(world.elapsed() == 1h + 10s);
}

TEST_CASE("a supervisor starts its children and starts them again") {
  const silence quiet;
  sim::check({1, 50}, [](sim::world& world) {
    auto& a = world.add_node("a@sim");
    a.start(counters());
    const auto first = a.whereis("counter");
    REQUIRE(first);
    a.exit(*first, atom("kill"));
    world.settle();
    const auto second = a.whereis("counter");
    REQUIRE(second);
    CHECK(*first != *second);
    CHECK_FALSE(a.is_alive(*first));
  });
}

TEST_CASE("the network is late, stalls, splits and breaks as it is told") {
  const silence quiet;
  sim::check({1, 50}, [](sim::world& world) {
    auto& a = world.add_node("a@sim", {.tick_time = 4s});
    auto& b = world.add_node("b@sim", {.tick_time = 4s});
    a.spawn(answer);
    world.settle();
    const destination server{"answer", "a@sim"};
    sim::probe test(b);
    const auto ask = [&](std::int64_t number) { test.send(server, ping{test.self(), number}); };
    ask(1);
    test.expect<pong>();

    world.delay(a, b, 10ms);
    const duration before = world.elapsed();
    ask(2);
    test.expect<pong>();
    CHECK(world.elapsed() - before >= 20ms);

    world.stall(a, b, true);
    ask(3);
    test.expect_nothing(1s);
    world.stall(a, b, false);
    CHECK(test.expect<pong>().number == 3);

    test.act([](process& self) { self.monitor_node("a@sim"); });
    world.settle();
    world.partition(a, b, true);
    ask(4);
    CHECK(test.expect<nodedown>(6s).node == atom("a@sim"));
    world.partition(a, b, false);
    ask(5);
    CHECK(test.expect<pong>(10s).number == 5);

    test.act([](process& self) { self.monitor_node("a@sim"); });
    world.settle();
    world.cut(a, b);
    test.expect<nodedown>(0s);
  });
}

TEST_CASE("a node crashes, loses its power, and comes back as another one") {
  const silence quiet;
  sim::check({1, 50}, [](sim::world& world) {
    auto& a = world.add_node("a@sim", {.tick_time = 4s});
    auto& b = world.add_node("b@sim", {.tick_time = 4s});
    const pid first = a.spawn(answer);
    world.settle();
    sim::probe test(b);
    const auto watch = [&](const destination& who) {
      test.act([&](process& self) { self.monitor(who); });
    };
    watch(first);
    world.settle();
    a.crash();
    CHECK(test.expect<down>(0s).reason.is(atom("noconnection")));
    CHECK_FALSE(a.running());

    a.restart();
    a.spawn(answer);
    watch(first);
    CHECK(test.expect<down>().reason.is(atom("noproc")));
    watch({"answer", "a@sim"});
    test.expect_nothing(1s);
    a.power_off();
    CHECK(test.expect<down>(6s).reason.is(atom("noconnection")));
  });
}

TEST_CASE("a probe passes over what is allowed, and fails on what is not") {
  sim::world world;
  auto& a = world.add_node("a@sim");
  sim::probe test(a);
  test.allow<pong>();
  a.inject(test.self(), pong{1});
  a.inject(test.self(), add{2});
  CHECK(test.expect<add>().amount == 2);
  a.inject(test.self(), pong{1});
  test.expect_nothing(1s);

  test.disallow<pong>();
  a.inject(test.self(), pong{7});
  CHECK_THROWS_WITH(test.expect<add>(), ContainsSubstring("{pong,7}"));
  a.inject(test.self(), add{1});
  CHECK_THROWS_WITH(test.expect<ping>(), ContainsSubstring("{add,1}"));
  CHECK_THROWS_WITH(test.next(50ms), ContainsSubstring("50 ms"));
  a.inject(test.self(), add{1});
  CHECK_THROWS_WITH(test.expect_nothing(1s), ContainsSubstring("{add,1}"));
}

TEST_CASE("what a node still holds can be counted") {
  sim::world world;
  auto& a = world.add_node("a@sim", {.schedulers = 1});
  const auto idle = [](process& self) -> task<> {
    const auto never = [](term_ref) { return false; };
    auto m = co_await self.receive(never);
  };
  const pid other = a.spawn(idle);
  sim::probe test(a);
  reference alias;
  test.act([&](process& self) {
    self.link(other);
    self.monitor(other);
    alias = self.alias();
    self.register_name(atom("tester"));
  });
  a.inject(other, pong{});
  world.settle();
  const auto held = a.held();
  CHECK(held.links == 2);
  CHECK(held.monitors == 2);
  CHECK(held.aliases == 1);
  CHECK(held.messages == 1);
  CHECK(held.names == 4); // net_kernel, rex and user are the others
  a.exit(other, atom("kill"));
  std::set<std::string> kinds;
  for (int i = 0; i < 2; ++i)
    kinds.insert(to_string(test.next().element(0)));
  CHECK(kinds == std::set<std::string>{"'DOWN'", "'EXIT'"});
  world.settle();
  CHECK(a.held().links + a.held().monitors == 0);
}

TEST_CASE("a check names the seed that fails, and the environment picks seeds") {
  const auto seeds_that_run = [](const sim::seed_range& range) {
    std::vector<std::uint64_t> all;
    sim::check(range, [&](sim::world& world) { all.push_back(world.seed()); });
    return all;
  };
  CHECK(seeds_that_run({5, 7}) == std::vector<std::uint64_t>{5, 5, 6, 7});
  ::setenv("ERLPP_SEEDS", "8..9", 1);
  CHECK(seeds_that_run({5, 7}) == std::vector<std::uint64_t>{8, 8, 9});
  ::setenv("ERLPP_SEED", "3", 1);
  CHECK(seeds_that_run({5, 7}) == std::vector<std::uint64_t>{3, 3});
  ::setenv("ERLPP_SEED", "three", 1);
  CHECK_THROWS_WITH(seeds_that_run({5, 7}), ContainsSubstring("\"three\" is not a number"));
  ::unsetenv("ERLPP_SEED");
  ::unsetenv("ERLPP_SEEDS");

  int runs = 0;
  CHECK_THROWS_WITH(sim::check({1, 5},
                               [&](sim::world& world) {
                                 if (++runs % 2 == 1)
                                   world.add_node("a@sim");
                                 world.settle();
                               }),
                    ContainsSubstring("cannot be repeated"));
  CHECK_THROWS_AS(sim::check({1, 5},
                             [&](sim::world& world) {
                               world.add_node("a@sim");
                               world.add_node("a@sim");
                             }),
                  sim::failure);
}

TEST_CASE("blocking work takes no time in a simulation, and is in order") {
  sim::world world;
  auto& a = world.add_node("a@sim");
  sim::probe test(a);
  a.spawn(
      [](process& self, pid& to) -> task<> {
        const auto compute = [] { return std::int64_t{42}; };
        auto result = co_await blocking(self, compute);
        self.send(to, pong{result});
      },
      test.self());
  CHECK(test.expect<pong>().number == 42);
  CHECK(world.elapsed() == 0s);
}

namespace {
struct work {
  using erl_shape = tagged_shape<"work">;
};
/// Waits for a pool, and then fills a mailbox.
class filler : public gen_server<filler> {
public:
  using casts = messages<work>;
  task<> handle_cast(work) {
    const auto nothing = [] {};
    co_await blocking(self(), nothing);
    for (std::int64_t i = 0; i < 4; ++i)
      self().send("full", i);
  }
};
} // namespace

TEST_CASE(
    "a server that has waited for a pool goes on when there is room in the mailbox it filled") {
  const silence quiet;
  sim::check({1, 50}, [](sim::world& world) {
    auto& a = world.add_node("a@sim", {.schedulers = 1});
    a.start(supervisor{one_for_one, {}, child<filler>("filler")});
    int read = 0;
    a.spawn([&read](process& self) -> task<> {
      const auto is_go = [](term_ref m) { return m.is(atom("go")); };
      self.register_name("full");
      self.limit_mailbox({.messages = 1, .when_full = full_mailbox::block_sender});
      for (;;) {
        auto go = co_await self.receive(is_go);
        for (;; ++read) {
          auto m = co_await self.receive(0s);
          if (!m)
            break;
        }
      }
    });
    world.settle();
    for (int round = 1; round <= 3; ++round) {
      a.inject("filler", term::tuple({atom("$gen_cast"), term::tuple({atom("work")})}));
      world.settle();
      a.inject("full", term(atom("go")));
      world.settle();
      CHECK(world.elapsed() == 0s);
      CHECK(read == 4 * round);
    }
  });
}

TEST_CASE("a priority message of another node comes before what waits") {
  sim::world world;
  sim::node& here = world.add_node("here@sim");
  sim::node& there = world.add_node("there@sim");
  sim::probe sender(there);
  reference allowed;
  reference ordinary;
  std::vector<std::int64_t> order;
  const pid receiver = here.spawn([&](process& self) -> task<> {
    allowed = self.alias(alias_mode::explicit_unalias, message_priority::high);
    ordinary = self.alias();
    const auto is_go = [](term_ref m) { return m.is(atom("go")); };
    const auto go = co_await self.receive(is_go);
    while (order.size() < 12) {
      const auto m = co_await self.receive();
      order.push_back(m.body().to_int64().value());
    }
  });
  world.settle();
  sender.act([&](process& self) {
    for (int i = 1; i <= 10; ++i)
      self.send(allowed, term(i));
    self.send(ordinary, term(11), message_priority::high);
    self.send(allowed, term(12), message_priority::high);
    self.send(receiver, atom("go"));
  });
  REQUIRE(world.run_until([&] { return order.size() == 12; }, 1s));
  CHECK(order == std::vector<std::int64_t>{12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("a node connects to others as often as it may") {
  for (const auto when : {auto_connect::always, auto_connect::once, auto_connect::never}) {
    sim::world world;
    sim::node& here = world.add_node("here@sim", {.auto_connect = when});
    sim::node& there = world.add_node("there@sim");
    sim::probe near(here);
    sim::probe far(there);
    const auto connected = [&] { return !here.connected().empty(); };
    near.send(far.self(), atom("hello"));
    world.run_for(100ms);
    CHECK(connected() == (when != auto_connect::never));
    far.send(near.self(), atom("hello"));
    world.run_for(100ms);
    CHECK(connected());
    world.cut(here, there);
    world.run_for(100ms);
    near.send(far.self(), atom("hello"));
    world.run_for(100ms);
    CHECK(connected() == (when == auto_connect::always));
    far.send(near.self(), atom("hello")); // that one may
    world.run_for(100ms);
    CHECK(connected());
  }
}

TEST_CASE("who monitors nodes hears of those that come and go") {
  sim::world world;
  sim::node& here = world.add_node("here@sim", {.tick_time = 4s});
  sim::node& there = world.add_node("there@sim", {.tick_time = 4s});
  sim::probe watcher(here);
  sim::probe indifferent(here);
  sim::probe other(there);
  watcher.act([](process& self) { self.monitor_nodes(node_kind::all); });
  indifferent.act([](process& self) { self.monitor_nodes(node_kind::visible); });
  other.send(watcher.self(), atom("hello"));
  const auto up = watcher.expect<node_up>(); // before the message
  CHECK(up.node == atom("there@sim"));
  CHECK(up.details.node_type == atom("hidden"));
  watcher.expect<atom>();
  world.cut(here, there);
  const auto lost = watcher.expect<node_lost>();
  CHECK(lost.node == atom("there@sim"));
  CHECK(lost.details.nodedown_reason == atom("connection_closed"));

  world.run_for(100ms); // the other side notices, too
  other.send(watcher.self(), atom("hello"));
  watcher.expect<node_up>();
  watcher.expect<atom>();
  world.partition(here, there, true);
  CHECK(watcher.expect<node_lost>(10s).details.nodedown_reason == atom("net_tick_timeout"));
  world.run_for(5s);
  world.partition(here, there, false);

  watcher.act([](process& self) { self.monitor_nodes(node_kind::none); });
  other.send(watcher.self(), atom("hello"));
  watcher.expect<atom>();
  indifferent.expect_nothing(1s);
}
