/// Links, monitors, aliases and exit signals, as a process receives them.
///
/// A link is absent, active, or unlinking(id): removed here, and waiting until the other side has
/// confirmed that. Exits that cross an unlink find no active link and do nothing, which is why none
/// can arrive after unlink has returned. (OTP's "Link Protocol", erts/erl_dist_protocol.)
#include "base/log.hpp"
#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace erl::runtime {

process_block::process_block(scheduler& owner, pid self, pid parent, owned_body body)
    : what(std::move(body)), parent_pid(parent), owner_(&owner), self_(self) {}

pid process_block::group_leader() const {
  const pid own = own_group_leader();
  return own.node == atom() ? owner_->owner().group_leader() : own;
}

void process_block::set_group_leader(const pid& leader) {
  if (leader == group_leader())
    return;
  extras().group_leader = leader == owner_->owner().group_leader() ? pid{} : leader;
}

atom process_block::registered_name() const {
  if (extras_ == nullptr || extras_->name == atom())
    return {};
  return owner_->owner().whereis(extras_->name) == self_ ? extras_->name : atom();
}

term outgoing_monitor::object() const {
  return name == atom() ? term(target) : term::tuple({term(name), term(node)});
}

signal outgoing_monitor::signal_from(signal_kind kind, const pid& watcher,
                                     const reference& ref) const {
  signal s{.kind = kind, .from = watcher, .ref = ref};
  if (target.node == node) {
    s.to = target;
    s.object = name;
  } else {
    s.to_name = name;
    s.to_node = node;
  }
  return s;
}

void process_block::deliver(term&& body) {
  if (inbox.size() >= attention) [[unlikely]]
    return crowded(detail::make_message(std::move(body), arriving_token()), false);
  enqueue(std::move(body), false);
}

void process_block::deliver(owned<detail::native_object> object) {
  if (traced) [[unlikely]]
    if (auto token = arriving_token())
      object = owned<detail::native_object>(new traced_object(std::move(object), std::move(token)));
  message m = detail::make_message(std::move(object));
  if (inbox.size() >= attention) [[unlikely]]
    return crowded(std::move(m), false);
  take_in(std::move(m));
}

void process_block::take_in(message m) {
  if (run_state == state::ending || pending_exit)
    return;
  inbox.push(std::move(m));
  if (run_state == state::waiting)
    owner_->make_runnable(*this);
}

void process_block::notify(term body, bool urgent) { enqueue(std::move(body), true, urgent); }

void process_block::notify_aside(term body, bool urgent) {
  if (traced) [[unlikely]]
    extras_->trace->arriving = make_no_change();
  notify(std::move(body), urgent);
}

bool process_block::terminate(term reason) {
  if (run_state == state::ending || pending_exit)
    return false;
  pending_exit = std::move(reason);
  if (run_state == state::waiting || run_state == state::blocked)
    owner_->make_runnable(*this);
  return true;
}

void process_block::enqueue(term&& body, bool kept, bool urgent) {
  if (run_state == state::ending || pending_exit)
    return;
  if (urgent) [[unlikely]]
    inbox.push_in_front(std::move(body), kept, arriving_token());
  else if (traced) [[unlikely]]
    inbox.push_traced(std::move(body), kept, arriving_token());
  else
    inbox.push(std::move(body), kept);
  if (run_state == state::waiting)
    owner_->make_runnable(*this);
}

void process_block::react_to_exit(const pid& from, const term& reason, bool from_link,
                                  bool urgent) {
  if (run_state == state::ending || pending_exit)
    return;
  const bool killed = !from_link && reason.is(atoms::kill);
  if (!killed && traps_exit) {
    notify(term::tuple({atoms::exit_signal, term(from), reason}), urgent);
    return;
  }
  if (!killed && reason.is(atoms::normal) && (from_link || from != self_))
    return;
  terminate(killed ? term(atoms::killed) : reason);
}

trace_state& process_block::make_traced() {
  auto& trace = extras().trace;
  if (trace == nullptr)
    trace = std::make_unique<trace_state>();
  traced = true;
  return *trace;
}

void process_block::begin_trace(token_with_message token, bool from_afar) {
  trace_state& trace = make_traced();
  trace.begin(*token);
  if (!from_afar) // its start counts as the receipt of a message, and as the next one
    trace.next(self_);
}

token_with_message process_block::take_arriving_token() {
  return owner_->later().fires() ? make_no_change() : std::move(extras_->trace->arriving);
}

/// A signal with a token. It goes to the message that the signal is or becomes.
void process_block::receive_traced(signal&& s) {
  trace_state& trace = make_traced();
  trace.arriving = std::move(s.token);
  s.token = {};
  const bool from_afar = s.from.node != self_.node && s.from.node != atom();
  if (s.kind == signal_kind::message && !s.native && !from_afar)
    deliver(std::move(s.body)); // whose sender can wait
  else
    receive_signal(std::move(s));
  trace.arriving = {}; // if it was not let in
}

void process_block::note_received(const message& m) {
  if (!m)
    return;
  trace_state& trace = *extras_->trace;
  trace.received(m);
  traced = trace.token.is_tuple() || !inbox.empty();
}

token_with_message process_block::next_token() { return extras_->trace->next(self_); }

void process_block::receive_signal(signal&& s) {
  if (s.token) [[unlikely]]
    return receive_traced(std::move(s));
  switch (s.kind) {
  case signal_kind::message:
    if (s.native)
      return deliver(std::move(s.native));
    deliver_from_afar(std::move(s.body));
    return;
  case signal_kind::alias_message:
    deliver_to(s.ref, std::move(s.body), s.urgent,
               s.from.node != self_.node && s.from.node != atom());
    return;
  case signal_kind::link:
    if (extras().links.try_emplace(s.from, {}).second)
      owner_->relate_to_caller(self_, s.from.node);
    return;
  case signal_kind::unlink: {
    auto& links = extras().links;
    if (const link_state* link = links.find(s.from); link != nullptr && link->unlinking == 0) {
      links.erase(s.from);
      owner_->relate(self_, s.from.node, -1);
    }
    owner_->route({.kind = signal_kind::unlink_ack, .from = self_, .to = s.from, .id = s.id});
    return;
  }
  case signal_kind::unlink_ack: {
    auto& links = extras().links;
    if (const link_state* link = links.find(s.from);
        link != nullptr && link->unlinking == s.id && s.id != 0) {
      links.erase(s.from);
      owner_->relate(self_, s.from.node, -1);
    }
    return;
  }
  case signal_kind::link_exit: {
    auto& links = extras().links;
    const link_state* found = links.find(s.from);
    if (found == nullptr)
      return;
    const link_state link = *found;
    links.erase(s.from);
    owner_->relate(self_, s.from.node, -1);
    if (link.unlinking == 0)
      react_to_exit(s.from, s.body, true, link.urgent);
    return;
  }
  case signal_kind::exit:
    react_to_exit(s.from, s.body, false);
    return;
  case signal_kind::monitor:
    if (extras().monitored_by.try_emplace(s.ref, incoming_monitor{s.from, s.object}).second)
      owner_->relate_to_caller(self_, s.from.node);
    return;
  case signal_kind::demonitor: {
    auto& monitors = extras().monitored_by;
    if (const incoming_monitor* found = monitors.find(s.ref);
        found != nullptr && found->watcher == s.from) {
      monitors.erase(s.ref);
      owner_->relate(self_, s.from.node, -1);
    }
    return;
  }
  case signal_kind::down:
    monitored_process_down(s);
    return;
  case signal_kind::info:
    owner_->route({.kind = signal_kind::alias_message,
                   .from = self_,
                   .ref = s.ref,
                   .body = term::tuple({term(s.ref), describe()})});
    return;
  case signal_kind::room_wanted:
    if (limit.when_full == full_mailbox::block_sender && inbox.size() >= limit.messages) {
      auto& waiting = extras().blocked_senders;
      if (std::ranges::find(waiting, s.from) == waiting.end())
        waiting.push_back(s.from);
      somebody_waits();
      return;
    }
    owner_->route({.kind = signal_kind::room, .from = self_, .to = s.from});
    return;
  case signal_kind::way_is_full:
    wait_for_room(s.from);
    return;
  case signal_kind::room:
    room_has_come(s.from);
    return;
  case signal_kind::name_given:
    if (registered_name() == atom())
      extras().name = s.object;
    else
      owner_->owner().names().remove(s.object, value());
    return;
  case signal_kind::spawn_reply:
    return spawn_answered(s);
  case signal_kind::group_leader:
    return set_group_leader(s.from);
  case signal_kind::spawn_request:
  case signal_kind::connect:
  case signal_kind::disconnect:
  case signal_kind::spawn:
  case signal_kind::node_lost:
    return;
  }
}

static term no_process(const reference& request, atom why) {
  return to_term(spawn_reply{request, atoms::error, term(why)});
}

void process_block::spawn_answered(const signal& s) {
  auto& x = extras();
  const atom* const asked = x.spawn_requests.find(s.ref);
  if (asked == nullptr || *asked != s.from.node)
    return;
  x.spawn_requests.erase(s.ref);
  owner_->relate(self_, s.from.node, -1);
  if (s.object != atom())
    return notify(no_process(s.ref, s.object));
  if ((s.id & spawn_reply_bit::linked) != 0 && x.links.try_emplace(s.from, {}).second)
    owner_->relate(self_, s.from.node, 1);
  if ((s.id & spawn_reply_bit::monitored) != 0 &&
      x.monitoring.try_emplace(s.ref, {.target = s.from, .node = s.from.node}).second)
    owner_->relate(self_, s.from.node, 1);
  notify(to_term(spawn_reply{s.ref, atoms::ok, term(s.from)}));
}

static term down_message(const reference& ref, const outgoing_monitor& monitor,
                         const term& reason) {
  return term::tuple({atoms::down, term(ref), atoms::process, monitor.object(), reason});
}

void process_block::monitored_process_down(const signal& s) {
  const held_monitor* found = extras().monitoring.find_entry(s.ref);
  // Only the node of what is monitored can say that it has ended.
  const atom sender = s.from.node == atom() ? self_.node : s.from.node;
  if (found == nullptr || sender != found->second.node)
    return;
  const auto [ref, monitor] = forget_monitor(found);
  notify_aside(down_message(ref, monitor, s.body), monitor.urgent);
}

process_block::held_monitor process_block::forget_monitor(const held_monitor* found) {
  const held_monitor result = *found;
  const auto& [ref, monitor] = result;
  extras_->monitoring.erase(found);
  owner_->relate(self_, monitor.node, -1);
  if (monitor.alias == alias_mode::explicit_unalias)
    extras_->aliases.try_emplace(ref, plain_alias{.urgent = monitor.urgent});
  return result;
}

void process_block::end_monitor(const held_monitor* found) {
  const auto [ref, monitor] = forget_monitor(found);
  if (process_block* target = owner_->find(monitor.target)) // the common case, without a signal
    target->extras().monitored_by.erase(ref);
  else
    owner_->route(monitor.signal_from(signal_kind::demonitor, self_, ref));
}

bool process_block::stop_monitoring(const reference& ref) {
  const held_monitor* found = extras_ == nullptr ? nullptr : extras_->monitoring.find_entry(ref);
  if (found == nullptr)
    return false;
  end_monitor(found);
  return true;
}

void process_block::deliver_to(const reference& alias, term&& body, bool urgent, bool from_afar) {
  auto* x = extras_if_any();
  if (x == nullptr)
    return;
  plain_alias found;
  const held_monitor* monitor = x->monitoring.find_entry(alias);
  if (monitor != nullptr)
    found = {monitor->second.alias, monitor->second.urgent};
  else if (const plain_alias* plain = x->aliases.find(alias))
    found = *plain;
  else
    return;
  urgent = urgent && found.urgent;
  if (found.mode == alias_mode::none)
    return;
  if (found.mode == alias_mode::reply_demonitor) {
    // The answer to a question: it ends the wait for it.
    if (monitor != nullptr)
      end_monitor(monitor);
    else
      x->aliases.erase(alias);
    return notify(std::move(body), urgent);
  }
  if (urgent)
    return notify(std::move(body), true);
  if (from_afar)
    return deliver_from_afar(std::move(body));
  deliver(std::move(body));
}

void process_block::lose_node(atom node) {
  auto* x = extras_if_any();
  if (x == nullptr)
    return;
  const term reason(atoms::noconnection);

  std::vector<std::pair<pid, bool>> broken; // and whether its exit is urgent
  x->links.erase_if([&](const auto& link) {
    if (link.first.node != node)
      return false;
    if (link.second.unlinking == 0)
      broken.emplace_back(link.first, link.second.urgent);
    return true;
  });
  std::vector<std::pair<term, bool>> messages; // and whether they are urgent
  x->monitoring.erase_if([&](const auto& each) {
    const auto& [ref, monitor] = each;
    if (monitor.node != node)
      return false;
    messages.emplace_back(down_message(ref, monitor, reason), monitor.urgent);
    if (monitor.alias == alias_mode::explicit_unalias)
      x->aliases.try_emplace(ref, plain_alias{.urgent = monitor.urgent});
    return true;
  });
  x->monitored_by.erase_if(
      [&](const auto& monitor) { return monitor.second.watcher.node == node; });
  x->spawn_requests.erase_if([&](const auto& request) {
    if (request.second != node)
      return false;
    messages.emplace_back(no_process(request.first, atoms::noconnection), false);
    return true;
  });
  if (const std::uint32_t* watched = x->watched_nodes.find(node)) {
    for (std::uint32_t i = 0; i < *watched; ++i)
      messages.emplace_back(term::tuple({atoms::nodedown, term(node)}), false);
    x->watched_nodes.erase(node);
  }

  for (auto& [message, urgent] : messages)
    notify_aside(std::move(message), urgent);
  for (const auto& [peer, urgent] : broken)
    react_to_exit(peer, reason, true, urgent);
}

void process_block::break_relations(const term& reason) {
  // Taken out first: telling a node can be what finds it lost, which comes back here.
  const std::unique_ptr<process_extras> x = std::move(extras_);
  if (x == nullptr)
    return;
  trace_state* const trace = std::exchange(traced, false) ? x->trace.get() : nullptr;
  for (const auto& [peer, link] : x->links) {
    owner_->relate(self_, peer.node, -1);
    if (link.unlinking == 0)
      owner_->route({.kind = signal_kind::link_exit,
                     .from = self_,
                     .to = peer,
                     .body = reason,
                     .token = trace != nullptr ? trace->next(self_) : token_with_message()});
  }
  for (const auto& [ref, monitor] : x->monitored_by) {
    owner_->relate(self_, monitor.watcher.node, -1);
    owner_->route({.kind = signal_kind::down,
                   .from = self_,
                   .to = monitor.watcher,
                   .object = monitor.name,
                   .ref = ref,
                   .body = reason});
  }
  for (const auto& [ref, monitor] : x->monitoring) {
    owner_->relate(self_, monitor.node, -1);
    owner_->route(monitor.signal_from(signal_kind::demonitor, self_, ref));
  }
  for (const auto& [node, count] : x->watched_nodes)
    owner_->relate(self_, node, -static_cast<int>(count));
  for (const auto& [request, node] : x->spawn_requests) {
    owner_->relate(self_, node, -1);
    owner_->asker_ended(request, node, reason);
  }
  for (const pid& sender : x->blocked_senders)
    owner_->route({.kind = signal_kind::room, .from = self_, .to = sender});
}

} // namespace erl::runtime
