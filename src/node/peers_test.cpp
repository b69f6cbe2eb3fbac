/// Whole nodes against each other: how they connect, what passes between them, and how they part.
#include "node/peers_fixture.hpp"
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace erl;
using namespace erl::test_only;

namespace {

using log_lines = std::vector<std::string>;

} // namespace

TEST_CASE("the first call connects, and is answered") {
  const std::size_t server_on = GENERATE(0U, 1U);
  const std::size_t client_on = GENERATE(0U, 1U);
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  b.serve(server_on);
  std::int64_t sum = 0;
  a.spawn(
      [&](process& self) -> task<> {
        auto reply = co_await call<std::int64_t>(self, {"adder", "b@sim"}, add{20, 22});
        REQUIRE(reply);
        sum = *reply;
      },
      client_on);
  c.pass(50ms);
  CHECK(sum == 42);
  CHECK(a.others.connected() == log_lines{"b@sim"});
  CHECK(b.others.connected() == log_lines{"a@sim"});
}

TEST_CASE(
    "messages between nodes keep their order, those that waited for the connection included") {
  cluster c(GENERATE(1U, 2U, 3U));
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  std::vector<std::int64_t> got;
  b.spawn(
      [&](process& self) -> task<> {
        self.register_name("sink");
        for (;;) {
          auto m = co_await self.receive();
          got.push_back(m.body().to_int64().value());
        }
      },
      1);
  a.spawn(
      [&](process& self) -> task<> {
        for (std::int64_t i = 0; i < 5000; ++i) {
          self.send(destination("sink", "b@sim"), term(i));
          if (i % 1000 == 0)
            auto pause = co_await self.receive(1ms);
        }
      },
      1);
  c.pass(200ms);
  REQUIRE(got.size() == 5000);
  CHECK(std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("links, monitors and exits work across nodes, with the true reasons") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  log_lines got;
  pid far;
  b.spawn(
      [&](process& self) -> task<> {
        far = self.self();
        self.register_name("far");
        auto m = co_await self.receive();
        self.exit(m.body());
      },
      1);
  a.spawn(
      [&](process& self) -> task<> {
        self.trap_exit(true);
        static_cast<void>(self.monitor(destination("far", "b@sim")));
        auto wait = co_await self.receive(50ms);
        self.link(far);
        static_cast<void>(self.monitor(far));
        self.send(far, term::tuple({atom("true"), atom("reason")}));
        for (int i = 0; i < 3; ++i) {
          auto m = co_await self.receive();
          got.push_back(to_string(m.body().element(m.body().arity() - 1)));
        }
        static_cast<void>(self.monitor(far));
        static_cast<void>(self.monitor(destination("far", "b@sim")));
        self.link(far);
        for (int i = 0; i < 3; ++i) {
          auto m = co_await self.receive();
          got.push_back(to_string(m.body().element(m.body().arity() - 1)));
        }
      },
      1);
  c.pass(300ms);
  CHECK(got ==
        log_lines{"{true,reason}", "{true,reason}", "{true,reason}", "noproc", "noproc", "noproc"});
}

TEST_CASE("a lost connection is noconnection for everybody, and calls fail with nodedown") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  b.serve(1);
  log_lines got;
  a.spawn(
      [&](process& self) -> task<> {
        self.trap_exit(true);
        static_cast<void>(self.monitor(destination("adder", "b@sim")));
        self.monitor_node("b@sim");
        auto reply = co_await call(self, {"adder", "b@sim"}, is<"silence">{}, 60s);
        got.push_back(to_string(reply.error().reason));
        for (int i = 0; i < 2; ++i) {
          auto m = co_await self.receive();
          got.push_back(m.body().is_tuple(2) ? to_string(m.body())
                                             : to_string(m.body().element(4)));
        }
      },
      1);
  c.pass(100ms);
  CHECK(got.empty());
  c.network.cut_all();
  c.pass(100ms);
  std::sort(got.begin(), got.end());
  CHECK(got == log_lines{"noconnection", "{nodedown,b@sim}", "{nodedown,b@sim}"});
  CHECK(a.others.connected().empty());
  CHECK(b.others.connected().empty());
}

TEST_CASE("a node that comes back is another one: its old pids are dead, its names work") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim", 5);
  b.serve();
  c.pass(10ms);
  const pid old = b.system.whereis("adder").value();
  a.spawn([](process& self) -> task<> {
    auto reply = co_await call(self, {"adder", "b@sim"}, add{1, 1});
    CHECK(reply);
  });
  c.pass(50ms);
  c.stop(b);
  c.pass(50ms);
  CHECK(a.others.connected().empty());
  sim_node& again = c.start("b@sim", 6);
  again.serve();
  log_lines got;
  a.spawn([&](process& self) -> task<> {
    self.trap_exit(true);
    auto reply = co_await call<std::int64_t>(self, {"adder", "b@sim"}, add{1, 1});
    got.push_back(reply ? std::to_string(*reply) : reply.error().message());
    self.monitor(old);
    self.link(old);
    self.exit(old, atom("nothing_happens"));
    self.send(old, atom("lost"));
    for (int i = 0; i < 2; ++i) {
      auto m = co_await self.receive();
      got.push_back(to_string(m.body().element(m.body().arity() - 1)));
    }
    auto still = co_await call<std::int64_t>(self, {"adder", "b@sim"}, add{2, 2});
    got.push_back(still ? std::to_string(*still) : still.error().message());
  });
  c.pass(200ms);
  CHECK(got == log_lines{"2", "noproc", "noproc", "4"});
}

TEST_CASE("a wrong cookie connects nobody, says why, and harms no other connection") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  sim_node& other = c.start("c@sim", 5, "another cookie");
  b.serve();
  std::string why;
  other.others.connect("b@sim",
                       [&](const auto& result) { why = result ? "connected" : result.error(); });
  std::int64_t sum = 0;
  a.spawn([&](process& self) -> task<> {
    auto reply = co_await call<std::int64_t>(self, {"adder", "b@sim"}, add{1, 2});
    sum = reply.value_or(0);
  });
  c.pass(200ms);
  CHECK(why.find("cookie") != std::string::npos);
  CHECK(why.find("another") == std::string::npos);
  CHECK(sum == 3);
  CHECK(other.others.connected().empty());
}

TEST_CASE(
    "nodes that dial each other at the same moment end with one connection and lose nothing") {
  cluster c(GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U));
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  a.serve();
  b.serve();
  int good = 0;
  const auto client = [&good](atom node) {
    return [&good, node](process& self) -> task<> {
      auto reply = co_await call<std::int64_t>(self, {"adder", node}, add{1, 2});
      good += reply == 3 ? 1 : 0;
    };
  };
  a.spawn(client("b@sim"));
  b.spawn(client("a@sim"));
  c.pass(8s);
  CHECK(good == 2);
  CHECK(a.others.connected() == log_lines{"b@sim"});
  CHECK(b.others.connected() == log_lines{"a@sim"});
}

TEST_CASE("nodes that dial each other one after the other end with one connection") {
  const duration delay = GENERATE(0ms, 10ms, 20ms, 30ms);
  const bool greater_first = GENERATE(false, true);
  cluster c(GENERATE(1U, 2U, 3U));
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  sim_node& first = greater_first ? b : a;
  sim_node& second = greater_first ? a : b;
  int told = 0;
  first.others.connect(greater_first ? "a@sim" : "b@sim", [&](const auto&) { ++told; });
  first.round();
  for (duration t{}; t < delay; t += 10ms)
    second.round();
  second.others.connect(greater_first ? "b@sim" : "a@sim", [&](const auto&) { ++told; });
  c.pass(10s);
  CHECK(told == 2);
  CHECK(a.others.connected() == log_lines{"b@sim"});
  CHECK(b.others.connected() == log_lines{"a@sim"});
}

TEST_CASE("attempts that cross at any moment end with one connection and lose nothing") {
  const bool greater_first = GENERATE(false, true);
  // How far the first attempt has come when the second one begins.
  for (int head_start = 0; head_start < 40; ++head_start) {
    cluster c(static_cast<std::uint64_t>(head_start) + 1);
    sim_node& first = c.start(greater_first ? "b@sim" : "a@sim");
    sim_node& second = c.start(greater_first ? "a@sim" : "b@sim");
    log_lines got;
    const auto receiver = [&](process& self) -> task<> {
      self.register_name("sink");
      for (;;) {
        auto m = co_await self.receive();
        got.push_back(to_string(m.body()));
      }
    };
    const auto sender = [](atom node) {
      return [node](process& self) -> task<> {
        auto forever = infinity;
        self.monitor_node(node);
        self.send(destination("sink", node), term(self.node()));
        auto lost = co_await self.receive(forever);
        self.send(destination("sink"), atom("the_connection_was_lost"));
      };
    };
    first.spawn(receiver);
    second.spawn(receiver);
    c.pass(10ms);
    first.spawn(sender(second.system.self().node));
    for (int i = 0; i < head_start; ++i) {
      first.round();
      second.round();
    }
    second.spawn(sender(first.system.self().node));
    c.pass(8s);
    std::sort(got.begin(), got.end());
    CHECK(got == log_lines{"a@sim", "b@sim"});
  }
}

TEST_CASE("a silent peer is given up within the tick time, an idle one is kept") {
  cluster c;
  sim_node& a = c.start("a@sim");
  c.start("b@sim");
  bool connected = false;
  a.others.connect("b@sim", [&](const auto& result) { connected = result.has_value(); });
  c.pass(30s);
  CHECK(connected);
  CHECK(a.others.connected() == log_lines{"b@sim"});
  // b stands still, as a stopped process does.
  const time_point end = c.network.now() + 6s;
  const time_point start = c.network.now();
  while (!a.others.connected().empty() && c.network.now() < end) {
    while (a.round()) {
    }
    c.network.advance(10ms);
  }
  CHECK(a.others.connected().empty());
  CHECK(c.network.now() - start >= 3s);
  CHECK(c.network.now() - start <= 5100ms);
}

TEST_CASE("an unreachable node fails what waits for it, with a reason for people") {
  cluster c;
  sim_node& a = c.start("a@sim");
  std::string why;
  a.others.connect("b@sim",
                   [&](const auto& result) { why = result ? "connected" : result.error(); });
  std::string other;
  a.others.connect("z@nowhere",
                   [&](const auto& result) { other = result ? "connected" : result.error(); });
  std::string reason;
  a.spawn(
      [&](process& self) -> task<> {
        auto reply = co_await call(self, {"adder", "b@sim"}, add{1, 2});
        reason = reply.error().message();
      },
      1);
  c.pass(100ms);
  CHECK(why.find("10.0.0.2") != std::string::npos);
  CHECK(other.find("known peers") != std::string::npos);
  CHECK(reason ==
        "call to {adder,b@sim}: node b@sim cannot be reached, or the connection was lost");
}

TEST_CASE("a spawn request to a node that knows of none is answered notsup") {
  cluster c;
  sim_node& a = c.start("a@sim");
  dist::link_options older = sim_node::options("b@sim");
  older.flags &= ~dist::flags::spawn;
  c.start(older);
  reference asked;
  log_lines got;
  a.spawn(
      [&](process& self) -> task<> {
        const atom node = "b@sim";
        asked = self.spawn_request(node, "m", "f", term::list({}));
        auto m = co_await self.receive();
        got.push_back(to_string(m.body()));
      },
      1);
  c.pass(100ms);
  CHECK(a.others.connected() == log_lines{"b@sim"});
  CHECK(got == log_lines{"{spawn_reply," + to_string(term(asked)) + ",error,notsup}"});
}

TEST_CASE("when two nodes part nothing is left of what they had") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  b.serve(1);
  a.spawn(
      [](process& self) -> task<> {
        self.trap_exit(true);
        static_cast<void>(self.monitor(destination("adder", "b@sim")));
        auto reply = co_await call(self, {"adder", "b@sim"}, add{1, 2});
        auto gone = co_await self.receive();
      },
      1);
  c.pass(100ms);
  c.network.cut_all();
  c.pass(100ms);
  CHECK(a.system.process_count == 0);
  CHECK(b.system.process_count == 1);
}

TEST_CASE("a node that asks for a name is known by it until the connection that brought it ends") {
  cluster c;
  sim_node& b = c.start("b@sim");
  c.start("c@sim");
  b.serve();
  served_functions served;
  peers others(sim_node::options("sim"), everybody, false, served);
  runtime::system system({}, 1, [&] { return std::make_unique<memory_driver>(c.network); });
  others.bind(system);
  const auto pass = [&] {
    for (int i = 0; i < 100; ++i) {
      while (system.at(0).round()) {
      }
      c.pass(1ms);
    }
  };
  std::string own;
  std::string outcome = "none";
  const peers::outcome note = [&](const std::expected<void, std::string>& result) {
    outcome = result ? "connected" : result.error();
  };
  const auto take = [&](const std::string& name, std::uint32_t creation) {
    own = name;
    system.set_self({.node = atom(std::string_view(name)), .creation = creation});
    CHECK(creation >= 4);
  };
  others.connect_for_name("b@sim", take, note);
  pass();
  CHECK(outcome == "connected");
  REQUIRE(own.ends_with("@sim"));
  CHECK(b.others.connected(node_kind::hidden) == log_lines{own});

  std::int64_t sum = 0;
  const auto ask = [&](process& self) -> task<> {
    auto reply = co_await call<std::int64_t>(self, {"adder", "b@sim"}, add{20, 22});
    sum = reply.value_or(0);
  };
  system.at(0).spawn(make_body(ask), pid{});
  others.connect("c@sim", note);
  pass();
  CHECK(sum == 42);
  CHECK(others.connected().size() == 2);

  b.spawn([&](process& self) -> task<> {
    const atom gone(std::string_view{own});
    self.disconnect_node(gone);
    co_return;
  });
  pass();
  CHECK(others.connected().empty());
  others.connect("c@sim", note);
  pass();
  CHECK(outcome.find("lost its name") != std::string::npos);
  system.stop();
  others.shut_down();
}
