/// Senders stop while too much waits for another node.
#include <erl/sim.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <string>

using namespace erl;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t size = 20'000;
constexpr std::int64_t many = 1000;

/// Two nodes of which the second has a process `sink`, which a sender on the first one floods.
struct flooded {
  explicit flooded(int scheduler)
      : from(world.add_node("from@sim", {.schedulers = 2})), to(world.add_node("to@sim")),
        sink(to) {
    sink.act([](process& self) { self.register_name("sink"); });
    node = atom("to@sim");
    sim::probe starter(from);
    starter.act([&](process& self) {
      self.spawn_body(make_body([this](process& sender) -> task<> {
                        const std::string text(size, 'x');
                        for (std::int64_t i = 0; i < many; ++i) {
                          sender.send({"sink", node}, std::tuple(i, text));
                          ++sent;
                          co_await sender.yield();
                        }
                      }),
                      {.scheduler = scheduler});
    });
  }
  void expect_all() {
    for (std::int64_t i = 0; i < many; ++i) {
      const auto [number, text] = sink.expect<std::tuple<std::int64_t, std::string>>();
      REQUIRE(number == i);
      REQUIRE(text.size() == size);
    }
  }

  sim::world world;
  sim::node& from;
  sim::node& to;
  sim::probe sink;
  atom node;
  std::int64_t sent = 0;
};

} // namespace

TEST_CASE("a sender stops while the peer does not read, and loses nothing") {
  for (const int scheduler : {0, 1}) {
    INFO("on scheduler " << scheduler);
    flooded f(scheduler);
    REQUIRE(f.world.run_until([&] { return f.sent > 20; }, 1s));
    f.world.stall(f.from, f.to, true);
    f.world.run_for(3s);
    const auto stopped = f.sent;
    // What the network holds, the high mark, and what was on its way from the other scheduler.
    CHECK(stopped < 400);
    f.world.run_for(3s);
    CHECK(f.sent == stopped);
    f.world.stall(f.from, f.to, false);
    f.expect_all();
  }
}

TEST_CASE("a sender stops while the connection is made, and goes on when that has failed") {
  flooded f(0);
  f.world.partition(f.from, f.to, true);
  f.world.run_for(1s);
  CHECK(f.sent < 100);
  CHECK(f.sent > 40);
  f.world.run_for(60s); // each attempt takes seven seconds, and drops what has waited for it
  CHECK(f.sent > 200);
}

TEST_CASE("a sender that has stopped goes on when the connection is lost") {
  flooded f(1);
  REQUIRE(f.world.run_until([&] { return f.sent > 20; }, 1s));
  f.world.stall(f.from, f.to, true);
  f.world.run_for(3s);
  const auto stopped = f.sent;
  f.world.stall(f.from, f.to, false);
  f.world.cut(f.from, f.to);
  f.world.run_for(3s);
  CHECK(f.sent == many);
  CHECK(stopped < many);
}

TEST_CASE("a large message stops its sender only") {
  sim::world world;
  sim::node& from = world.add_node("from@sim", {.schedulers = 2});
  sim::node& to = world.add_node("to@sim");
  sim::probe sink(to);
  sink.act([](process& self) { self.register_name("sink"); });
  const destination there("sink", "to@sim");
  int large = 0;
  int small = 0;
  from.spawn([&](process& self) -> task<> {
    const term message = term::text(std::string(3'000'000, 'x'));
    for (large = 0; large < 5; ++large) {
      self.send(there, message);
      co_await self.yield();
    }
  });
  sink.expect<std::string>(); // the first one
  world.stall(from, to, true);
  world.run_for(1s);
  CHECK(large < 5);
  from.spawn([&](process& self) -> task<> {
    for (small = 0; small < 10; ++small) {
      self.send(there, small);
      co_await self.yield();
    }
  });
  world.run_for(1s);
  CHECK(small == 10);
  world.stall(from, to, false);
  world.run_for(1s);
  CHECK(large == 5);
}

TEST_CASE("nosuspend and noconnect send nothing where they would have to wait or connect") {
  sim::world world;
  sim::node& from = world.add_node("from@sim");
  sim::node& to = world.add_node("to@sim");
  sim::probe sink(to);
  sim::probe sender(from);
  sink.act([](process& self) { self.register_name("sink"); });
  const destination there("sink", "to@sim");
  const auto send = [&](const send_options& how) {
    send_result result{};
    sender.act(
        [&](process& self) { result = self.send(there, term::text(std::string(size, 'x')), how); });
    return result;
  };
  CHECK(send({.connect = false}) == send_result::noconnect);
  world.run_for(1s);
  sink.expect_nothing(1s);
  CHECK(send({}) == send_result::ok);
  sink.expect<std::string>();
  CHECK(send({.connect = false}) == send_result::ok);
  sink.expect<std::string>();
  world.stall(from, to, true);
  int sent = 0;
  while (sent < many && send({.suspend = false}) == send_result::ok)
    ++sent;
  CHECK(sent < 200);
  CHECK(send({.suspend = false}) == send_result::nosuspend);
  world.stall(from, to, false);
  for (int i = 0; i < sent; ++i)
    sink.expect<std::string>();
  sink.expect_nothing(1s);
}

TEST_CASE("a sender whose large message waits goes on when this node ends the connection") {
  sim::world world;
  sim::node& from = world.add_node("from@sim");
  sim::node& to = world.add_node("to@sim");
  sim::probe sink(to);
  sink.act([](process& self) { self.register_name("sink"); });
  const atom node("to@sim");
  int sent = 0;
  from.spawn_body(make_body([&](process& sender) -> task<> {
    const std::string text(5'000'000, 'x');
    for (int i = 0; i < 100; ++i) {
      sender.send({"sink", node}, text);
      ++sent;
      co_await sender.yield();
    }
  }));
  sink.expect<std::string>();
  world.stall(from, to, true);
  world.run_for(500ms);
  const int before = sent;
  world.run_for(500ms);
  REQUIRE(sent == before);
  sim::probe operator_of(from);
  operator_of.act([&](process& self) { self.disconnect_node(node); });
  CHECK(world.run_until([&] { return sent > before; }, 1s));
}
