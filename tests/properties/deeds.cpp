/// What puppets do, inside their processes.
#include "actor.hpp"
#include "puppet_body.hpp"

#include <tuple>
#include <utility>
#include <vector>

namespace properties {

using erl::atom;
using erl::process;
using erl::reference;

void actor::send(puppet& from, puppet& to, const erl::destination& where, const sending& how,
                 process& self) {
  conversation& talk = to.from[from.number];
  const auto number = static_cast<std::int64_t>(talk.sent.size());
  const bool may_vanish = how.may_vanish || (to.limited && from.node != to.node);
  talk.sent.push_back({.may_vanish = may_vanish,
                       .size = how.size,
                       .life = from.life,
                       .epoch = from.block->owner().epoch_of(all_.name_of_node(to))});
  const reference alias =
      where.which() == erl::destination::kind::alias ? where.alias() : self.make_reference();
  if (all_.planted == invariant::order && number % 4 == 2 && !may_vanish) {
    talk.sent.push_back(talk.sent.back());
    self.send(where, numbered{from.number, to.number, number + 1, alias});
  }
  const numbered m{from.number, to.number, number, alias};
  if (how.size != 0)
    self.send(where, large{m, carried(from.number, number, how.size)});
  else if (!how.suspend) {
    if (self.send(where, erl::to_term(m), {.suspend = false}) == erl::send_result::ok)
      return;
    talk.sent.pop_back();
    ++all_.counted.nosuspend;
  } else if (number % 3 == 0)
    self.send_object(where, m);
  else
    self.send(where, m);
}

void actor::send_to_name(puppet& who, const puppet& other, atom name, process& self) {
  // Whoever has the name there gets it; the numbers are those of that conversation.
  const erl::sim::node& there = *all_.node_of(other).node;
  const auto holder = there.running() ? there.whereis(name) : std::nullopt;
  if (const int number = holder ? all_.number_of(*holder) : -1; number >= 0)
    send(who, all_.at(number), {name, all_.name_of_node(other)}, {.may_vanish = true}, self);
}

void actor::spawn_child(puppet& parent, std::uint32_t how, process& self) {
  if (!has_room(parent.node))
    return;
  puppet& p = add(parent.node);
  const auto schedulers = parent.block->owner().owner().size();
  p.limited = how % 7 == 0;
  erl::mailbox_limit mailbox;
  if (p.limited)
    mailbox = {.messages = 3, .when_full = erl::full_mailbox::block_sender};
  all_.enters(p);
  const erl::spawned child = self.spawn_body(make_puppet_body(all_, p),
                                             {.link = (how & 1) != 0,
                                              .monitor = (how & 2) != 0,
                                              .mailbox = mailbox,
                                              .scheduler = static_cast<int>(how / 4 % schedulers)});
  all_.begins(p, child.process);
  if ((how & 1) != 0)
    parent.linked.insert(p.number);
  if ((how & 2) != 0) {
    parent.watches.emplace(child.monitor, watch{.target = p.number, .node = self.node()});
    parent.watch_order.push_back(child.monitor);
  }
  send(parent, p, p.self, {}, self);
}

void actor::spawn_there(puppet& parent, std::uint32_t how, process& self) {
  const int there = 1 - parent.node;
  if (!has_room(there))
    return;
  puppet& p = add(there);
  p.begun = false;
  const request asked{.child = p.number,
                      .link = (how & 1) != 0,
                      .monitor = (how & 2) != 0,
                      .epoch = parent.block->owner().epoch_of(all_.name_of_node(p))};
  parent.requests.emplace(self.spawn_request(all_.name_of_node(p), served_module, served_name,
                                             erl::to_term(std::vector<int>{p.number}),
                                             {.link = asked.link, .monitor = asked.monitor}),
                          asked);
}

void actor::link(puppet& who, puppet& other, process& self) {
  who.silent.erase(other.number);
  other.silent.erase(who.number);
  self.link(other.self);
  who.asked.insert(other.number);
  if (!who.left_by.contains(other.number))
    who.linked.insert(other.number);
  if (all_.planted == invariant::link_end && who.node == other.node && other.block != nullptr) {
    who.block->extras().links.erase(other.self);
    other.block->extras().links.erase(who.self);
  }
  if (all_.planted == invariant::link_symmetry && !other.ended)
    who.block->extras().links.erase(other.self);
}

void actor::unlink(puppet& who, puppet& other, process& self) {
  const auto* link = who.block->extras().links.find(other.self);
  const bool linked = link != nullptr && link->unlinking == 0;
  self.unlink(other.self);
  who.asked.erase(other.number);
  who.linked.erase(other.number);
  other.linked.erase(who.number);
  other.left_by.insert(who.number);
  if (!linked)
    return;
  // What is in the mailbox already stays.
  who.silent[other.number] = {.after = who.received + who.block->inbox.size(),
                              .epoch = who.block->owner().epoch_of(all_.name_of_node(other))};
  if (all_.planted == invariant::quiet_unlink)
    who.block->notify(erl::to_term(std::tuple(atom("EXIT"), other.self, atom("crossed"))));
}

void actor::monitor(puppet& who, puppet& other, erl::alias_mode mode, process& self) {
  const atom node = all_.name_of_node(other);
  const std::uint32_t before = who.block->owner().epoch_of(node);
  const reference ref = self.monitor(other.self, mode);
  if (&who == &other && mode == erl::alias_mode::none)
    return; // it watches nothing
  who.watches.emplace(ref, watch{.target = other.number, .node = node, .epoch = before});
  who.watch_order.push_back(ref);
  if (mode != erl::alias_mode::none)
    add_alias(who, ref, mode);
  if (all_.planted == invariant::true_reasons && !other.ended)
    who.block->notify(
        erl::to_term(std::tuple(atom("DOWN"), ref, atom("process"), other.self, noproc)));
}

void actor::monitor_name(puppet& who, const puppet& other, atom name, process& self) {
  const atom node = all_.name_of_node(other);
  const std::uint32_t before = who.block->owner().epoch_of(node);
  const bool own = node == self.node() && self.whereis(name) == self.self();
  const reference ref = self.monitor({name, node});
  if (own)
    return; // it watches nothing
  who.watches.emplace(ref, watch{.node = node, .epoch = before});
  who.watch_order.push_back(ref);
}

void actor::demonitor(puppet& who, std::uint32_t which, bool flush, process& self) {
  if (who.watch_order.empty())
    return;
  const reference ref = who.watch_order[which % who.watch_order.size()];
  const bool found = self.demonitor(ref, flush);
  watch& w = who.watches.at(ref);
  if (found && w.ended)
    violated(invariant::one_end, "demonitor found a monitor whose DOWN had come");
  w.stopped = w.stopped || found || flush;
  if (const auto alias = who.aliases.find(ref);
      found && alias != who.aliases.end() &&
      alias->second.mode != erl::alias_mode::explicit_unalias)
    close(who, alias->second);
}

void actor::start_timer(puppet& who, std::uint32_t milliseconds, process& self) {
  const std::uint64_t number = ++all_.timers;
  who.timers[number] = false;
  who.running_timers.emplace_back(
      number, self.send_after(std::chrono::milliseconds(milliseconds), self.self(),
                              timer_message{static_cast<std::int64_t>(number)}));
}

/// What is in the mailbox already stays.
void actor::close(const puppet& who, open_alias& alias) {
  if (!alias.closed)
    alias.closed = who.received + who.block->inbox.size();
}

void actor::add_alias(puppet& who, const reference& ref, erl::alias_mode mode) {
  who.aliases.emplace(ref, open_alias{.mode = mode});
  who.alias_order.push_back(ref);
}

void actor::unalias(puppet& who, std::uint32_t which, process& self) {
  if (who.alias_order.empty())
    return;
  const reference ref = who.alias_order[which % who.alias_order.size()];
  self.unalias(ref);
  close(who, who.aliases.at(ref));
}

void actor::trap(puppet& who, bool on, process& self) {
  self.trap_exit(on);
  who.linked.clear(); // what happens at an end depends on when it came
  who.traps = who.traps || on;
}

void actor::cancel_timer(puppet& who, process& self) {
  if (who.running_timers.empty())
    return;
  const auto [number, ref] = who.running_timers.back();
  who.running_timers.pop_back();
  if (self.cancel_timer(ref))
    who.timers[number] = true;
}

} // namespace properties
