/// Signals on their way to peers and from them, and senders that stop while too much waits.
#include "node/peer.hpp"
#include "node/signals.hpp"
#include "node/spawn_options.hpp"
#include "runtime/sequential_trace.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/codec.hpp>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace erl {

using runtime::signal;
using runtime::signal_kind;

namespace {
constexpr std::size_t most_waiting_bytes = std::size_t{256} << 20U;

/// What it counts for while it waits; nothing if a part of it is beyond what the external term
/// format can express.
std::optional<std::size_t> size_of(const signal& s) {
  constexpr std::size_t head = 128;
  try {
    return head + encode_into(s.body, {});
  } catch (const std::length_error&) {
    return std::nullopt;
  }
}
} // namespace

// To peers.

void peers::outgoing(signal&& s) {
  const atom node = runtime::receiving_node(s);
  if (s.kind == signal_kind::room_wanted)
    return wants_room(s.from, node);
  if (stopping_ || s.epoch < home_->epoch_of(node))
    return;
  peer* const known = find(node);
  if (s.kind == signal_kind::disconnect)
    return disconnect(node);
  if (known != nullptr && known->up != nullptr)
    return transmit(*known, std::move(s));
  if ((s.kind == signal_kind::message || s.kind == signal_kind::alias_message) &&
      !may_connect_to_send(node) && known == nullptr)
    return; // nobody is told of a lost message
  const auto size = size_of(s);
  if (!size)
    return; // as `link::send` does
  peer& p = get(node);
  p.waiting_bytes += *size;
  p.waiting.push_back(std::move(s));
  if (p.waiting_bytes > most_waiting_bytes) {
    ++history_.failed.over_limit;
    return fail(p, "more than 256 MB wait for the connection to " + p.name);
  }
  if (p.waiting_bytes >= options_.limits.high_water)
    is_full(p);
  if (!p.connecting())
    connect_to_send(p);
}

void peers::transmit(peer& p, signal&& s) {
  if (s.kind == signal_kind::connect)
    return;
  if (s.kind == signal_kind::spawn_request && (p.up->link.peer().common & dist::flags::spawn) == 0)
    return home_->route({.kind = signal_kind::spawn_reply,
                         .from = {.node = p.node},
                         .to = s.from,
                         .object = atoms::notsup,
                         .ref = s.ref});
  // OTP closes the connection over an exit or unlink to a pid of an earlier life of its node.
  if ((s.kind == signal_kind::link_exit || s.kind == signal_kind::unlink ||
       s.kind == signal_kind::exit) &&
      s.to.creation != p.creation) {
    if (s.kind == signal_kind::unlink)
      home_->route({.kind = signal_kind::unlink_ack, .from = s.to, .to = s.from, .id = s.id});
    return;
  }
  if (s.kind == signal_kind::down && s.object != atom())
    p.named_monitors.erase(s.ref);
  const pid sender = s.from;
  transmit(p, to_control(std::move(s)));
  // One that sends much more than others waits for itself.
  if (p.up->link.waiting_bytes(sender) >= options_.limits.high_water)
    home_->route({.kind = signal_kind::way_is_full, .from = {.node = p.node}, .to = sender});
}

void peers::transmit(peer& p, dist::control_message&& m) {
  p.up->link.send(std::move(m));
  if (p.up->link.congested()) [[unlikely]]
    is_full(p);
  flush_later(p);
}

void peers::flush_later(peer& p) {
  if (std::exchange(p.dirty, true))
    return;
  if (dirty_.empty())
    home_->flush_later(*this);
  dirty_.push_back(p.node);
}

// Senders that stop while too much waits.

void peers::is_full(peer& p) {
  if (std::exchange(p.busy, true))
    return;
  ++p.times_busy;
  p.busy_since = home_->world().now();
  system_->nodes().set_busy(p.node, true);
}

void peers::has_room(peer& p) {
  if (std::exchange(p.busy, false)) {
    p.busy_time += home_->world().now() - p.busy_since;
    system_->nodes().set_busy(p.node, false);
  }
  look_after_stopped(p);
}

/// Those for whom there is room go on.
void peers::look_after_stopped(peer& p) {
  if (p.busy || p.blocked.empty())
    return;
  std::vector<pid> free;
  std::erase_if(p.blocked, [&](const pid& sender) {
    if (must_wait(p, sender))
      return false;
    free.push_back(sender);
    return true;
  });
  for (const pid& sender : free)
    tell_of_room(sender, p.node);
}

bool peers::must_wait(const peer& p, const pid& sender) const {
  return p.busy ||
         (p.up != nullptr && p.up->link.waiting_bytes(sender) > options_.limits.low_water);
}

void peers::wants_room(const pid& sender, atom node) {
  peer* const p = find(node);
  if (p == nullptr || !must_wait(*p, sender))
    return tell_of_room(sender, node);
  ++p->stops;
  p->blocked.push_back(sender);
}

void peers::tell_of_room(const pid& sender, atom node) {
  home_->route({.kind = signal_kind::room, .from = {.node = node}, .to = sender});
}

void peers::flush() {
  for (const atom name : std::exchange(dirty_, {}))
    if (peer* const p = find(name)) {
      p->dirty = false;
      if (p->up != nullptr)
        p->up->link.flush();
    }
}

// From peers.

void peers::received(peer& p, dist::control_message&& m) {
  const atom self = system_->self().node;
  switch (m.kind) {
  case dist::signal_kind::spawn_request:
    return spawn_requested(p, std::move(m));
  case dist::signal_kind::spawn_reply:
    if (m.spawn_failed)
      m.spawned.node = p.node; // no process, and yet an answer of this node
    break;
  case dist::signal_kind::monitor:
    if (m.target == dist::target_kind::name)
      return monitored_by_name(p, m);
    break;
  case dist::signal_kind::demonitor:
    if (m.target == dist::target_kind::name) {
      const auto found = p.named_monitors.find(m.ref);
      if (found == p.named_monitors.end())
        return;
      m.to = found->second;
      m.target = dist::target_kind::process;
      p.named_monitors.erase(found);
    }
    break;
  default:
    break;
  }
  signal s = to_signal(std::move(m));
  if (s.kind == signal_kind::down)
    s.from.node = p.node; // a down by name has no pid
  // Only to this node: nothing is relayed to a third one.
  if (s.to_name == atom() &&
      (s.kind == signal_kind::alias_message ? s.ref.node : s.to.node) != self)
    return;
  home_->route(std::move(s));
}

/// A peer wants a process. The answer goes out before anything that the process sends.
void peers::spawn_requested(peer& p, dist::control_message&& m) {
  dist::control_message reply{.kind = dist::signal_kind::spawn_reply, .to = m.from, .ref = m.ref};
  runtime::token_with_message token;
  if (m.has_token) [[unlikely]] {
    token = runtime::make_token(m.token);
    reply.has_token = static_cast<bool>(token);
  }
  const auto refuse = [&](atom why) {
    reply.spawn_failed = true;
    reply.failure = why;
    if (token)
      reply.token = runtime::reply_token(m.token, term(system_->self().node));
    transmit(p, std::move(reply));
  };
  const auto wishes = read_spawn_options(m.options);
  if (!wishes)
    return refuse(wishes.error());
  reply.linked = wishes->link;
  reply.monitored = wishes->monitor;
  try {
    reply.spawned = system_->at(system_->next_scheduler()).reserve();
  } catch (const std::length_error&) { // as many processes as there can be
    return refuse(atoms::system_limit);
  }
  const pid process = reply.spawned;
  if (token) [[unlikely]]
    reply.token = runtime::reply_token(m.token, term(process));
  reply.from = process; // in one order with what it sends
  transmit(p, std::move(reply));
  home_->route({.kind = signal_kind::spawn,
                .from = m.from,
                .to = process,
                .ref = wishes->monitor ? m.ref : reference(),
                .body = term(m.group_leader),
                .what = served_.body_for(m.module, m.function, m.payload),
                .token = std::move(token),
                .link = wishes->link,
                .urgency = wishes->priority});
}

void peers::monitored_by_name(peer& p, const dist::control_message& m) {
  const auto holder = system_->whereis(m.name);
  if (!holder)
    return home_->route({.kind = signal_kind::down,
                         .to = m.from,
                         .object = m.name,
                         .ref = m.ref,
                         .body = term(atoms::noproc)});
  p.named_monitors.try_emplace(m.ref, *holder);
  home_->route({.kind = signal_kind::monitor,
                .from = m.from,
                .to = *holder,
                .object = m.name,
                .ref = m.ref});
}

} // namespace erl
