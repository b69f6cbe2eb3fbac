/// Processes that one node starts on another.
#include <erl/etf/print.hpp>
#include <erl/sim.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;

namespace {

const atom there("there@sim");
const atom demo("demo");

/// A node that asks and one that serves `demo:run(To, Tag)`, which sends `{Tag, self()}` to To and
/// then ends with the reason of the first message it gets.
struct spawning {
  explicit spawning(std::uint64_t seed)
      : world(seed), asker(world.add_node("here@sim")),
        server(world.add_node("there@sim", {.schedulers = 2})), test(asker) {
    server.serve(demo, "run", 2, [](process& self, term& arguments) -> task<term> {
      const pid to = arguments.head().to_pid().value();
      const term tag = arguments.share(arguments.tail().head());
      self.send(to, std::tuple(tag, self.self()));
      const auto m = co_await self.receive();
      self.exit(m.body());
      co_return term();
    });
  }
  reference request(atom function, const term& arguments, const remote_spawn_options& how = {}) {
    reference result;
    test.act(
        [&](process& self) { result = self.spawn_request(there, demo, function, arguments, how); });
    return result;
  }
  /// A process that has said who it is.
  pid start(const remote_spawn_options& how) {
    const reference ref = request("run", term::list({term(test.self()), term(atom("tag"))}), how);
    const auto reply = test.expect<spawn_reply>();
    CHECK(reply.request == ref);
    CHECK(reply.outcome == atom("ok"));
    const auto [tag, process] = test.expect<std::tuple<atom, pid>>();
    CHECK(term(process) == reply.result);
    last = ref;
    return process;
  }

  sim::world world;
  sim::node& asker;
  sim::node& server;
  sim::probe test;
  reference last;
};

} // namespace

TEST_CASE("a process starts on another node, is linked and monitored, and ends with its reason") {
  sim::check({1, 30}, [](sim::world& made) {
    spawning s(made.seed());
    const pid process = s.start({.link = true, .monitor = true});
    s.test.send(process, atom("bye"));
    bool exit = false;
    bool down_came = false;
    for (int i = 0; i < 2; ++i) {
      const term message = s.test.next();
      if (const auto e = try_decode<exit_signal>(message)) {
        CHECK(e->from == process);
        CHECK(e->reason.is(atom("bye")));
        exit = true;
      } else {
        const auto d = decode<down>(message).value();
        CHECK(d.monitor == s.last);
        CHECK(d.reason.is(atom("bye")));
        down_came = true;
      }
    }
    CHECK(exit);
    CHECK(down_came);
  });
}

TEST_CASE("a function that is not served makes a process that ends with undef") {
  spawning s(1);
  s.request("nothing", term::list({term(1)}), {.monitor = true});
  CHECK(s.test.expect<spawn_reply>().outcome == atom("ok"));
  const auto end = s.test.expect<down>();
  CHECK(to_string(end.reason) == "{undef,[{demo,nothing,[1],[]}]}");
  s.request("run", term(7), {.monitor = true});
  s.test.expect<spawn_reply>();
  CHECK(s.test.expect<down>().reason.element(0).is(atom("badarg")));
}

TEST_CASE("who asks a node that cannot be reached, or loses it, hears so") {
  spawning s(1);
  s.world.partition(s.asker, s.server, true);
  s.request("run", term::list({}));
  const auto unreachable = s.test.expect<spawn_reply>(30s);
  CHECK(unreachable.outcome == atom("error"));
  CHECK(unreachable.result.is(atom("noconnection")));
  s.world.partition(s.asker, s.server, false);
  const pid process = s.start({.link = true, .monitor = true});
  s.world.cut(s.asker, s.server);
  s.test.next(); // an EXIT and a DOWN
  s.test.next();
  s.world.run_for(1s);
  CHECK_FALSE(s.server.is_alive(process)); // its link has broken, too
}

TEST_CASE("a process whose asker has ended meanwhile hears why, and is not held") {
  sim::check({1, 30}, [](sim::world& made) {
    spawning s(made.seed());
    s.world.delay(s.asker, s.server, 50ms);
    s.start({}); // so that there is a connection
    for (const atom why : {atom("normal"), atom("enough")}) {
      s.asker.spawn([&](process& self) -> task<> {
        const term arguments = term::list({term(s.test.self()), term(why)});
        self.spawn_request(there, demo, "run", arguments, {.link = true, .monitor = true});
        self.exit(term(why));
        co_return;
      });
      const auto [tag, process] = s.test.expect<std::tuple<atom, pid>>();
      s.world.run_for(1s);
      CHECK(tag == why);
      // A normal end takes nobody along.
      CHECK(s.server.is_alive(process) == (why == atom("normal")));
    }
    CHECK(s.server.held().monitors == 0);
    CHECK(s.asker.held().monitors == 0);
    CHECK(s.asker.held().links == 0);
  });
}
