#include "judge.hpp"

#include <erl/etf/print.hpp>

#include <algorithm>

namespace properties {

using erl::atom;
using erl::reference;
using erl::term;

namespace {

class judge_of {
public:
  explicit judge_of(scene& all) : all_(all) {}
  void received(puppet& who, const term& m);
  void received_number(puppet& who, const numbered& m);

private:
  void received_large(puppet& who, const large& m);
  static void received_by_alias(puppet& who, const reference& ref, open_alias& alias);
  void received_reply(puppet& who, const erl::spawn_reply& m);
  void received_exit(puppet& who, const erl::exit_signal& m);
  void received_down(puppet& who, const term& body, const erl::down& m);
  void ended(puppet& who, int other, const term& reason);

  scene& all_;
};

void judge_of::received(puppet& who, const term& m) {
  if (const auto number = erl::try_decode<numbered>(m))
    return received_number(who, *number);
  if (const auto exit = erl::try_decode<erl::exit_signal>(m))
    return received_exit(who, *exit);
  if (const auto down = erl::try_decode<erl::down>(m))
    return received_down(who, m, *down);
  if (const auto with_more = erl::try_decode<large>(m))
    return received_large(who, *with_more);
  if (const auto reply = erl::try_decode<erl::spawn_reply>(m))
    return received_reply(who, *reply);
  if (const auto timer = erl::try_decode<timer_message>(m)) {
    if (who.timers.at(static_cast<std::uint64_t>(timer->number)))
      violated(invariant::one_end, "a timer fired that had been cancelled in time");
    return;
  }
  if (const auto lost = erl::try_decode<erl::nodedown>(m)) {
    if (all_.epoch(who.node, lost->node) == 0)
      violated(invariant::true_reasons, "nodedown, but no connection was ever lost");
    ++all_.counted.connections_lost;
    return;
  }
  violated(invariant::order, "a message that nobody sent: " + erl::to_string(m));
}

void judge_of::received_number(puppet& who, const numbered& m) {
  const auto from = static_cast<int>(m.from);
  const auto number = static_cast<std::size_t>(m.number);
  if (m.to != who.number)
    return; // the name went from one puppet to another meanwhile
  if (const auto alias = who.aliases.find(m.alias); alias != who.aliases.end())
    received_by_alias(who, m.alias, alias->second);
  if (who.end_seen.contains(from))
    violated(invariant::nothing_after, text(who) + " got a message of puppet " +
                                           std::to_string(from) + " after that one's end");
  conversation& talk = who.from[from];
  if (number < talk.arrived)
    violated(invariant::order, text(who) + " got message " + std::to_string(number) +
                                   " of puppet " + std::to_string(from) + " late or twice");
  // Of one life of the connection, only the end may be missing.
  const sent_message& came = talk.sent.at(number);
  for (std::size_t i = talk.arrived; i < number; ++i)
    if (const sent_message& lost = talk.sent[i];
        !lost.may_vanish && lost.life == came.life && lost.epoch == came.epoch)
      violated(invariant::order, text(who) + " has missed message " + std::to_string(i) +
                                     " of puppet " + std::to_string(from));
  talk.arrived = number + 1;
  ++all_.counted.messages;
}

void judge_of::received_large(puppet& who, const large& m) {
  const auto from = static_cast<int>(m.message.from);
  if (m.message.to != who.number)
    violated(invariant::order, text(who) + " got a large message for another one");
  received_number(who, m.message);
  const sent_message& sent = who.from[from].sent.at(static_cast<std::size_t>(m.message.number));
  if (!std::ranges::equal(m.carried, carried(from, m.message.number, sent.size)))
    violated(invariant::order, text(who) + " got a large message that is not what was sent");
  all_.counted.large_messages += all_.at(from).node != who.node ? 1 : 0;
}

void judge_of::received_by_alias(puppet& who, const reference& ref, open_alias& alias) {
  if (alias.closed && who.received > *alias.closed)
    violated(invariant::one_end, text(who) + " got a message by an alias that was closed");
  if (alias.mode != erl::alias_mode::reply_demonitor)
    return;
  alias.closed = 0;
  if (const auto its = who.watches.find(ref); its != who.watches.end())
    its->second.stopped = true;
}

/// `who` has heard that `other` has ended with a reason of its own.
void judge_of::ended(puppet& who, int other, const term& reason) {
  puppet& p = all_.at(other);
  if (!p.ended)
    violated(invariant::true_reasons, text(p) + " is said to have ended, and lives");
  if (reason.is(kill))
    violated(invariant::true_reasons, text(p) + " ended with kill: it should be killed");
  if (reason.is(normal) && !p.ended_normally)
    violated(invariant::true_reasons, text(p) + " ended normally without being told to");
  if (p.reason && *p.reason != reason)
    violated(invariant::true_reasons, text(p) + " ended with " + erl::to_string(*p.reason) +
                                          " for one and " + erl::to_string(reason) +
                                          " for another");
  p.reason = reason;
  all_have_arrived(all_, who, other, invariant::nothing_after);
  who.end_seen[other] = true;
  ++all_.counted.ends_heard;
  if (all_.planted == invariant::nothing_after && who.block != nullptr)
    who.block->notify(
        erl::to_term(numbered{other, who.number, 1000, who.block->owner().make_reference()}));
}

void judge_of::received_reply(puppet& who, const erl::spawn_reply& m) {
  const auto found = who.requests.find(m.request);
  if (found == who.requests.end() || found->second.answered)
    violated(invariant::one_end, "an answer to no spawn request, or a second one");
  request& asked = found->second;
  asked.answered = true;
  puppet& child = all_.at(asked.child);
  const atom there = all_.name_of_node(child);
  const auto process = m.result.to_pid();
  if (!process) {
    ++all_.counted.not_spawned;
    if (!m.result.is(noconnection) || all_.epoch(who.node, there) == asked.epoch)
      violated(invariant::true_reasons, "no process was started, for " + erl::to_string(m.result));
    return;
  }
  ++all_.counted.spawned_there;
  if (child.begun && child.self != *process)
    violated(invariant::one_end, "a spawn request has started two processes");
  all_.begins(child, *process);
  // What it did before it read this counts as well.
  if (asked.link && !child.ended && !child.left_by.contains(who.number) &&
      !who.left_by.contains(child.number))
    who.linked.insert(child.number);
  if (asked.monitor) {
    who.watches.emplace(m.request,
                        watch{.target = child.number, .node = there, .epoch = asked.epoch});
    who.watch_order.push_back(m.request);
  }
}

void judge_of::received_exit(puppet& who, const erl::exit_signal& m) {
  const int from = all_.number_of(m.from);
  if (from < 0)
    violated(invariant::true_reasons, "an EXIT of nobody");
  if (!who.traps)
    violated(invariant::true_reasons, text(who) + " got an EXIT and does not trap exits");
  if (const auto unique = erl::try_decode<unique_reason>(m.reason)) {
    const auto sent = all_.exit_signals.find(unique->number);
    if (sent != all_.exit_signals.end() && sent->second == std::pair(from, who.number))
      return; // exit/2
  }
  who.linked.erase(from);
  if (m.reason.is(normal) && who.normal_exits_sent_by[from] > 0)
    return; // perhaps exit/2
  const puppet& p = all_.at(from);
  if (const auto silent = who.silent.find(from);
      silent != who.silent.end() && who.received > silent->second.after &&
      !(p.asked.contains(who.number) &&
        who.block->owner().epoch_of(all_.name_of_node(p)) != silent->second.epoch))
    violated(invariant::quiet_unlink, text(who) + " got an EXIT of puppet " + std::to_string(from) +
                                          " after unlink had returned");
  if (m.reason.is(noconnection) && all_.epoch(who.node, all_.name_of_node(p)) != 0) {
    ++all_.counted.connections_lost;
    return;
  }
  if (m.reason.is(noproc)) {
    if (!p.ended)
      violated(invariant::true_reasons, "EXIT with noproc, and the process lives");
    return;
  }
  if (++who.exits[from] > 1)
    violated(invariant::one_end,
             text(who) + " got a second EXIT of puppet " + std::to_string(from));
  ended(who, from, m.reason);
}

void judge_of::received_down(puppet& who, const term& body, const erl::down& m) {
  const auto found = who.watches.find(m.monitor);
  if (found == who.watches.end())
    violated(invariant::one_end, "a DOWN of a monitor that was never made");
  watch& w = found->second;
  if (w.stopped)
    violated(invariant::one_end, "a DOWN after demonitor");
  if (w.ended)
    violated(invariant::one_end, "a second DOWN of one monitor");
  w.ended = true;
  if (const auto alias = who.aliases.find(m.monitor);
      alias != who.aliases.end() && alias->second.mode != erl::alias_mode::explicit_unalias)
    alias->second.closed = 0;
  if (all_.planted == invariant::one_end && who.block != nullptr)
    who.block->notify(body);
  // With no connection lost here it is what the process itself has died of.
  if (m.reason.is(noconnection) && all_.epoch(who.node, w.node) != w.epoch) {
    ++all_.counted.connections_lost;
    return;
  }
  if (w.target < 0)
    return;
  const puppet& p = all_.at(w.target);
  if (m.reason.is(noproc)) {
    if (!p.ended)
      violated(invariant::true_reasons, "DOWN with noproc, and " + text(p) + " lives");
    return;
  }
  ended(who, w.target, m.reason);
}

} // namespace

void judge(scene& all, puppet& who, const term& received) { judge_of(all).received(who, received); }

void judge(scene& all, puppet& who, const numbered& received) {
  judge_of(all).received_number(who, received);
}

void all_have_arrived(scene& all, puppet& to, int from, invariant which) {
  const conversation& talk = to.from[from];
  for (std::size_t i = talk.arrived; i < talk.sent.size(); ++i)
    if (!all.may_be_missing(all.at(from), talk.sent[i], to))
      violated(which, text(to) + " has missed message " + std::to_string(i) + " of puppet " +
                          std::to_string(from));
}

} // namespace properties
