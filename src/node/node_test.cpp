/// Nodes with real threads, sockets and time.
#include <erl/blocking.hpp>
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/gen_server.hpp>
#include <erl/node.hpp>
#include <erl/supervisor.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <atomic>
#include <csignal>
#include <future>
#include <stdexcept>
#include <thread>

using namespace erl;
using namespace std::chrono_literals;

namespace {

struct echo : gen_server<echo> {
  using calls = messages<std::tuple<is<"echo">, std::int64_t>, is<"crash">>;
  std::int64_t handle_call(std::tuple<is<"echo">, std::int64_t> m) { return std::get<1>(m); }
  void handle_call(is<"crash">) { throw std::runtime_error("crash"); }
};

/// Two nodes that know each other's address and need no port mapper.
node_options options(const std::string& name, std::vector<known_peer> known = {}) {
  return {.name = name,
          .cookie = "a cookie for tests",
          .schedulers = 2,
          .epmd = false,
          .known_peers = std::move(known)};
}

} // namespace

TEST_CASE(
    "processes on several schedulers send each other a lot, and nothing is lost or out of order") {
  node n({.schedulers = 4});
  REQUIRE(n.start());
  constexpr std::int64_t count = 20000;
  std::promise<bool> done;
  const pid sink =
      n.spawn_body(make_body([&done](process& self) -> task<> {
                     std::int64_t next[4] = {};
                     bool in_order = true;
                     for (std::int64_t left = 4 * count; left > 0; --left) {
                       auto m = co_await self.receive();
                       const auto from =
                           static_cast<std::size_t>(m.body().element(0).to_int64().value());
                       in_order = in_order && m.body().element(1).to_int64() == next[from]++;
                     }
                     done.set_value(in_order);
                   }),
                   0);
  for (unsigned s = 0; s < 4; ++s)
    n.spawn_body(make_body([sink, s](process& self) -> task<> {
                   for (std::int64_t i = 0; i < count; ++i) {
                     self.send(sink, std::tuple{s, i});
                     if (i % 100 == 0)
                       auto yield = co_await self.receive(0ms);
                   }
                 }),
                 s);
  auto result = done.get_future();
  REQUIRE(result.wait_for(60s) == std::future_status::ready);
  CHECK(result.get());
}

TEST_CASE("ping-pong between schedulers, with sleeps in between, never hangs") {
  node n({.schedulers = 2});
  REQUIRE(n.start());
  std::promise<void> done;
  const pid pong = n.spawn_body(make_body([](process& self) -> task<> {
                                  for (;;) {
                                    auto m = co_await self.receive();
                                    self.send(m.body().to_pid().value(), atom("pong"));
                                  }
                                }),
                                1);
  n.spawn_body(make_body([pong, &done](process& self) -> task<> {
                 for (int i = 0; i < 5000; ++i) {
                   self.send(pong, self.self());
                   auto m = co_await self.receive();
                 }
                 done.set_value();
               }),
               0);
  CHECK(done.get_future().wait_for(60s) == std::future_status::ready);
}

TEST_CASE("run(main) gives 0 for a normal end and 1 for any other") {
  node well({.schedulers = 1});
  CHECK(well.run([](process&) -> task<> {
    const int nothing = 0;
    static_cast<void>(nothing);
    co_return;
  }) == 0);
  node badly({.schedulers = 1});
  CHECK(badly.run([](process& self) -> task<> {
    const term reason(atom("bad"));
    self.exit(reason);
    co_return;
  }) == 1);
}

TEST_CASE("run() ends with 0 on SIGTERM, and with 1 when the supervisor gives up or cannot start") {
  SECTION("SIGTERM") {
    node n({.schedulers = 2});
    REQUIRE(n.start(supervisor{one_for_one, {}, child<echo>("echo")}));
    std::jthread killer([] {
      std::this_thread::sleep_for(50ms);
      kill(getpid(), SIGTERM);
    });
    CHECK(n.run() == 0);
  }
  SECTION("gives up") {
    node n({.schedulers = 2});
    REQUIRE(n.start(supervisor{one_for_one, {.intensity = 0}, child<echo>("echo")}));
    n.spawn(
        [](process& self) -> task<> { auto reply = co_await call(self, "echo", is<"crash">{}); });
    CHECK(n.run() == 1);
  }
  SECTION("cannot start") {
    struct broken : gen_server<broken> {
      void init() { throw std::runtime_error("no"); }
    };
    node n({.schedulers = 1});
    CHECK_FALSE(n.start(supervisor{one_for_one, {}, child<broken>("broken")}));
    CHECK(n.run() == 1);
  }
}

TEST_CASE("two nodes over TCP: calls in both directions, connect tells how it went") {
  node b(options("b@127.0.0.1"));
  REQUIRE(b.start(supervisor{one_for_one, {}, child<echo>("echo")}));
  node a(options("a@127.0.0.1", {{"b@127.0.0.1", "127.0.0.1", b.port()}}));
  REQUIRE(a.connect("b@127.0.0.1"));
  CHECK(a.connected() == std::vector<std::string>{"b@127.0.0.1"});
  CHECK(a.connected(node_kind::hidden) == a.connected());
  CHECK(a.connected(node_kind::visible).empty());
  std::promise<std::int64_t> answer;
  a.spawn([&answer](process& self) -> task<> {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < 1000; ++i) {
      auto reply =
          co_await call<std::int64_t>(self, {"echo", "b@127.0.0.1"}, std::tuple{is<"echo">{}, i});
      sum += reply.value_or(1000000);
    }
    answer.set_value(sum);
  });
  auto sum = answer.get_future();
  REQUIRE(sum.wait_for(60s) == std::future_status::ready);
  CHECK(sum.get() == 999 * 1000 / 2);
  const auto unknown = a.connect("c@127.0.0.1");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == node_errc::not_connected);
  const auto seen = a.connections();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].address == "127.0.0.1");
  CHECK(seen[0].port == b.port());
  CHECK(seen[0].received.messages >= 1000);
  CHECK(a.past_connections().dialled == 1);
  CHECK(a.past_connections().failed.unreachable == 1);
  CHECK(b.past_connections().accepted == 1);
  a.stop();
  CHECK(a.connections().empty());
}

TEST_CASE("options that are wrong or unsafe are refused with a reason") {
  const auto error_of = [](node_options o) {
    o.schedulers = o.schedulers == 0 ? 1 : o.schedulers;
    node n(std::move(o));
    const auto result = n.start();
    REQUIRE_FALSE(result);
    return result.error();
  };
  CHECK(error_of({.name = "no spaces@127.0.0.1"}).code == node_errc::bad_name);
  CHECK(error_of({.name = "a@b@c"}).code == node_errc::bad_name);
  CHECK(error_of({.name = "a@127.0.0.1", .cookie = "c", .listen_address = "0.0.0.0"}).code ==
        node_errc::unsafe_listen);
  CHECK(error_of({.name = "a@127.0.0.1",
                  .cookie = "c",
                  .listen_address = "203.0.113.9",
                  .insecure_tcp = true})
            .code == node_errc::cannot_listen);
  CHECK(error_of({.schedulers = 100}).code == node_errc::bad_options);
  CHECK(error_of({.watchdog = {.stack_signal = SIGTERM}}).code == node_errc::bad_options);
  CHECK(error_of({.pools = {.io = 0}}).code == node_errc::bad_options);
}

TEST_CASE("a node that has been stopped says so, and does nothing else") {
  node n({.name = "s@127.0.0.1", .cookie = "c", .schedulers = 2, .epmd = false});
  REQUIRE(n.start());
  n.stop();
  n.send("nobody", term(1));
  CHECK(n.connected().empty());
  const auto again = n.start();
  REQUIRE_FALSE(again);
  CHECK(again.error().code == node_errc::not_running);
  const auto connected = n.connect("b@127.0.0.1");
  REQUIRE_FALSE(connected);
  CHECK(connected.error().code == node_errc::not_running);
  CHECK_THROWS_AS(n.spawn([](process&) -> task<> {
    const int nothing = 0;
    static_cast<void>(nothing);
    co_return;
  }),
                  std::logic_error);
}

TEST_CASE("a connection attempt that is under way when the node stops is told so") {
  node n({.name = "s@127.0.0.1",
          .cookie = "c",
          .schedulers = 1,
          .epmd = false,
          .known_peers = {{"hole@10.255.255.1", "10.255.255.1", 9}}});
  REQUIRE(n.start());
  std::jthread stopper([&n] {
    std::this_thread::sleep_for(100ms);
    n.stop();
  });
  CHECK_FALSE(n.connect("hole@10.255.255.1"));
}

TEST_CASE("a node stops although its top supervisor has been killed") {
  node n({.schedulers = 1});
  const auto top = n.start(supervisor{one_for_one, {}, child<echo>("echo")});
  REQUIRE(top);
  std::promise<void> killed;
  n.spawn(
      [&killed](process& self, pid supervisor) -> task<> {
        static_cast<void>(self.monitor(supervisor));
        self.exit(supervisor, atoms::kill);
        auto m = co_await self.receive();
        killed.set_value();
      },
      *top);
  CHECK(killed.get_future().wait_for(10s) == std::future_status::ready);
  n.stop();
}

TEST_CASE("blocking calls run beside the schedulers, which serve others meanwhile") {
  std::promise<void> asked;
  std::promise<int> answer;
  node n({.schedulers = 1, .pools = {.cpu = 2, .io = 2}});
  REQUIRE(n.start());
  const pid waiting = n.spawn([&](process& self) -> task<> {
    auto may_end = asked.get_future();
    const auto wait = [&may_end] {
      may_end.wait();
      return 42;
    };
    auto result = co_await blocking(self, wait, pool::cpu);
    auto m = co_await self.receive();
    answer.set_value(m.body().is(atoms::ok) ? result : 0);
  });
  n.spawn([&asked, waiting](process& self) -> task<> { // on the same scheduler
    self.send(waiting, atoms::ok);
    asked.set_value();
    co_return;
  });
  auto result = answer.get_future();
  REQUIRE(result.wait_for(60s) == std::future_status::ready);
  CHECK(result.get() == 42);
}

TEST_CASE("a node that stops waits for the blocking calls that run") {
  std::atomic<bool> ended{false};
  std::promise<void> begun;
  {
    node n({.schedulers = 2});
    REQUIRE(n.start());
    n.spawn([&](process& self) -> task<> {
      const auto work = [&] {
        begun.set_value();
        std::this_thread::sleep_for(50ms);
        ended = true;
      };
      co_await blocking(self, work);
    });
    begun.get_future().wait();
  }
  CHECK(ended);
}
