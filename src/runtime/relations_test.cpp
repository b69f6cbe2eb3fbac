#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

using log_lines = std::vector<std::string>;
using step = std::function<void(process&)>;

/// A process that does what it is told from outside, and keeps what it receives.
struct actor {
  actor(world& w, std::size_t scheduler, bool traps = false) : world_(w) {
    id = w.spawn_on(scheduler, [this, traps](process& self) -> task<> {
      self.trap_exit(traps);
      for (;;) {
        auto m = co_await self.receive();
        if (!m.body().is(atom("go")))
          got.push_back(m.body());
        for (const step& s : std::exchange(todo, {}))
          s(self);
      }
    });
    w.settle();
  }
  void tell(step s) {
    todo.push_back(std::move(s));
    world_.system.owner_of(id).send({}, id, term(atom("go")));
    world_.settle();
  }
  /// Lets it do the step without running anybody else in between.
  void tell_later(step s) {
    todo.push_back(std::move(s));
    world_.system.owner_of(id).send({}, id, term(atom("go")));
  }
  bool alive() { return world_.alive(id); }
  log_lines lines() const {
    log_lines all;
    for (const term& t : got)
      all.push_back(to_string(t));
    return all;
  }

  pid id;
  std::vector<term> got;
  std::vector<step> todo;

private:
  world& world_;
};

term exit_message(const pid& from, const term& reason) {
  return term::tuple({atoms::exit_signal, term(from), reason});
}
term down_message(const reference& ref, const pid& who, const term& reason) {
  return term::tuple({atoms::down, term(ref), atoms::process, term(who), reason});
}

} // namespace

TEST_CASE("a link ends the other side too, unless the reason is normal") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0);
  actor b(w, there);
  a.tell([&](process& self) { self.link(b.id); });
  SECTION("abnormal") {
    b.tell([](process& self) { self.exit(term(atom("oops"))); });
    CHECK_FALSE(a.alive());
  }
  SECTION("normal") {
    b.tell([](process& self) { self.exit(term(atoms::normal)); });
    CHECK(a.alive());
  }
  SECTION("from the linking side") {
    a.tell([](process& self) { self.exit(term(atom("oops"))); });
    CHECK_FALSE(b.alive());
  }
}

TEST_CASE("a process that traps exits gets messages instead, for normal ends as well") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0, true);
  actor b(w, there);
  const term reason = GENERATE(term(atoms::normal), term(atom("oops")), term(atoms::kill));
  a.tell([&](process& self) { self.link(b.id); });
  b.tell([&](process& self) { self.exit(reason); });
  CHECK(a.got == std::vector{exit_message(b.id, reason)});
  CHECK(a.alive());
}

TEST_CASE("a link to a dead process answers with noproc") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0, true);
  actor b(w, there);
  b.tell([](process& self) { self.exit(term(atoms::normal)); });
  a.tell([&](process& self) { self.link(b.id); });
  CHECK(a.got == std::vector{exit_message(b.id, term(atoms::noproc))});
}

TEST_CASE("no exit signal arrives after unlink has returned") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0, true);
  actor b(w, there);
  a.tell([&](process& self) { self.link(b.id); });
  // Both in the same instant: b's exit and a's unlink cross.
  b.tell_later([](process& self) { self.exit(term(atom("crossing"))); });
  a.tell_later([&](process& self) {
    self.unlink(b.id);
    // What has come before unlink is a message like any other.
    static_cast<void>(self.take([](term_ref m) { return m.is_tuple(atoms::exit_signal, 3); }));
  });
  w.settle();
  CHECK(a.got.empty());
  CHECK(a.alive());
}

TEST_CASE("a link that is made again while its unlink waits for the answer is a link") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0, true);
  actor b(w, there);
  a.tell([&](process& self) {
    self.link(b.id);
    self.unlink(b.id);
    self.link(b.id);
  });
  b.tell([](process& self) { self.exit(term(atom("oops"))); });
  CHECK(a.got == std::vector{exit_message(b.id, term(atom("oops")))});
}

TEST_CASE("exit signals: kill cannot be trapped and becomes killed; normal does nothing") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0, true);
  actor b(w, there, true);
  actor c(w, there);
  a.tell([&](process& self) {
    self.link(b.id);
    self.exit(b.id, atoms::kill);
    self.exit(c.id, atoms::normal);
  });
  CHECK_FALSE(b.alive());
  CHECK(a.got == std::vector{exit_message(b.id, term(atoms::killed))});
  CHECK(c.alive());
  a.tell([&](process& self) { self.exit(c.id, atom("other")); });
  CHECK_FALSE(c.alive());
}

TEST_CASE("a monitor reports the true reason, once") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0);
  actor b(w, there);
  reference ref;
  a.tell([&](process& self) { ref = self.monitor(b.id); });
  const term reason = term::tuple({atom("bad"), term(42)});
  b.tell([&](process& self) { self.exit(reason); });
  CHECK(a.got == std::vector{down_message(ref, b.id, reason)});
}

TEST_CASE("a monitor on nobody reports noproc at once, by pid and by name") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0);
  actor b(w, there);
  b.tell([](process& self) { self.exit(term(atoms::normal)); });
  reference by_pid;
  reference by_name;
  a.tell([&](process& self) {
    by_pid = self.monitor(b.id);
    by_name = self.monitor("nobody_has_this_name");
  });
  REQUIRE(a.got.size() == 2);
  const auto contains = [&](const term& t) {
    return std::find(a.got.begin(), a.got.end(), t) != a.got.end();
  };
  CHECK(contains(down_message(by_pid, b.id, term(atoms::noproc))));
  CHECK(contains(
      term::tuple({atoms::down, term(by_name), atoms::process,
                   term::tuple({atom("nobody_has_this_name"), term(a.id.node)}), atoms::noproc})));
}

TEST_CASE("a process that monitors itself watches nothing") {
  world w;
  actor a(w, 0);
  bool by_pid = true;
  bool by_name = true;
  a.tell([&](process& self) {
    self.register_name("itself");
    by_pid = self.demonitor(self.monitor(self.self()));
    by_name = self.demonitor(self.monitor("itself"));
  });
  CHECK_FALSE(by_pid);
  CHECK_FALSE(by_name);
  CHECK(a.got.empty());
}

TEST_CASE("a monitor by name follows the process that had the name, and says the name") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0);
  actor b(w, there);
  b.tell([](process& self) { self.register_name("watched"); });
  reference ref;
  a.tell([&](process& self) { ref = self.monitor("watched"); });
  b.tell([](process& self) { self.unregister_name("watched"); });
  CHECK(a.got.empty());
  b.tell([](process& self) { self.exit(term(atom("bye"))); });
  CHECK(a.got ==
        std::vector{term::tuple({atoms::down, term(ref), atoms::process,
                                 term::tuple({atom("watched"), term(a.id.node)}), atom("bye")})});
}

TEST_CASE("demonitor silences a monitor; with flush also one that has spoken") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0);
  actor b(w, there);
  reference ref;
  a.tell([&](process& self) { ref = self.monitor(b.id); });
  bool was_there = false;
  SECTION("before the end") {
    a.tell([&](process& self) { was_there = self.demonitor(ref); });
    REQUIRE(was_there);
    b.tell([](process& self) { self.exit(term(atom("bye"))); });
  }
  SECTION("after the end, flushed") {
    b.tell_later([](process& self) { self.exit(term(atom("bye"))); });
    a.tell_later([&](process& self) { was_there = self.demonitor(ref, true); });
    w.settle();
  }
  CHECK(a.got.empty());
}

TEST_CASE("an alias delivers until it is closed") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0);
  actor b(w, there);
  reference alias;
  a.tell([&](process& self) { alias = self.alias(); });
  b.tell([&](process& self) { self.send(alias, atom("one")); });
  CHECK(a.lines() == log_lines{"one"});
  a.tell([&](process& self) { CHECK(self.unalias(alias)); });
  b.tell([&](process& self) { self.send(alias, atom("two")); });
  CHECK(a.lines() == log_lines{"one"});
}

TEST_CASE("an alias for one reply takes one message, and ends its monitor with it") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, 0);
  actor b(w, there);
  reference ref;
  a.tell([&](process& self) { ref = self.monitor(b.id, alias_mode::reply_demonitor); });
  b.tell([&](process& self) {
    self.send(ref, atom("reply"));
    self.send(ref, atom("too_much"));
    self.exit(term(atom("bye")));
  });
  CHECK(a.lines() == log_lines{"reply"});
}

TEST_CASE("without distribution another node is a node that cannot be reached") {
  const std::size_t there = GENERATE(0U, 1U);
  world w(2);
  actor a(w, there, true);
  const pid far{"far@127.0.0.1", 5, 0, 9};
  reference ref;
  a.tell([&](process& self) {
    self.link(far);
    ref = self.monitor(destination("name", "far@127.0.0.1"));
    self.monitor_node("far@127.0.0.1");
  });
  std::vector<std::string> lines = a.lines();
  std::sort(lines.begin(), lines.end());
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("{'DOWN',"));
  CHECK(lines[0].ends_with(",process,{name,'far@127.0.0.1'},noconnection}"));
  CHECK(lines[1].starts_with("{'EXIT',"));
  CHECK(lines[1].ends_with(",noconnection}"));
  CHECK(lines[2] == "{nodedown,'far@127.0.0.1'}");
}

TEST_CASE("a child spawned with link and monitor on another scheduler is linked and monitored from "
          "the start") {
  world w(2);
  actor a(w, 0, true);
  spawned child;
  a.tell([&](process& self) {
    child = self.spawn_body(make_body([](process& me) -> task<> {
                              const term reason(atom("early"));
                              me.exit(reason);
                              co_return;
                            }),
                            {.link = true, .monitor = true, .scheduler = 1});
  });
  REQUIRE(a.got.size() == 2);
  CHECK(std::find(a.got.begin(), a.got.end(), exit_message(child.process, term(atom("early")))) !=
        a.got.end());
  CHECK(std::find(a.got.begin(), a.got.end(),
                  down_message(child.monitor, child.process, term(atom("early")))) != a.got.end());
}

TEST_CASE("when everybody has ended nothing is left") {
  world w(2);
  {
    actor a(w, 0);
    actor b(w, 1);
    a.tell([&](process& self) {
      self.link(b.id);
      self.monitor(b.id);
      self.register_name("a");
      self.send_after(1s, b.id, atom("later"));
    });
    a.tell([](process& self) { self.exit(term(atom("end"))); });
    CHECK_FALSE(b.alive());
  }
  w.pass(2s);
  CHECK(w.system.process_count == 0);
  CHECK(w.system.at(0).timers().size() == 0);
}

TEST_CASE("stopping with linked and monitored processes that wait leaves nothing behind") {
  world w(2);
  actor a(w, 0);
  actor b(w, 0);
  actor c(w, 0);
  actor d(w, 0);
  a.tell([&](process& self) { self.link(b.id); });
  c.tell([&](process& self) {
    self.link(d.id);
    self.monitor(a.id);
  });
  w.system.stop();
  CHECK(w.system.process_count == 0);
}

TEST_CASE("only the node of a monitored process can say that it has ended") {
  world w;
  actor a(w, 0);
  actor b(w, 0);
  reference ref;
  a.tell([&](process& self) { ref = self.monitor(b.id); });
  w.system.at(0).route({.kind = runtime::signal_kind::down,
                        .from = pid{"liar@127.0.0.1", 1, 0, 4},
                        .to = a.id,
                        .ref = ref,
                        .body = term(atom("lie"))});
  w.settle();
  CHECK(a.got.empty());
  b.tell([](process& self) { self.exit(term(atom("truth"))); });
  CHECK(a.got == std::vector{down_message(ref, b.id, term(atom("truth")))});
}

TEST_CASE("exit to oneself has happened when it returns") {
  world w;
  actor a(w, 0);
  bool after = false;
  a.tell([&](process& self) {
    self.exit(self.self(), atoms::normal);
    after = true;
  });
  CHECK_FALSE(a.alive());
  CHECK_FALSE(after);
}

TEST_CASE("a forged pid of a scheduler that does not exist is nobody") {
  world w(3);
  actor a(w, 0);
  bool named = true;
  a.tell([&](process& self) {
    const pid forged{self.node(), 0x0f, 0, 0};
    named = self.register_name("forged", forged);
    self.send(forged, term(1));
    self.link(forged);
  });
  CHECK_FALSE(named);
  CHECK_FALSE(a.alive()); // the link found nobody
}
