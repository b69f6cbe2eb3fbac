#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

const atom go("go");

const auto is_go = [](term_ref m) { return m.is(go); };

/// Takes so many messages each time it is told to.
task<> read_on_command(process& self, int& at_once) {
  self.register_name("receiver");
  const auto is_number = [](term_ref m) { return !m.is(go); };
  for (;;) {
    auto command = co_await self.receive(is_go);
    for (int i = 0; i < at_once; ++i)
      auto m = co_await self.receive(is_number, 0s);
  }
}

/// Sends numbers for ever.
task<> flood(process& self, pid& to, std::int64_t* sent) {
  for (;;) {
    self.send(to, ++*sent);
    co_await self.yield();
  }
}

struct setting {
  explicit setting(std::size_t receivers_scheduler, std::uint32_t limit = 10) : w(2) {
    w.spawn([this, receivers_scheduler, limit](process& self) -> task<> {
      const mailbox_limit mailbox{.messages = limit, .when_full = full_mailbox::block_sender};
      receiver =
          self.spawn_body(make_body(read_on_command, 8),
                          {.mailbox = mailbox, .scheduler = static_cast<int>(receivers_scheduler)})
              .process;
      co_return;
    });
    w.settle();
  }
  std::size_t waiting() { return w.system.owner_of(receiver).find(receiver)->inbox.size(); }
  void tell(const pid& who) {
    w.spawn([who](process& self) -> task<> {
      const pid to = who;
      self.send(to, go);
      co_return;
    });
    w.settle();
  }
  world w;
  pid receiver;
};

} // namespace

TEST_CASE("who fills a mailbox that blocks goes on when half of it is free") {
  for (const std::size_t scheduler : {0U, 1U}) {
    setting s(scheduler);
    std::int64_t sent = 0;
    const pid sender = s.w.spawn(flood, s.receiver, &sent);
    s.w.settle();
    const std::int64_t at_first = sent;
    CHECK(s.waiting() == static_cast<std::size_t>(at_first));
    CHECK(at_first >= 11);
    CHECK(at_first < (scheduler == 0 ? 12 : 20'000));
    CHECK(s.w.alive(sender));
    while (sent == at_first)
      s.tell(s.receiver);
    CHECK(s.w.system.dead_letters == 0);
  }
}

TEST_CASE("who fills a mailbox that blocks with objects is stopped as well") {
  for (const std::size_t scheduler : {0U, 1U}) {
    setting s(scheduler);
    const std::int64_t most = 200'000;
    std::int64_t sent = 0;
    s.w.spawn([&](process& self) -> task<> {
      const pid to = s.receiver;
      while (sent < most) {
        self.send_object(to, ++sent);
        co_await self.yield();
      }
    });
    s.w.settle();
    CHECK(sent < most);
    CHECK(s.w.system.dead_letters == 0);
  }
}

TEST_CASE("who waits for room can be ended, and goes on when the receiver has ended") {
  for (const std::size_t scheduler : {0U, 1U}) {
    setting s(scheduler);
    std::int64_t sent = 0;
    const pid first = s.w.spawn(flood, s.receiver, &sent);
    const pid second = s.w.spawn(flood, s.receiver, &sent);
    s.w.settle();
    s.w.spawn([&](process& self) -> task<> {
      self.exit(first, atoms::kill);
      co_return;
    });
    s.w.settle();
    CHECK_FALSE(s.w.alive(first));
    const std::int64_t before = sent;
    s.w.spawn([&](process& self) -> task<> {
      self.exit(s.receiver, atoms::kill);
      co_return;
    });
    for (int i = 0; i < 10; ++i)
      for (std::size_t each = 0; each < 2; ++each)
        s.w.system.at(each).round();
    CHECK(s.w.alive(second));
    CHECK(sent > before);
  }
}

TEST_CASE("two processes that wait for room in each other's mailboxes go on after five seconds") {
  world w;
  int turns = 0;
  const auto talk = [&turns](process& self, atom& own, atom& other) -> task<> {
    const destination to = other;
    self.register_name(own);
    self.limit_mailbox({.messages = 2, .when_full = full_mailbox::block_sender});
    auto begin = co_await self.receive(is_go);
    for (int i = 0; i < 3; ++i)
      self.send(to, i);
    co_await self.yield();
    ++turns;
  };
  const pid a = w.spawn(talk, atom("a"), atom("b"));
  const pid b = w.spawn(talk, atom("b"), atom("a"));
  w.settle();
  w.spawn([&](process& self) -> task<> {
    self.send(a, go);
    self.send(b, go);
    co_return;
  });
  w.pass(4s);
  CHECK(turns == 0);
  w.pass(2s);
  CHECK(turns == 2);
}

TEST_CASE("senders that never wait cannot fill a mailbox that blocks without end") {
  setting s(1);
  s.w.spawn([&](process& self) -> task<> {
    const pid to = s.receiver;
    for (std::int64_t i = 0; i < 100'000; ++i)
      self.send(to, i);
    co_return;
  });
  s.w.settle();
  CHECK(s.waiting() == 40'020);
  CHECK(s.w.system.dead_letters == 100'000 - 40'020);
}

TEST_CASE("nothing is lost of what comes before the process whose mailbox blocks has begun") {
  world w(3);
  constexpr std::int64_t total = 100;
  std::int64_t got = 0;
  auto& there = w.system.at(2);
  const pid child = there.reserve();
  w.spawn_on(1, [&](process& self) -> task<> {
    for (std::int64_t i = 0; i < total; ++i)
      self.send(child, i);
    co_return;
  });
  w.system.at(1).round();
  there.round();
  there.handle({.kind = runtime::signal_kind::spawn,
                .to = child,
                .what = make_body([&](process& self) -> task<> {
                  for (; got < total; ++got)
                    auto m = co_await self.receive();
                }),
                .mailbox = {.messages = 10, .when_full = full_mailbox::block_sender}});
  w.settle();
  CHECK(got == total);
  CHECK(w.system.dead_letters == 0);
}

TEST_CASE("who watches mailboxes is told when one is long, and when it is short again") {
  for (const std::size_t scheduler : {0U, 1U}) {
    world w(2);
    std::vector<mailbox_alarm> alarms;
    const auto watch = [&alarms](process& self) -> task<> {
      self.watch_mailboxes(100, 10);
      for (;;) {
        auto m = co_await self.receive();
        if (m.body().is(go))
          break;
        alarms.push_back(*m.as<mailbox_alarm>());
      }
    };
    const pid reader = w.spawn_on(scheduler, read_on_command, 50);
    const pid watcher = w.spawn(watch);
    w.settle();
    const auto send = [&](int count) {
      w.spawn([reader, count](process& self) -> task<> {
        const pid to = reader;
        for (std::int64_t i = 0; i < count; ++i)
          self.send(to, i);
        co_return;
      });
      w.settle();
    };
    send(100);
    CHECK(alarms.empty());
    send(100);
    REQUIRE(alarms.size() == 1);
    CHECK(alarms[0].process == reader);
    CHECK(alarms[0].is_long);
    const auto read_50 = [&] {
      w.spawn([reader](process& self) -> task<> {
        const pid to = reader;
        self.send(to, go);
        co_return;
      });
      w.settle();
    };
    for (int i = 0; i < 3; ++i)
      read_50();
    CHECK(alarms.size() == 1);
    read_50();
    REQUIRE(alarms.size() == 2);
    CHECK_FALSE(alarms[1].is_long);
    send(101);
    CHECK(alarms.size() == 3);

    w.spawn([&](process& self) -> task<> {
      self.send(watcher, go);
      co_return;
    });
    w.settle();
    CHECK_FALSE(w.alive(watcher));
    for (int i = 0; i < 10; ++i)
      read_50();
    send(200);
    CHECK(w.system.dead_letters == 0);
  }
}

TEST_CASE("a pattern may send to its own full mailbox") {
  world w;
  int looked_at = 0;
  w.spawn([&](process& self) -> task<> {
    const auto send_to_self = [&](term_ref m) {
      ++looked_at;
      if (looked_at < 10)
        self.send(self.self(), term("another one that does not fit into a word"));
      return m.is(go);
    };
    self.limit_mailbox({.messages = 1, .when_full = full_mailbox::drop_oldest});
    self.send(self.self(), term("the first one, which does not fit into a word"));
    auto m = co_await self.receive(send_to_self, 1s);
  });
  w.pass(2s);
  CHECK(looked_at >= 1);
  CHECK(w.system.process_count == 0);
}

TEST_CASE("who finds a mailbox full that did not know of it is told when there is room") {
  // It is full by messages for which nobody had to wait.
  world w(2);
  bool went_on = false;
  pid receiver;
  w.spawn_on(1, [&](process& self) -> task<> {
    receiver = self.self();
    self.limit_mailbox({.messages = 2, .when_full = full_mailbox::block_sender});
    for (;;) {
      auto m = co_await self.receive(is_go);
      for (;;) {
        auto other = co_await self.receive(0s);
        if (!other)
          break;
      }
    }
  });
  w.settle();
  auto& there = w.system.at(1);
  auto* block = there.find(receiver);
  for (std::int64_t i = 0; i < 2; ++i)
    block->deliver(term(i));
  there.handle({.kind = runtime::signal_kind::room_wanted,
                .from = w.spawn([&](process& self) -> task<> {
                  const pid to = receiver;
                  static_cast<runtime::process_block&>(self).wait_for_room(to);
                  co_await self.yield();
                  went_on = true;
                }),
                .to = receiver});
  w.settle();
  CHECK_FALSE(went_on);
  block->notify(term(go));
  w.settle();
  CHECK(went_on);
}
