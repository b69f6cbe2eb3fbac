/// Control messages: the signals between processes of two nodes, as data and as bytes.
///
/// One kind of signal has up to five forms on the wire (with the reason inside or as payload, with
/// a trace token, by the newer ALTACT_SIG_SEND); the model has one kind, and the encoder chooses
/// the form by the negotiated flags. Shapes and verdicts are those of OTP's erts_net_message
/// (erts/emulator/beam/dist.c): what OTP closes a connection for is an error here.
#pragma once

#include "dist/flags.hpp"
#include "dist/message_reader.hpp"
#include <erl/etf/atom.hpp>
#include <erl/etf/limits.hpp>
#include <erl/etf/pid.hpp>
#include <erl/etf/term.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace erl::dist {

/// The operation numbers of the wire. Others do not exist.
enum class control_op : std::uint8_t {
  link = 1,
  send = 2,
  exit = 3,
  unlink = 4,
  node_link = 5,
  reg_send = 6,
  group_leader = 7,
  exit2 = 8,
  send_tt = 12,
  exit_tt = 13,
  reg_send_tt = 16,
  exit2_tt = 18,
  monitor_p = 19,
  demonitor_p = 20,
  monitor_p_exit = 21,
  send_sender = 22,
  send_sender_tt = 23,
  payload_exit = 24,
  payload_exit_tt = 25,
  payload_exit2 = 26,
  payload_exit2_tt = 27,
  payload_monitor_p_exit = 28,
  spawn_request = 29,
  spawn_request_tt = 30,
  spawn_reply = 31,
  spawn_reply_tt = 32,
  alias_send = 33,
  alias_send_tt = 34,
  unlink_id = 35,
  unlink_id_ack = 36,
  altact_sig_send = 37,
};

/// OTP's name of an operation ("SEND_SENDER"), or an empty text.
std::string_view op_name(control_op op);

/// What a signal means, whatever form it had.
enum class signal_kind : std::uint8_t {
  message, ///< `payload` for the process that `target` says
  link,    ///< `from` links itself to `to`
  unlink,  ///< of peers without UNLINK_ID (OTP 25 may be one): `from` has removed the link to `to`
  unlink_id,     ///< `from` has removed the link to `to`; to be acknowledged with `id`
  unlink_id_ack, ///< acknowledges `id`
  link_exit,     ///< `from` has ended with reason `payload`, and was linked to `to`
  exit_to,       ///< exit/2: `from` sends `to` an exit signal with reason `payload`
  monitor,       ///< `from` monitors `to` or `name`, as `ref`
  demonitor,     ///< `from` no longer does
  down,          ///< what `to` monitors as `ref` has ended with reason `payload`: `from`, or `name`
  group_leader,  ///< `to` gets the group leader `from`
  spawn_request, ///< `from` wants module:function to run with the arguments `payload`; answer to
                 ///< `ref`
  spawn_reply,   ///< the answer to request `ref` of `to`: `spawned`, or the reason `failure`
};

/// Which field names the receiver (for `down`: the process that ended).
enum class target_kind : std::uint8_t {
  process, ///< a pid
  name,    ///< `name`
  alias,   ///< `ref`
};

/// One control message with its payload: plain data. Which fields mean something depends on `kind`;
/// see there.
struct control_message {
  signal_kind kind = signal_kind::message;
  target_kind target = target_kind::process;
  /// A decoded message's operation on the wire; the encoder does not look at it.
  control_op op = control_op::link;
  /// A priority signal (only by ALTACT_SIG_SEND; without that flag it travels as an ordinary one).
  bool priority = false;
  /// There is a trace `token`.
  bool has_token = false;
  /// The sender; of a message without one (old SEND), and of a `down` by name, the default pid.
  pid from{};
  pid to{};
  atom name{};
  /// Alias, monitor or spawn request.
  reference ref{};
  /// unlink_id and its ack: 1 to 2^64 - 1.
  std::uint64_t id = 0;

  /// Message, exit or down reason, argument list.
  term payload{};
  /// Sequential trace token, opaque.
  term token{};

  /// spawn_request.
  pid group_leader{};
  atom module{};
  atom function{};
  std::int64_t arity = 0; ///< as told; the argument list decides
  term options{};
  /// spawn_reply.
  bool linked = false;
  bool monitored = false;
  bool spawn_failed = false; ///< then `failure` is the reason, else `spawned` the new process
  pid spawned{};
  atom failure{};
};

/// What the decoder has to know about the connection.
struct control_context {
  atom self{};                   ///< this node's name
  std::uint32_t creation = 0;    ///< this node's creation
  atom peer{};                   ///< the other node's name
  flag_set common = 0;           ///< the negotiated flags
  limits decode{};               ///< bounds for each term
  atom_budget* budget = nullptr; ///< what the peer may still add to the atom table; null: no bound
};

/// A frame that is not a legal control message. The connection has to be closed.
struct control_error {
  /// What was wrong, with the offending term, at most 1 KB of it, control characters replaced.
  std::string text{};
  /// The peer has used up its share of new atoms.
  bool atoms_exhausted = false;
};

/// Decodes a message.
std::expected<control_message, control_error> decode_control(const packed_message& message,
                                                             const control_context& context);

/// What became of a control tuple.
enum class encoded : std::uint8_t {
  no,           ///< nothing was written
  alone,        ///< it is the whole message
  with_payload, ///< `payload` has to follow, in the same framing
};

/// Appends the control tuple to `out`, in the form that the flags `common` ask for. `no` if the
/// peer cannot take such a signal at all (no monitors, spawn requests or aliases without their
/// flags), or if the message is one that must not be sent: an id of 0, or a reference without
/// words.
[[nodiscard]] encoded encode_control(const control_message& message, flag_set common,
                                     const encode_options& how, std::vector<std::byte>& out);

} // namespace erl::dist
