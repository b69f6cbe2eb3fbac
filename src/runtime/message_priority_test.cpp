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

constexpr auto high = message_priority::high;
using texts = std::vector<std::string>;

const auto is_go = [](term_ref m) { return m.is(atom("go")); };

/// All that waits, in order, once `go` has come: tuples by their first element.
task<> read_all(process& self, texts* out) {
  auto command = co_await self.receive(is_go);
  for (;;) {
    auto m = co_await self.receive(0s);
    if (!m)
      break;
    out->push_back(m.body().is_tuple() ? to_string(m.body().element(0)) : to_string(m.body()));
  }
}

/// Runs `use(process&)` as a process, and settles.
template <class Use> void as_process(world& w, Use use) {
  w.spawn([use](process& self) -> task<> {
    const Use action = use;
    action(self);
    co_return;
  });
  w.settle();
}

} // namespace

TEST_CASE("messages of high priority come before others, in their own order") {
  for (const std::size_t scheduler : {0U, 1U}) {
    world w(2);
    texts read;
    reference urgent;
    reference plain;
    const pid reader = w.spawn_on(scheduler, [&](process& self) -> task<> {
      const auto out = &read;
      urgent = self.alias(alias_mode::explicit_unalias, high);
      plain = self.alias();
      co_await read_all(self, out);
    });
    w.settle();
    as_process(w, [&](process& self) {
      self.send(reader, 1);
      self.send(urgent, term(10), high);
      self.send(reader, 2);
      self.send(urgent, 3);            // the sender does not ask for it
      self.send(plain, term(4), high); // the receiver does not allow it
      self.send(urgent, term(11), high);
      self.send(reader, atom("go"));
    });
    CHECK(read == texts{"10", "11", "1", "2", "3", "4"});
  }
}

TEST_CASE("a receive that waits looks at a message of high priority") {
  world w;
  texts read;
  reference urgent;
  const pid reader = w.spawn([&](process& self) -> task<> {
    const auto is_ten = [](term_ref m) { return m.to_int64() == 10; };
    urgent = self.alias(alias_mode::explicit_unalias, high);
    auto found = co_await self.receive(is_ten);
    read.push_back(to_string(found.body()));
    for (int i = 0; i < 3; ++i) {
      auto m = co_await self.receive();
      read.push_back(to_string(m.body()));
    }
  });
  w.settle();
  as_process(w, [&](process& self) {
    self.send(reader, 1);
    self.send(reader, 2);
  });
  as_process(w, [&](process& self) { self.send(urgent, term(9), high); });
  as_process(w, [&](process& self) { self.send(urgent, term(10), high); });
  CHECK(read == texts{"10", "9", "1", "2"});
}

TEST_CASE("a mark does not hide a message of high priority") {
  world w;
  bool found = false;
  w.spawn([&](process& self) -> task<> {
    const auto is_ten = [](term_ref m) { return m.to_int64() == 10; };
    const reference urgent = self.alias(alias_mode::explicit_unalias, high);
    for (int i = 0; i < 3; ++i)
      self.send(self.self(), i);
    const receive_mark mark = self.mark();
    self.send(urgent, term(10), high);
    auto m = co_await self.receive(is_ten, 0s, mark);
    found = static_cast<bool>(m);
  });
  w.settle();
  CHECK(found);
}

TEST_CASE("downs and exits can have high priority") {
  world w(2);
  texts read;
  std::vector<pid> others;
  for (int i = 0; i < 4; ++i)
    others.push_back(w.spawn_on(static_cast<std::size_t>(i % 2), [](process& self) -> task<> {
      auto m = co_await self.receive(is_go);
    }));
  const pid reader = w.spawn([&](process& self) -> task<> {
    const auto out = &read;
    self.trap_exit(true);
    self.link(others[0], high);
    self.link(others[1]);
    static_cast<void>(self.monitor(others[2], alias_mode::none, high));
    static_cast<void>(self.monitor(others[3]));
    co_await read_all(self, out);
  });
  w.settle();
  as_process(w, [&](process& self) { self.send(reader, 1); });
  for (const pid& each : others)
    as_process(w, [&](process& self) { self.send(each, atom("go")); });
  as_process(w, [&](process& self) { self.send(reader, atom("go")); });
  CHECK(read == texts{"'EXIT'", "'DOWN'", "1", "'EXIT'", "'DOWN'"});
}

TEST_CASE("a monitor of high priority allows it for its alias") {
  world w;
  texts read;
  reference ref;
  const pid other = w.spawn([](process& self) -> task<> { auto m = co_await self.receive(is_go); });
  const pid reader = w.spawn([&](process& self) -> task<> {
    const auto out = &read;
    ref = self.monitor(other, alias_mode::explicit_unalias, high);
    co_await read_all(self, out);
  });
  w.settle();
  as_process(w, [&](process& self) {
    self.send(reader, 1);
    self.send(ref, term(2), high);
    self.send(other, atom("go"));
  });
  as_process(w, [&](process& self) { // the alias is left when the monitor has ended
    self.send(ref, term(3), high);
    self.send(reader, atom("go"));
  });
  CHECK(read == texts{"2", "'DOWN'", "3", "1"});
}

TEST_CASE("messages of high priority that come together to a receive that waits stay in order") {
  world w;
  texts read;
  reference urgent;
  bool found_first = false;
  w.spawn([&](process& self) -> task<> {
    const auto is_one = [](term_ref m) { return m.to_int64() == 1; };
    urgent = self.alias(alias_mode::explicit_unalias, high);
    for (int i = 0; i < 2; ++i) {
      auto m = co_await self.receive();
      read.push_back(to_string(m.body()));
    }
    auto first = co_await self.receive(is_one);
    found_first = true;
  });
  w.settle();
  for (int i = 0; i < 2; ++i)
    as_process(w, [&](process& self) {
      self.send(urgent, term(1), high);
      self.send(urgent, term(2), high);
    });
  CHECK(read == texts{"1", "2"});
  CHECK(found_first);
}

TEST_CASE("a pattern may send to its own mailbox with high priority") {
  world w;
  texts read;
  w.spawn([&](process& self) -> task<> {
    const reference urgent = self.alias(alias_mode::explicit_unalias, high);
    int sent = 0;
    const auto is_two = [&](term_ref m) {
      if (sent++ < 2)
        self.send(urgent, term(10), high);
      return m.to_int64() == 2;
    };
    for (const int each : {1, 2, 3})
      self.send(self.self(), each);
    auto two = co_await self.receive(is_two);
    read.push_back(to_string(two.body()));
    for (;;) {
      auto m = co_await self.receive(0s);
      if (!m)
        break;
      read.push_back(to_string(m.body()));
    }
  });
  w.settle();
  CHECK(read == texts{"2", "10", "10", "1", "3"});
}

TEST_CASE("the priority of a link ends with it") {
  world w;
  texts read;
  const pid other = w.spawn([](process& self) -> task<> { auto m = co_await self.receive(is_go); });
  const pid reader = w.spawn([&](process& self) -> task<> {
    const auto out = &read;
    self.trap_exit(true);
    self.link(other, high);
    self.unlink(other);
    self.link(other);
    co_await read_all(self, out);
  });
  w.settle();
  as_process(w, [&](process& self) {
    self.send(reader, 1);
    self.send(other, atom("go"));
  });
  as_process(w, [&](process& self) { self.send(reader, atom("go")); });
  CHECK(read == texts{"1", "'EXIT'"});
}
