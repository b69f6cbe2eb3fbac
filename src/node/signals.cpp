#include "node/signals.hpp"

#include "runtime/sequential_trace.hpp"

#include <utility>

namespace erl {

using runtime::signal;
using runtime::signal_kind;
namespace wire = dist;

dist::control_message to_control(signal&& s) {
  dist::control_message m{.priority = s.urgent,
                          .from = s.from,
                          .to = s.to,
                          .name = s.to_name,
                          .ref = s.ref,
                          .id = s.id,
                          .payload = std::move(s.body)};
  if (s.to_name != atom())
    m.target = wire::target_kind::name;
  if (s.token) [[unlikely]] {
    m.has_token = true;
    m.token = s.token->encode();
  }
  switch (s.kind) {
  case signal_kind::message:
    m.kind = wire::signal_kind::message;
    break;
  case signal_kind::alias_message:
    m.kind = wire::signal_kind::message;
    m.target = wire::target_kind::alias;
    break;
  case signal_kind::link:
    m.kind = wire::signal_kind::link;
    break;
  case signal_kind::unlink:
    m.kind = wire::signal_kind::unlink_id;
    break;
  case signal_kind::unlink_ack:
    m.kind = wire::signal_kind::unlink_id_ack;
    break;
  case signal_kind::link_exit:
    m.kind = wire::signal_kind::link_exit;
    break;
  case signal_kind::exit:
    m.kind = wire::signal_kind::exit_to;
    break;
  case signal_kind::monitor:
    m.kind = wire::signal_kind::monitor;
    break;
  case signal_kind::demonitor:
    m.kind = wire::signal_kind::demonitor;
    break;
  case signal_kind::down:
    m.kind = wire::signal_kind::down;
    if (s.object != atom()) { // by name: the name stands for the process that has ended
      m.target = wire::target_kind::name;
      m.name = s.object;
    }
    break;
  case signal_kind::group_leader:
    m.kind = wire::signal_kind::group_leader;
    break;
  case signal_kind::spawn_request: {
    m.kind = wire::signal_kind::spawn_request;
    const term call = std::exchange(m.payload, {});
    m.group_leader = call.element(4).to_pid().value_or(s.from);
    m.module = call.element(0).to_atom().value_or(atom());
    m.function = call.element(1).to_atom().value_or(atom());
    m.payload = call.share(call.element(2));
    m.options = call.share(call.element(3));
    m.arity = static_cast<std::int64_t>(m.payload.list_length().value_or(0));
    break;
  }
  case signal_kind::spawn_reply:
    m.kind = wire::signal_kind::spawn_reply;
    m.spawned = s.from;
    m.failure = s.object;
    m.spawn_failed = s.object != atom();
    m.linked = (s.id & runtime::spawn_reply_bit::linked) != 0;
    m.monitored = (s.id & runtime::spawn_reply_bit::monitored) != 0;
    break;
  case signal_kind::room_wanted:
  case signal_kind::room:
  case signal_kind::way_is_full:
  case signal_kind::name_given:
  case signal_kind::connect:
  case signal_kind::disconnect:
  case signal_kind::info:
  case signal_kind::spawn:
  case signal_kind::node_lost:
    break;
  }
  return m;
}

runtime::signal to_signal(dist::control_message&& m) {
  signal s{.from = m.from,
           .to = m.to,
           .id = m.id,
           .ref = m.ref,
           .body = std::move(m.payload),
           .urgent = m.priority};
  if (m.target == wire::target_kind::name)
    s.to_name = m.name;
  if (m.has_token) [[unlikely]]
    s.token = runtime::make_token(m.token);
  switch (m.kind) {
  case wire::signal_kind::message:
    s.kind =
        m.target == wire::target_kind::alias ? signal_kind::alias_message : signal_kind::message;
    break;
  case wire::signal_kind::link:
    s.kind = signal_kind::link;
    break;
  case wire::signal_kind::unlink:
  case wire::signal_kind::unlink_id:
    s.kind = signal_kind::unlink;
    break;
  case wire::signal_kind::unlink_id_ack:
    s.kind = signal_kind::unlink_ack;
    break;
  case wire::signal_kind::link_exit:
    s.kind = signal_kind::link_exit;
    break;
  case wire::signal_kind::exit_to:
    s.kind = signal_kind::exit;
    break;
  case wire::signal_kind::monitor:
    s.kind = signal_kind::monitor;
    break;
  case wire::signal_kind::demonitor:
    s.kind = signal_kind::demonitor;
    break;
  case wire::signal_kind::down:
    s.kind = signal_kind::down;
    s.to_name = atom(); // what went down; the receiver is `to`
    break;
  case wire::signal_kind::spawn_reply:
    s.kind = signal_kind::spawn_reply;
    s.from = m.spawned;
    s.object = m.failure;
    s.id = (m.linked ? runtime::spawn_reply_bit::linked : 0) |
           (m.monitored ? runtime::spawn_reply_bit::monitored : 0);
    break;
  case wire::signal_kind::group_leader:
  case wire::signal_kind::spawn_request:
    s.kind = signal_kind::group_leader;
    break;
  }
  return s;
}

} // namespace erl
