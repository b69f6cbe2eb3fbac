#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

using log_lines = std::vector<std::string>;

/// Waits for `go`, then writes down all that waits.
task<> read_late(process& self, log_lines* out) {
  auto go = co_await self.receive([](term_ref m) { return m.is(atom("go")); });
  for (;;) {
    auto m = co_await self.receive(duration::zero());
    if (!m)
      break;
    out->push_back(to_string(m.body()));
  }
}

task<> watch_dead_letters(process& self, log_lines* out) {
  auto before = self.trap_exit(false);
  self.watch_dead_letters(true);
  for (;;) {
    auto m = co_await self.receive();
    if (const auto dead = m.as<dead_letter>())
      out->push_back(to_string(dead->message));
    else if (m.body().is(atom("enough")))
      self.watch_dead_letters(before);
  }
}

struct result {
  log_lines read, dead;
  bool alive = false;
};

/// Sends 1..5 to a process whose mailbox takes three, on the sender's scheduler or another.
result flood(std::size_t scheduler, full_mailbox when_full) {
  result r;
  world w(2);
  w.spawn(watch_dead_letters, &r.dead);
  pid receiver;
  w.spawn([&](process& self) -> task<> {
    const auto body = &r.read;
    receiver = self.spawn_body(make_body(read_late, body),
                               {.mailbox = {.messages = 3, .when_full = when_full},
                                .scheduler = static_cast<int>(scheduler)})
                   .process;
    co_return;
  });
  w.settle();
  w.spawn([&](process& self) -> task<> {
    for (int i = 1; i <= 5; ++i)
      self.send(receiver, i);
    co_return;
  });
  w.settle();
  r.alive = w.alive(receiver);
  w.spawn([&](process& self) -> task<> {
    self.exit(receiver, term(atoms::normal)); // ignored
    self.send(receiver, atom("go"));
    co_return;
  });
  w.settle();
  return r;
}

} // namespace

TEST_CASE("a full mailbox drops the newest message, which is a dead letter") {
  for (const std::size_t scheduler : {0U, 1U}) {
    const result r = flood(scheduler, full_mailbox::drop_newest);
    CHECK(r.alive);
    CHECK(r.dead == log_lines{"4", "5", "go"});
    CHECK(r.read.empty()); // `go` did not come in either
  }
}

TEST_CASE("a full mailbox drops the oldest message, which is a dead letter") {
  for (const std::size_t scheduler : {0U, 1U}) {
    const result r = flood(scheduler, full_mailbox::drop_oldest);
    CHECK(r.alive);
    CHECK(r.dead == log_lines{"1", "2", "3"});
    CHECK(r.read == log_lines{"4", "5"});
  }
}

TEST_CASE("a full mailbox ends its process") {
  for (const std::size_t scheduler : {0U, 1U}) {
    const result r = flood(scheduler, full_mailbox::kill);
    CHECK_FALSE(r.alive);
    REQUIRE_FALSE(r.dead.empty());
    CHECK(r.dead.front() == "4");
  }
  world w;
  std::string reason;
  w.spawn([&](process& self) -> task<> {
    const auto small = self.spawn_body(
        make_body([](process& it) -> task<> {
          auto never = co_await it.receive([](term_ref) { return false; });
        }),
        {.monitor = true, .mailbox = {.messages = 1, .when_full = full_mailbox::kill}});
    self.send(small.process, 1);
    self.send(small.process, 2);
    auto end = co_await self.receive(any_of<down>);
    reason = to_string(end.as<down>()->reason);
  });
  w.settle();
  CHECK(reason == "mailbox_full");
}

TEST_CASE("exits and downs come into a full mailbox") {
  world w;
  log_lines got;
  w.spawn([&](process& self) -> task<> {
    const auto brief = [](process&) -> task<> { co_return; };
    self.limit_mailbox({.messages = 0});
    self.trap_exit(true);
    self.spawn_link(brief);
    self.spawn_monitor(brief);
    self.send(self.self(), 1);
    for (int i = 0; i < 2; ++i) {
      auto m = co_await self.receive(1s);
      got.push_back(to_string(m.body().element(0)));
    }
  });
  w.settle();
  CHECK(got == log_lines{"'EXIT'", "'DOWN'"});
  CHECK(w.system.dead_letters == 1);
}

TEST_CASE("a full mailbox that drops the oldest keeps exits and downs") {
  world w;
  log_lines got;
  w.spawn([&](process& self) -> task<> {
    const auto brief = [](process&) -> task<> { co_return; };
    self.limit_mailbox({.messages = 2, .when_full = full_mailbox::drop_oldest});
    self.spawn_monitor(brief);
    auto pause = co_await self.receive([](term_ref) { return false; }, 1ms);
    for (int i = 1; i <= 4; ++i)
      self.send(self.self(), i);
    for (;;) {
      auto m = co_await self.receive(duration::zero());
      if (!m)
        break;
      got.push_back(m.body().is_tuple() ? "down" : to_string(m.body()));
    }
    // With nothing but what must stay, the new one goes.
    self.limit_mailbox({.messages = 1, .when_full = full_mailbox::drop_oldest});
    self.spawn_monitor(brief);
    auto again = co_await self.receive([](term_ref) { return false; }, 1ms);
    self.send(self.self(), 5);
    auto only = co_await self.receive(duration::zero());
    got.push_back(only.body().is_tuple() ? "down" : to_string(only.body()));
    CHECK_FALSE(self.take([](term_ref) { return true; }));
  });
  w.pass(1ms);
  w.pass(1ms);
  CHECK(got == log_lines{"down", "4", "down"});
}

TEST_CASE("the answer to an alias for one message comes into a full mailbox, once") {
  world w;
  log_lines got;
  w.spawn([&](process& self) -> task<> {
    self.limit_mailbox({.messages = 0});
    const reference alias = self.alias(alias_mode::reply_demonitor);
    const reference other = self.alias();
    self.send(other, 1);
    self.send(alias, 2);
    self.send(alias, 3);
    for (;;) {
      auto m = co_await self.receive(duration::zero());
      if (!m)
        break;
      got.push_back(to_string(m.body()));
    }
  });
  w.settle();
  CHECK(got == log_lines{"2"});
}

TEST_CASE("the receive under way goes on behind a message that was dropped") {
  world w;
  std::string got;
  const pid p = w.spawn([&](process& self) -> task<> {
    const auto is_go = [](term_ref m) { return m.is(atom("go")); };
    self.limit_mailbox({.messages = 2, .when_full = full_mailbox::drop_oldest});
    auto m = co_await self.receive(is_go);
    auto next = co_await self.receive(duration::zero());
    got = to_string(next.body());
  });
  w.settle();
  for (const int i : {1, 2, 3, 4}) {
    w.system.at(0).send({}, p, term(i));
    w.settle();
  }
  w.system.at(0).send({}, p, atom("go"));
  w.settle();
  CHECK_FALSE(w.alive(p));
  CHECK(got == "4");
}

TEST_CASE("dead letters tell to whom they went, and nothing about those who watch") {
  world w(2);
  log_lines dead;
  const pid watcher = w.spawn_on(1, watch_dead_letters, &dead);
  w.settle();
  auto& here = w.system.at(0);
  here.send({}, destination(atom("nobody")), term(1));
  w.settle();
  CHECK(dead == log_lines{"1"});
  CHECK(w.system.dead_letters == 1);
  here.send({}, watcher, atom("enough"));
  w.settle();
  here.send({}, destination(atom("nobody")), term(3)); // is only counted
  w.settle();
  CHECK(dead == log_lines{"1"});
  CHECK(w.system.dead_letters == 2);
}
