// Scenes about messages, in order and in quantity.
#include "scenes.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/process_info.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace soak {

using namespace std::chrono_literals;
namespace atoms = erl::atoms;

namespace {

/// Takes the numbers 0 to `total` - 1, and nothing else, in this order.
task<> listen(process& self, stage* all, erl::atom name, std::int64_t total) {
  const reference alias = self.alias();
  self.register_name(name);
  self.send(self.parent(), alias);
  for (std::int64_t i = 0; i < total; ++i) {
    auto m = co_await self.receive(setting::patience);
    if (!all->expect(m && m.body().to_int64() == i, "conversation: a message is missing, or late"))
      break;
  }
}

/// Sends 0 to `total` - 1, some of them in bursts, faster than they are taken.
task<> pour(process& self, stage* all, pid to, std::int64_t from, std::int64_t total) {
  dice d(static_cast<std::uint64_t>(from));
  for (std::int64_t i = 0; i < total;) {
    const std::int64_t burst = d.one_in(500) ? 3000 : 1;
    const std::int64_t end = std::min(total, i + burst);
    all->messages.add(static_cast<std::uint64_t>(end - i));
    for (; i < end; ++i)
      self.send(to, std::pair(from, i));
    co_await self.yield();
  }
}

/// Computes, and so holds its whole scheduler up.
void compute(process& self, duration time) {
  const auto end = self.now() + time;
  while (self.now() < end) {
  }
}

task<> drink(process& self, stage* all, std::int64_t producers, std::int64_t each) {
  std::vector<std::int64_t> next(static_cast<std::size_t>(producers), 0);
  for (std::int64_t i = 0; i < producers * each; ++i) {
    auto m = co_await self.receive(setting::patience);
    const auto drop = m.as<std::pair<std::int64_t, std::int64_t>>();
    if (!all->expect(drop && drop->second == next.at(static_cast<std::size_t>(drop->first))++,
                     "flood: a message is missing, or late"))
      break;
    if (i % 10'000 == 0)
      compute(self, 5ms);
  }
}

task<> never_look(process& self) {
  const auto never = [](erl::term_ref) { return false; };
  auto m = co_await self.receive(never);
}

task<> leave(process& self) {
  [[maybe_unused]] const pid me = self.self();
  co_return;
}

task<> watch_letters(process& self, stage* all, pid dead) {
  const term letter = term(self.make_reference());
  const auto is_mine = [&](erl::term_ref m) {
    return m.is_tuple(3) && m.element(0).is(erl::atom("dead_letter")) && m.element(2) == letter;
  };
  self.watch_dead_letters(true);
  self.send(dead, letter);
  auto m = co_await self.receive(is_mine, setting::patience);
  const auto found = m.as<erl::dead_letter>();
  all->expect(found && found->to == term(dead), "dead letters: one was not told");
}

} // namespace

task<> conversation(const setting& at) {
  process& self = at.self;
  const erl::atom name{std::string_view(at.name)};
  const auto total = static_cast<std::int64_t>(at.d.below(2000));
  const auto listener = at.start({.monitor = true}, listen, &at.all, name, total);
  const auto first = [](erl::term_ref m) { return m.to_reference().has_value(); };
  auto introduction = co_await self.receive(first, setting::patience);
  const auto alias = introduction.as<reference>();
  if (!at.expect(alias.has_value(), "no listener"))
    co_return;
  for (std::int64_t i = 0; i < total; ++i) {
    const std::uint64_t way = at.d.below(3);
    self.send(way == 0   ? erl::destination(listener.process)
              : way == 1 ? erl::destination(name)
                         : erl::destination(*alias),
              i);
    co_await self.yield();
  }
  at.all.messages.add(static_cast<std::uint64_t>(total));
  auto m = co_await self.receive(setting::patience);
  const auto end = m.as<erl::down>();
  at.expect(end && end->monitor == listener.monitor && end->reason.is(atoms::normal),
            "the listener did not end well");
  at.expect(!self.whereis(name), "the listener's name has outlived it");
}

task<> flood(const setting& at) {
  const auto producers = static_cast<std::int64_t>(1 + at.d.below(4));
  const auto each = static_cast<std::int64_t>(at.d.below(40'000)) / producers;
  erl::spawn_options options{.monitor = true};
  if (at.d.one_in(2))
    options.mailbox = {.messages = 1000, .when_full = erl::full_mailbox::block_sender};
  const auto consumer = at.start(options, drink, &at.all, producers, each);
  for (std::int64_t i = 0; i < producers; ++i)
    at.start({.monitor = true}, pour, &at.all, consumer.process, i, each);
  for (std::int64_t i = 0; i <= producers; ++i) {
    auto m = co_await at.self.receive(setting::patience);
    const auto end = m.as<erl::down>();
    if (!at.expect(end && end->reason.is(atoms::normal), "somebody did not end well"))
      co_return;
  }
}

task<> full_mailboxes(const setting& at) {
  constexpr std::uint32_t room = 10;
  const auto when_full = static_cast<erl::full_mailbox>(at.d.below(3));
  const auto receiver = at.start(
      {.monitor = true, .mailbox = {.messages = room, .when_full = when_full}}, never_look);
  const auto count = static_cast<std::int64_t>(at.d.below(100));
  for (std::int64_t i = 0; i < count; ++i)
    at.self.send(receiver.process, i);
  at.all.messages.add(static_cast<std::uint64_t>(count));
  const bool ends = when_full == erl::full_mailbox::kill && count > room;
  if (!ends) {
    auto known = co_await erl::info(at.self, receiver.process);
    at.expect(known && known->message_queue_len ==
                           std::min(static_cast<std::uint64_t>(count), std::uint64_t{room}),
              "the mailbox did not keep its limit");
    at.self.exit(receiver.process, atoms::kill);
  }
  auto m = co_await at.self.receive(setting::patience);
  const auto end = m.as<erl::down>();
  at.expect(end && end->reason.is(ends ? erl::atom("mailbox_full") : atoms::killed),
            "the receiver did not end as it should");
}

task<> dead_letters(const setting& at) {
  const auto brief = at.start({.monitor = true}, leave);
  auto ended = co_await at.self.receive(setting::patience);
  // Another process, which leaves all the other dead letters behind.
  at.start({.monitor = true}, watch_letters, &at.all, brief.process);
  auto m = co_await at.self.receive(setting::patience);
  at.expect(ended && m, "somebody did not end");
}

} // namespace soak
