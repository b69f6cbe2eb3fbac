/// Whole nodes against each other, on one thread, in virtual time and without sockets.
#include "base/memory_driver.hpp"
#include "node/peers.hpp"
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/gen_server.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;

namespace {

using log_lines = std::vector<std::string>;

struct add {
  std::int64_t a, b;
  using erl_shape = tagged_shape<"add">;
};

struct adder : gen_server<adder> {
  using calls = messages<add, is<"stop">, is<"silence">>;
  std::int64_t handle_call(add q) { return q.a + q.b; }
  void handle_call(is<"stop">) { stop_server(term(atom("stopped"))); }
  void handle_call(is<"silence">, caller from) { kept.push_back(std::move(from)); }
  std::vector<caller> kept;
};

const std::vector<known_peer> everybody{
    {"a@sim", "10.0.0.1", 1}, {"b@sim", "10.0.0.2", 1}, {"c@sim", "10.0.0.3", 1}};

struct sim_node {
  sim_node(memory_network& network, const std::string& name, std::uint32_t creation,
           std::uint32_t schedulers = 2, const std::string& cookie = "cookie",
           std::optional<endpoint> where = {})
      : others(options(name, cookie), everybody, false, served),
        system({atom(std::string_view(name)), creation}, schedulers,
               [&] { return std::make_unique<memory_driver>(network); }) {
    others.bind(system);
    const auto at = std::find_if(everybody.begin(), everybody.end(),
                                 [&](const auto& k) { return k.name == name; });
    std::error_code error;
    listening =
        system.at(0).world().listen(where.value_or(endpoint{at->address, at->port}), others, error);
    REQUIRE_FALSE(error);
  }
  ~sim_node() {
    system.stop();
    listening.reset();
    others.shut_down();
  }
  static dist::link_options options(const std::string& name, const std::string& cookie) {
    dist::link_options o;
    o.name = name;
    o.cookie = cookie;
    o.ticks.time = 4s;
    return o;
  }
  template <class Function> pid spawn(Function f, std::size_t scheduler = 0) {
    return system.at(scheduler).spawn(make_body(std::move(f)), pid{}).id();
  }
  void serve(std::size_t scheduler = 0) {
    auto* server = new adder;
    server->set_start({.name = "adder"}, {});
    system.at(scheduler).spawn(owned_body(server), pid{});
  }
  bool round() {
    bool busy = false;
    for (std::size_t i = 0; i < system.size(); ++i)
      busy = system.at(i).round() || busy;
    return busy;
  }

  served_functions served;
  peers others;
  runtime::system system;
  std::unique_ptr<listener> listening;
};

struct cluster {
  explicit cluster(std::uint64_t seed = 1) : network({.seed = seed, .random_splits = true}) {}
  sim_node& start(const std::string& name, std::uint32_t creation = 5,
                  const std::string& cookie = "cookie") {
    nodes.push_back(std::make_unique<sim_node>(network, name, creation, 2, cookie));
    return *nodes.back();
  }
  void stop(sim_node& n) {
    std::erase_if(nodes, [&](const auto& each) { return each.get() == &n; });
  }
  void pass(duration time) {
    const time_point end = network.now() + time;
    for (;;) {
      for (int idle = 0; idle < 3;) { // bytes on their way are not visible to a round
        bool busy = false;
        for (auto& n : nodes)
          busy = n->round() || busy;
        idle = busy ? 0 : idle + 1;
      }
      if (network.now() >= end)
        return;
      network.advance(10ms);
    }
  }
  memory_network network;
  std::vector<std::unique_ptr<sim_node>> nodes;
};

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

TEST_CASE("the operator sees what passes over each connection") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  b.serve();
  CHECK(a.others.connections().empty());
  a.spawn([](process& self) -> task<> {
    for (int i = 0; i < 10; ++i) {
      auto reply = co_await call<std::int64_t>(self, {"adder", "b@sim"}, add{i, 2});
      CHECK(reply);
    }
  });
  c.pass(3s);
  const auto of_a = a.others.connections();
  const auto of_b = b.others.connections();
  REQUIRE(of_a.size() == 1);
  REQUIRE(of_b.size() == 1);
  const connection_info& ours = of_a[0];
  const connection_info& theirs = of_b[0];
  CHECK(ours.name == "b@sim");
  CHECK(ours.address == "10.0.0.2");
  CHECK(ours.port == 1);
  CHECK_FALSE(ours.incoming);
  CHECK(theirs.incoming);
  CHECK_FALSE(ours.visible);
  CHECK(ours.age >= 2900ms);
  CHECK(ours.age <= 3s);
  CHECK(ours.flags == dist::advertised(false));
  CHECK(ours.flag_names.find("UNLINK_ID") != std::string::npos);
  CHECK(ours.sent.bytes == theirs.received.bytes);
  CHECK(ours.received.bytes == theirs.sent.bytes);
  CHECK(ours.sent.frames == theirs.received.frames);
  CHECK(ours.sent.messages == 30); // monitor, call, demonitor
  CHECK(ours.received.messages == 10);
  CHECK(ours.sent.frames == 30 + ours.sent.ticks);
  CHECK(ours.waiting_bytes == 0);
  CHECK(ours.times_busy == 0);
  const std::string table = to_text(of_a);
  CHECK(table.starts_with("node   kind    address       age"));
  CHECK(table.find("\nb@sim  hidden  > 10.0.0.2:1") != std::string::npos);
  CHECK(to_text(ours).find("address: 10.0.0.2:1, dialled from here\n") != std::string::npos);
}

TEST_CASE("the operator sees how long senders stopped for a slow peer, and how much waits") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  a.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  a.spawn([](process& self) -> task<> {
    const term chunk = term::text(std::string(10'000, 'x'));
    for (int i = 0; i < 400; ++i) {
      self.send(destination("nobody", "b@sim"), chunk);
      if (i % 10 == 0)
        auto pause = co_await self.receive(1ms);
    }
  });
  const auto turn = [&](duration time) { // of a alone
    for (const auto end = c.network.now() + time; c.network.now() < end; c.network.advance(1ms))
      while (a.round()) {
      }
  };
  turn(1s);
  auto info = a.others.connections();
  REQUIRE(info.size() == 1);
  CHECK(info[0].times_busy == 1);
  CHECK(info[0].stops == 1);
  CHECK(info[0].stopped_senders == 1);
  CHECK(info[0].busy_time > 500ms);
  CHECK(info[0].busy_time < 1s);
  CHECK(info[0].waiting_bytes >= std::size_t{1} << 20U);
  const duration busy = info[0].busy_time;
  c.pass(1s);
  info = a.others.connections();
  REQUIRE(info.size() == 1);
  CHECK(info[0].stopped_senders == 0);
  CHECK(info[0].waiting_bytes == 0);
  CHECK(info[0].sent.messages == 400);
  CHECK(info[0].busy_time >= busy);
  CHECK(info[0].busy_time < busy + 500ms);
  CHECK(b.others.connections()[0].received.messages == 400);
}

TEST_CASE("the operator sees why connections were refused, failed and ended") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  const auto connect = [&](sim_node& from, const std::string& to) {
    from.others.connect(to, [](const auto&) {});
    c.pass(50ms);
  };
  {
    sim_node& stranger = c.start("c@sim", 5, "another cookie");
    connect(stranger, "b@sim");
    CHECK(stranger.others.history().failed.wrong_cookie +
              stranger.others.history().failed.hung_up ==
          1);
    c.stop(stranger);
  }
  CHECK(b.others.history().refused.wrong_cookie == 1);
  CHECK(b.others.history().refused.total() == 1);
  connect(a, "z@nowhere");
  connect(a, "c@sim");
  CHECK(a.others.history().failed.unreachable == 2);
  CHECK(a.others.history().failed.total() == 2);
  connect(a, "b@sim");
  c.network.cut_all();
  c.pass(50ms);
  connect(a, "b@sim");
  CHECK(a.others.history().dialled == 2);
  CHECK(b.others.history().accepted == 2);
  CHECK(a.others.history().lost.network == 1);
  CHECK(b.others.history().lost.network == 1);
  a.spawn([](process& self) -> task<> {
    const atom peer = "b@sim";
    self.disconnect_node(peer);
    co_return;
  });
  c.pass(50ms);
  CHECK(a.others.history().lost.disconnected == 1);
  CHECK(a.others.history().lost.total() == 2);
  CHECK(b.others.history().lost.closed_by_peer == 1);
  CHECK(to_text(a.others.history()) == "dialled: 2\nfailed, unreachable: 2\n"
                                       "lost, error of the network: 1\nlost, disconnected: 1\n");
  // A namesake of b, beside it.
  sim_node twin(c.network, "b@sim", 7, 1, "cookie", endpoint{"10.0.0.9", 1});
  twin.others.connect("b@sim", [](const auto&) {});
  for (int i = 0; i < 50; ++i)
    twin.round(), b.round();
  CHECK(b.others.history().refused.same_name == 1);
  CHECK(b.others.history().refused.total() == 2);
}

TEST_CASE("connections that are closed over a limit are counted by the limit") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  b.serve();
  a.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  b.others.too_many_relations("a@sim");
  c.pass(50ms);
  CHECK(b.others.history().lost.too_many_relations == 1);
  CHECK(b.others.history().lost.over_limit() == 1);
  CHECK(a.others.history().lost.over_limit() == 0);
  // Whoever says nothing holds a place until its time is over.
  struct silent final : stream_events {
    void connected() override {}
    std::span<std::byte> read_space() override { return buffer; }
    void received(std::size_t) override {}
    void writable() override {}
    void closed(std::error_code) override {}
    std::array<std::byte, 64> buffer{};
  } events;
  memory_driver world(c.network);
  std::vector<std::unique_ptr<stream>> streams;
  for (int i = 0; i < 20; ++i)
    streams.push_back(world.connect({"10.0.0.2", 1}, events));
  c.pass(100ms);
  CHECK(b.others.history().refused.over_limit == 4);
  const auto hello = std::as_bytes(std::span("GET / HTTP/1.1"));
  const std::array<std::span<const std::byte>, 1> pieces{hello};
  streams[0]->write(pieces);
  streams[1].reset();
  c.pass(8s);
  CHECK(b.others.history().refused.malformed == 1);
  CHECK(b.others.history().refused.hung_up == 1);
  CHECK(b.others.history().refused.timed_out == 14);
  CHECK(b.others.history().refused.total() == 20);
}

TEST_CASE("a connection that a new life of its peer replaces is counted so") {
  cluster c;
  sim_node& a = c.start("a@sim", 5);
  sim_node& b = c.start("b@sim");
  a.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  c.network.vanish("10.0.0.2");
  c.stop(a);
  c.pass(50ms);
  CHECK(b.others.connections().size() == 1);
  sim_node& again = c.start("a@sim", 6);
  again.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  CHECK(b.others.history().lost.replaced == 1);
  CHECK(b.others.history().lost.total() == 1);
  CHECK(b.others.history().accepted == 2);
  CHECK(b.others.connections().size() == 1);
}

TEST_CASE("of attempts that cross, the ones that are given up are counted so") {
  cluster c(GENERATE(1U, 2U, 3U, 4U));
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  a.others.connect("b@sim", [](const auto&) {});
  b.others.connect("a@sim", [](const auto&) {});
  c.pass(1s);
  for (const sim_node* each : {&a, &b}) {
    const connection_history& h = each->others.history();
    CHECK(h.accepted + h.dialled == 1);
    CHECK(h.refused.total() == h.refused.given_up + h.refused.hung_up);
    CHECK(h.failed.total() == h.failed.given_up);
    CHECK(h.refused.total() + h.failed.total() == 1);
    CHECK(h.lost.total() == 0);
  }
}

TEST_CASE("a spawn request is answered notsup") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  b.others.connect("a@sim", [](const auto&) {});
  c.pass(100ms);
  CHECK(a.others.connected() == log_lines{"b@sim"});
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
  peers others(sim_node::options("sim", "cookie"), everybody, false, served);
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
