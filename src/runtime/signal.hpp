/// What processes and nodes say to each other, beside plain messages between two processes of one
/// scheduler.
///
/// One type for every border that a signal can cross: to a process of the same scheduler it is
/// handled at once, to another scheduler it travels in a lane, to another node it is handed to the
/// distribution. All three keep the order of each pair.
#pragma once

#include <erl/etf/pid.hpp>
#include <erl/etf/term.hpp>
#include <erl/owned.hpp>
#include <erl/process.hpp>

#include <cstdint>

namespace erl::runtime {

enum class signal_kind : std::uint8_t {
  message,       ///< body to `to`, or to `to_name`
  alias_message, ///< body to the process whose alias `reference` is
  link,
  unlink,     ///< with `id`, until the acknowledgement
  unlink_ack, ///< with `id`
  link_exit,  ///< body: reason; only has an effect on an active link
  exit,       ///< exit/2; body: reason
  monitor,    ///< by `reference`, of `to` or `to_name`
  demonitor,
  down,         ///< body: reason; `object` is the name it was monitored by, if it was
  group_leader, ///< `to` gets the group leader `from`
  info,         ///< asks for a process_info, to go to the alias `ref`
  room_wanted,  ///< `from` has filled the mailbox, and wants to know when there is room
  room,         ///< there is
  way_is_full,  ///< much that `to` has sent waits for the node in `from`: so it waits, too
  name_given,   ///< `object` is registered for it
  /// Asks the node in `to` for a process; body: `{Module, Function, Arguments, Options,
  /// GroupLeader}`; answer to `ref`.
  spawn_request,
  /// The process `from`, with the links and monitors that `id` says (`spawn_reply_bit`); or none of
  /// its node, and `object` says why.
  spawn_reply,
  connect,    ///< asks for a connection to `to_node`, without anything to say
  disconnect, ///< asks for the end of the connection to `to_node`
  spawn, ///< to a scheduler: `what` begins to run as `to`; `ref`, if any, is the parent's monitor;
         ///< body: its group leader, or anything else for this node's own
  node_lost, ///< to a scheduler: the connection to `to_node` is gone, `epoch` has ended
};

struct signal {
  signal_kind kind = signal_kind::message;
  /// Which life of the connection to the receiver's node the sender knew. The distribution drops
  /// what was meant for an earlier one, because the sender has been (or is being) told
  /// `noconnection` for it.
  std::uint32_t epoch = 0;
  pid from;
  pid to;
  atom to_name; ///< not empty: `to` is not used, the receiver is this name on `to_node`
  atom to_node; ///< the node of `to_name`; empty: this node
  atom object;  ///< a name: by which it was monitored, or that it gets
  std::uint64_t id = 0;
  reference ref;
  term body;
  owned_body what;
  owned<detail::native_object> native; ///< of a message: this in place of a body
  owned<detail::native_object> token;  ///< its trace token, if it has one
  mailbox_limit mailbox;               ///< of a spawn
  bool urgent = false;                 ///< of a message: to come before others
  bool link = false;                   ///< of a spawn: linked to its parent, `from`
  priority urgency = priority::normal; ///< of a spawn
};

/// What a started process has to do with the one that asked for it.
namespace spawn_reply_bit {
inline constexpr std::uint64_t linked = 1;
inline constexpr std::uint64_t monitored = 2;
} // namespace spawn_reply_bit

/// The node that a signal is meant for; empty: this one.
atom receiving_node(const signal& s);

} // namespace erl::runtime
