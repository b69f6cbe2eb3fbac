/// The way of a signal: to a process here, to another scheduler, or to another node.
#include "base/log.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"
#include <erl/etf/atoms.hpp>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace erl::runtime {

atom receiving_node(const signal& s) {
  if (s.kind == signal_kind::alias_message)
    return s.ref.node;
  const bool to_node =
      s.to_name != atom() || s.kind == signal_kind::connect || s.kind == signal_kind::disconnect;
  return to_node ? s.to_node : s.to.node;
}

/// The process that made an alias.
static pid owner_of(const reference& alias) {
  return {alias.node, alias.words[3], alias.words[4], alias.creation};
}

void scheduler::send(const pid& from, const destination& to, term body) {
  const auto& self = system_.self();
  if (to.which() == destination::kind::alias) {
    const reference alias = to.alias();
    process_block* p = find(owner_of(alias)); // the common case, without a signal
    if (p != nullptr && p->run_state != process_block::state::ending)
      return p->deliver_to(alias, std::move(body), false, false);
    return route(
        {.kind = signal_kind::alias_message, .from = from, .ref = alias, .body = std::move(body)});
  }
  pid target;
  if (to.which() == destination::kind::process) {
    target = to.process();
  } else if (to.node() == atom() || to.node() == self.node) {
    const auto named = system_.whereis(to.name());
    if (!named)
      return dead_letter(term(to.name()), body);
    target = *named;
  } else {
    return route(
        {.from = from, .to_name = to.name(), .to_node = to.node(), .body = std::move(body)});
  }
  if (target.node != self.node)
    return route({.from = from, .to = target, .body = std::move(body)});
  if (!system_.is_here(target)) {
    dead_letter(term(target), body); // of an earlier life of this node
  } else if (scheduler& owner = system_.owner_of(target); &owner != this) {
    to_other(owner.number_, {target, std::move(body), nullptr});
    respect_limit(owner, target);
  } else {
    deliver(target, std::move(body));
  }
}

void scheduler::send(const pid& from, const destination& to, owned<detail::native_object> object) {
  pid target;
  if (to.which() == destination::kind::process)
    target = to.process();
  else if (to.which() == destination::kind::name &&
           (to.node() == atom() || to.node() == system_.self().node))
    target = system_.whereis(to.name()).value_or(pid{});
  else
    return send(from, to, object->encode());
  if (target.node != atom() && target.node != system_.self().node)
    return send(from, to, object->encode());
  if (!system_.is_here(target)) // a name that nobody has, or a process of an earlier life
    return dead_letter(to.which() == destination::kind::process ? term(target) : term(to.name()),
                       detail::make_message(std::move(object)));
  route({.from = from, .to = target, .native = std::move(object)});
  if (scheduler& owner = system_.owner_of(target); &owner != this)
    respect_limit(owner, target);
}

void scheduler::respect_limit(const scheduler& owner, const pid& receiver) {
  if (system_.blocking_mailboxes.load(std::memory_order_relaxed) != 0 && running_ != nullptr &&
      owner.is_full(receiver)) [[unlikely]]
    running_->wait_for_room(receiver);
}

void scheduler::deliver(const pid& to, term&& body) {
  if (process_block* p = find(to))
    p->deliver(std::move(body));
  else if (is_reserved(to))
    early_[to].push_back({.to = to, .body = std::move(body)});
  else
    dead_letter(term(to), body);
}

void scheduler::dead_letter(const term& to, const term& body) {
  static const atom tag("dead_letter");
  ++system_.dead_letters;
  if (!system_.dead_letters_are_watched())
    return;
  const std::vector<pid> watchers = system_.dead_letter_watchers();
  if (const auto receiver = to.to_pid(); receiver && std::ranges::count(watchers, *receiver) != 0)
    return; // or it would get one about it, and so on
  const term message = term::tuple({tag, to, body});
  for (const pid& watcher : watchers)
    send({}, watcher, message);
}

void scheduler::dead_letter(const term& to, const message& what) {
  try {
    if (system_.dead_letters_are_watched())
      return dead_letter(to, what.body());
  } catch (const std::exception& failure) { // an object that cannot be encoded
    log::limited("dead_letter", log::level::warning, "process",
                 "a dead letter cannot be shown: ", failure.what());
  }
  ++system_.dead_letters;
}

bool scheduler::is_reserved(const pid& who) {
  if (!system_.is_guest(who))
    return false;
  const std::lock_guard lock(guests_mutex_);
  return guests_.is_reserved(system_.index_of(who), who.serial);
}

void scheduler::route(signal&& s) {
  const auto& self = system_.self();
  const atom node = receiving_node(s);
  if (node != self.node && node != atom()) {
    s.epoch = epoch_of(node);
    return to_remote(std::move(s));
  }
  if (s.kind == signal_kind::alias_message) {
    s.to = owner_of(s.ref);
  } else if (s.to_name != atom()) {
    const auto named = system_.whereis(s.to_name);
    if (!named)
      return undeliverable(std::move(s));
    s.to = *named;
  }
  if (!system_.is_here(s.to))
    return undeliverable(std::move(s));
  if (scheduler& owner = system_.owner_of(s.to); &owner != this) {
    const std::uint32_t number = owner.number_;
    return to_other(number, {{}, {}, std::make_unique<signal>(std::move(s))});
  }
  handle(std::move(s));
}

void scheduler::to_remote(signal&& s) {
  const atom node = receiving_node(s);
  const bool from_running = running_ != nullptr && s.from == running_->id();
  if (number_ != 0) {
    to_other(0, {{}, {}, std::make_unique<signal>(std::move(s))});
  } else if (system_.out() != nullptr) {
    const loan::kept now(distribution_);
    system_.out()->outgoing(std::move(s));
  } else { // no distribution: as if the connection could not be made
    return lose_node_everywhere(node, s.epoch);
  }
  if (from_running && system_.nodes().is_busy(node)) [[unlikely]]
    running_->wait_for_room({.node = node});
}

void scheduler::handle(signal&& s) {
  if (s.kind == signal_kind::node_lost)
    return lose_node(s.to_node, s.epoch);
  if (s.kind == signal_kind::spawn) {
    process_block& p = start(s.to, s.from, std::move(s.what),
                             {.mailbox = s.mailbox, .name = s.object, .priority = s.urgency});
    if (const auto leader = s.body.to_pid()) [[unlikely]]
      p.set_group_leader(*leader);
    if (s.token) [[unlikely]]
      p.begin_trace(std::move(s.token), s.from.node != system_.self().node);
    if (s.link) {
      p.extras().links.try_emplace(s.from, {});
      relate_to_caller(s.to, s.from.node);
    }
    if (s.ref.size != 0) {
      p.extras().monitored_by.try_emplace(s.ref, incoming_monitor{s.from, {}});
      relate_to_caller(s.to, s.from.node);
    }
    if (const auto early = early_.extract(s.to))
      for (signal& each : early.mapped()) {
        if (each.kind == signal_kind::message && !each.native && !each.token)
          p.deliver(std::move(each.body)); // of this node: others do not know the pid so soon
        else
          p.receive_signal(std::move(each));
      }
    return;
  }
  if (const atom node = receiving_node(s); node != system_.self().node && node != atom())
    return to_remote(std::move(s));
  if (process_block* p = find(s.to); p != nullptr && p->run_state != process_block::state::ending)
    return p->receive_signal(std::move(s));
  if (is_reserved(s.to)) {
    early_[s.to].push_back(std::move(s));
    return;
  }
  undeliverable(std::move(s));
}

void scheduler::undeliverable(signal&& s) {
  switch (s.kind) {
  case signal_kind::message:
    return dead_letter(s.to_name == atom() ? term(s.to) : term(s.to_name),
                       s.native ? detail::make_message(std::move(s.native))
                                : detail::make_message(std::move(s.body)));
  case signal_kind::alias_message:
    return dead_letter(term(s.ref), s.body);
  case signal_kind::link:
    return route(
        {.kind = signal_kind::link_exit, .from = s.to, .to = s.from, .body = term(atoms::noproc)});
  case signal_kind::unlink:
    return route({.kind = signal_kind::unlink_ack, .from = s.to, .to = s.from, .id = s.id});
  case signal_kind::monitor:
    return route({.kind = signal_kind::down,
                  .from = s.to,
                  .to = s.from,
                  .object = s.object,
                  .ref = s.ref,
                  .body = term(atoms::noproc)});
  case signal_kind::spawn_request: // of this node itself
    return route({.kind = signal_kind::spawn_reply,
                  .from = s.to,
                  .to = s.from,
                  .object = atoms::notsup,
                  .ref = s.ref});
  case signal_kind::spawn_reply: {
    const auto asker = ended_askers_.extract(s.ref);
    if (s.object == atom() && (s.id & spawn_reply_bit::monitored) != 0)
      route({.kind = signal_kind::demonitor, .from = s.to, .to = s.from, .ref = s.ref});
    if (s.object == atom() && (s.id & spawn_reply_bit::linked) != 0)
      route({.kind = signal_kind::link_exit,
             .from = s.to,
             .to = s.from,
             .body = asker ? asker.mapped().reason : term(atoms::noproc)});
    return;
  }
  case signal_kind::room_wanted:
    return route({.kind = signal_kind::room, .from = s.to, .to = s.from});
  case signal_kind::name_given:
    system_.names().remove(s.object, registry::value_of(s.to));
    return;
  case signal_kind::info:
    return route({.kind = signal_kind::alias_message,
                  .from = s.to,
                  .ref = s.ref,
                  .body = term::tuple({term(s.ref), atoms::undefined})});
  default:
    return; // nobody waits for an answer to the others
  }
}

std::int64_t scheduler::peer_relations::add(const pid& who, int change) {
  total += change;
  auto& of_process = related[who];
  const std::int64_t count = std::int64_t{of_process} + change;
  if (count <= 0)
    related.erase(who);
  else
    of_process = static_cast<std::uint32_t>(count);
  return count;
}

void scheduler::relate(const pid& who, atom node, int change) {
  if (node != system_.self().node)
    peers_[node].add(who, change);
}

void scheduler::relate_to_caller(const pid& who, atom node) {
  if (node == system_.self().node)
    return;
  auto& peer = peers_[node];
  const std::int64_t of_process = peer.add(who, 1);
  const relation_limits& limits = system_.limits();
  if (peer.refused || (std::cmp_less_equal(peer.total, limits.of_node) &&
                       std::cmp_less_equal(of_process, limits.of_process)))
    return;
  peer.refused = true;
  system_.at(0).post([&owner = system_, node, epoch = peer.epoch] {
    if (owner.out() != nullptr && owner.at(0).epoch_of(node) == epoch)
      owner.out()->too_many_relations(node);
  });
}

std::size_t scheduler::early() const {
  std::size_t total = 0;
  for (const auto& [process, signals] : early_)
    total += signals.size();
  return total;
}

std::size_t scheduler::relations() const {
  std::size_t total = 0;
  for (const auto& [node, peer] : peers_)
    total += peer.related.size();
  return total;
}

std::uint32_t scheduler::epoch_of(atom node) const {
  const auto found = peers_.find(node);
  return found == peers_.end() ? 0 : found->second.epoch;
}

void scheduler::lose_node(atom node, std::uint32_t epoch) {
  auto& peer = peers_[node];
  if (epoch < peer.epoch)
    return;
  peer.epoch = epoch + 1;
  peer.refused = false;
  peer.total = 0;
  std::erase_if(ended_askers_, [&](const auto& each) { return each.second.node == node; });
  std::vector<pid> related;
  for (const auto& [who, count] : std::exchange(peer.related, {}))
    related.push_back(who);
  // In an order that does not depend on hashes, so that simulations can be repeated.
  std::ranges::sort(related, {}, [](const pid& who) { return std::pair(who.serial, who.id); });
  for (const pid& who : related)
    if (process_block* p = find(who))
      p->lose_node(node);
}

void scheduler::lose_node_everywhere(atom node, std::uint32_t epoch) {
  for (std::uint32_t to = 1; to < system_.size(); ++to)
    to_other(to, {{},
                  {},
                  std::make_unique<signal>(
                      signal{.kind = signal_kind::node_lost, .epoch = epoch, .to_node = node})});
  lose_node(node, epoch);
}

void scheduler::cancel_flush(flushable& f) { std::erase(flushes_, &f); }

} // namespace erl::runtime
