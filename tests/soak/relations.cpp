// Scenes about who hears of whose end, and of names.
#include "scenes.hpp"
#include <erl/etf/atoms.hpp>

#include <vector>

namespace soak {

using namespace std::chrono_literals;
namespace atoms = erl::atoms;

namespace {

const erl::atom asked_to("asked_to");

/// Ends with the reason `asked_to` when it is told anything.
task<> end_when_told(process& self) {
  auto m = co_await self.receive();
  self.exit(asked_to);
}

/// Linked to a process that waits, whose pid it tells its parent.
task<> link_in_a_chain(process& self, stage* all, std::uint64_t seed) {
  dice d(seed);
  const auto next = start(self, *all, d, {.link = true}, end_when_told);
  self.send(self.parent(), next.process);
  auto never = co_await self.receive();
}

task<> claim(process& self, erl::atom name) {
  const bool got_it = self.register_name(name);
  self.send(self.parent(), erl::atom(got_it ? "mine" : "taken"));
  auto m = co_await self.receive();
}

/// A pid of a node that cannot be reached.
const pid far_away{erl::atom("nobody@nowhere"), 1, 1, 1};

/// The reason of the end of `who`, from its next `'EXIT'`.
task<term> exit_of(const setting& at, pid who) {
  const auto is_exit = [&](erl::term_ref m) {
    return m.is_tuple(3) && m.element(0).is(atoms::exit_signal) && m.element(1).to_pid() == who;
  };
  auto m = co_await at.self.receive(is_exit, setting::patience);
  const auto end = m.as<erl::exit_signal>();
  at.all.ends.add();
  co_return end ? end->reason : term();
}

/// The reason in the message that `monitor` ends with.
task<term> down_of(const setting& at, reference monitor) {
  const auto is_down = [&](erl::term_ref m) {
    return m.is_tuple(5) && m.element(0).is(atoms::down) && m.element(1).to_reference() == monitor;
  };
  auto m = co_await at.self.receive(is_down, setting::patience);
  const auto end = m.as<erl::down>();
  at.all.ends.add();
  co_return end ? end->reason : term();
}

task<> linked_child(const setting& at) {
  const auto child = at.start({.link = true}, end_when_told);
  const bool killed = at.d.one_in(2);
  if (killed)
    at.self.exit(child.process, atoms::kill);
  else
    at.self.send(child.process, atoms::stop);
  auto reason = co_await exit_of(at, child.process);
  at.expect(reason.is(killed ? atoms::killed : asked_to), "an EXIT with the wrong reason");
}

/// The link is gone before the child ends, at the same time, or after.
task<> unlinked_child(const setting& at) {
  const auto child = at.start({.link = true, .monitor = true}, end_when_told);
  const bool again = at.d.one_in(3);
  if (at.d.one_in(2))
    at.self.send(child.process, atoms::stop);
  if (at.d.one_in(2))
    auto pause = co_await at.self.receive([](erl::term_ref) { return false; }, at.d.up_to(100us));
  at.self.unlink(child.process);
  const auto is_exit = [](erl::term_ref m) { return erl::matches<erl::exit_signal>(m); };
  static_cast<void>(at.self.take(is_exit));
  if (again)
    at.self.link(child.process);
  at.self.send(child.process, atoms::stop);
  if (again)
    auto reason = co_await exit_of(at, child.process);
  auto reason = co_await down_of(at, child.monitor);
  at.expect(reason.is(asked_to), "a DOWN with the wrong reason");
  at.expect(!at.self.take(is_exit), "an EXIT after unlink");
}

task<> chain(const setting& at) {
  const auto child = at.start({.link = true}, link_in_a_chain, &at.all, at.d.roll());
  auto m = co_await at.self.receive(erl::any_of<pid>, setting::patience);
  const auto last = m.as<pid>();
  if (!at.expect(last.has_value(), "no chain"))
    co_return;
  at.self.exit(*last, atoms::kill);
  auto reason = co_await exit_of(at, child.process);
  at.expect(reason.is(atoms::killed), "the end did not come through the chain");
}

} // namespace

task<> links(const setting& at) {
  co_await linked_child(at);
  co_await unlinked_child(at);
  co_await chain(at);
  const pid ended = at.start({.monitor = true}, end_when_told).process;
  at.self.exit(ended, atoms::kill);
  auto m = co_await at.self.receive(setting::patience);
  at.self.link(ended);
  auto nobody = co_await exit_of(at, ended);
  at.expect(nobody.is(atoms::noproc), "a link to the dead");
  at.self.link(far_away);
  auto unreachable = co_await exit_of(at, far_away);
  at.expect(unreachable.is(atoms::noconnection), "a link to a node that is not there");
}

task<> monitors(const setting& at) {
  const auto child = at.start({}, end_when_told);
  const std::uint64_t count = 1 + at.d.below(40);
  std::vector<reference> kept;
  kept.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i)
    kept.push_back(at.self.monitor(child.process, static_cast<erl::alias_mode>(at.d.below(4))));
  const bool told_early = at.d.one_in(2);
  if (told_early)
    at.self.send(child.process, atoms::stop);
  for (std::uint64_t i = at.d.below(count); i > 0; --i) {
    static_cast<void>(at.self.demonitor(kept.back(), true));
    static_cast<void>(at.self.unalias(kept.back()));
    kept.pop_back();
  }
  if (!told_early)
    at.self.send(child.process, atoms::stop);
  for (const reference& each : kept) {
    auto reason = co_await down_of(at, each);
    at.expect(reason.is(asked_to), "a DOWN with the wrong reason");
    static_cast<void>(at.self.unalias(each));
  }
  auto dead = co_await down_of(at, at.self.monitor(child.process));
  at.expect(dead.is(atoms::noproc), "a monitor of the dead");
  auto unknown = co_await down_of(at, at.self.monitor("nobody has this name"));
  at.expect(unknown.is(atoms::noproc), "a monitor of an unknown name");
  auto unreachable = co_await down_of(at, at.self.monitor(far_away));
  at.expect(unreachable.is(atoms::noconnection), "a monitor on a node that is not there");
}

task<> names(const setting& at) {
  const erl::atom name{std::string_view(at.name)};
  const std::uint64_t count = 2 + at.d.below(4);
  std::vector<pid> rivals;
  rivals.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i)
    rivals.push_back(at.start({.link = true}, claim, name).process);
  std::uint64_t winners = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto m = co_await at.self.receive(erl::any_of<erl::atom>, setting::patience);
    winners += m && m.body().is(erl::atom("mine")) ? 1 : 0;
  }
  at.expect(winners == 1, "a name did not go to exactly one");
  at.self.send(name, atoms::stop);
  auto m = co_await at.self.receive(setting::patience);
  const auto end = m.as<erl::exit_signal>();
  at.expect(end && end->reason.is(atoms::normal), "the one with the name did not get its message");
  at.expect(!at.self.whereis(name), "a name has outlived its owner");
  for (const pid& each : rivals)
    at.self.send(each, atoms::stop);
  for (std::uint64_t i = 1; i < count; ++i)
    auto other = co_await at.self.receive(setting::patience);
}

} // namespace soak
