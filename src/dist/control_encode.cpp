#include "dist/control.hpp"
#include "dist/control_bits.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/writer.hpp>

#include <array>
#include <stdexcept>

namespace erl::dist {

namespace {

/// Writes the forms of the signals. Every function returns false, or has written the whole control
/// tuple.
class control_writer {
public:
  control_writer(const control_message& message, flag_set common, const encode_options& how,
                 std::vector<std::byte>& out)
      : message_(message), common_(common), cache_(how.atom_cache), writer_(out, cache_) {
    if (how.framing == framing::external)
      writer_.version();
  }

  bool write();
  bool has_payload() const { return payload_; }

private:
  bool common(flag_set wanted) const { return (common_ & wanted) == wanted; }
  bool token() const { return message_.has_token; }
  bool sound_reference() const { return message_.ref.size >= 1 && message_.ref.size <= 5; }

  /// Opens the tuple of an operation with `elements` further elements, one more with a token.
  void open(control_op plain, control_op with_token, std::size_t elements) {
    writer_.tuple(1 + elements + (token() ? 1 : 0));
    writer_.integer(static_cast<std::int64_t>(token() ? with_token : plain));
  }
  void open(control_op op, std::size_t elements) {
    writer_.tuple(1 + elements);
    writer_.integer(static_cast<std::int64_t>(op));
  }
  void write_token() {
    if (token())
      write_term(message_.token);
  }
  void write_term(const term& value) {
    encode(value, writer_.out(), {.framing = framing::bare, .atom_cache = cache_});
  }
  void write_to() {
    if (message_.target == target_kind::name)
      writer_.atom(message_.name);
    else
      writer_.pid(message_.to);
  }

  bool write_message();
  bool write_alias_message();
  bool write_exit(control_op plain, control_op plain_tt, control_op payload, control_op payload_tt);
  bool write_priority_exit();
  bool write_link();
  bool write_unlink();
  bool write_unlink_id(control_op op);
  bool write_monitor(control_op op);
  bool write_down();
  bool write_group_leader();
  bool write_spawn_request();
  bool write_spawn_reply();
  void write_altact(std::int64_t flags);

  const control_message& message_;
  flag_set common_;
  atom_cache_writer* cache_;
  etf::writer writer_;
  bool payload_ = false;
};

bool control_writer::write() {
  using enum control_op;
  switch (message_.kind) {
  case signal_kind::message:
    return message_.target == target_kind::alias ? write_alias_message() : write_message();
  case signal_kind::link:
    return write_link();
  case signal_kind::unlink:
    return write_unlink();
  case signal_kind::unlink_id:
    return write_unlink_id(unlink_id);
  case signal_kind::unlink_id_ack:
    return write_unlink_id(unlink_id_ack);
  case signal_kind::link_exit:
    return write_exit(exit, exit_tt, payload_exit, payload_exit_tt);
  case signal_kind::exit_to:
    if (message_.priority && common(flags::altact_sig))
      return write_priority_exit();
    return message_.target == target_kind::process &&
           write_exit(exit2, exit2_tt, payload_exit2, payload_exit2_tt);
  case signal_kind::monitor:
    return write_monitor(monitor_p);
  case signal_kind::demonitor:
    return write_monitor(demonitor_p);
  case signal_kind::down:
    return write_down();
  case signal_kind::group_leader:
    return write_group_leader();
  case signal_kind::spawn_request:
    return write_spawn_request();
  case signal_kind::spawn_reply:
    return write_spawn_reply();
  }
  return false;
}

bool control_writer::write_message() {
  payload_ = true;
  if (message_.target == target_kind::name) {
    open(control_op::reg_send, control_op::reg_send_tt, 3);
    writer_.pid(message_.from);
    writer_.atom(atom());
    writer_.atom(message_.name);
  } else if (common(flags::send_sender) && message_.from != pid()) {
    open(control_op::send_sender, control_op::send_sender_tt, 2);
    writer_.pid(message_.from);
    writer_.pid(message_.to);
  } else {
    open(control_op::send, control_op::send_tt, 2);
    writer_.atom(atom());
    writer_.pid(message_.to);
  }
  write_token();
  return true;
}

bool control_writer::write_alias_message() {
  if (!sound_reference())
    return false;
  payload_ = true;
  if (common(flags::altact_sig)) {
    write_altact(altact::alias | (message_.priority ? altact::priority : 0));
    return true;
  }
  if (!common(flags::alias))
    return false;
  open(control_op::alias_send, control_op::alias_send_tt, 2);
  writer_.pid(message_.from);
  writer_.reference(message_.ref);
  write_token();
  return true;
}

void control_writer::write_altact(std::int64_t flags) {
  writer_.tuple(token() ? 5 : 4);
  writer_.integer(static_cast<std::int64_t>(control_op::altact_sig_send));
  writer_.integer(flags | (token() ? altact::token : 0));
  writer_.pid(message_.from);
  if (message_.target == target_kind::alias)
    writer_.reference(message_.ref);
  else
    writer_.pid(message_.to);
  write_token();
}

bool control_writer::write_priority_exit() {
  if (message_.target == target_kind::name ||
      (message_.target == target_kind::alias && !sound_reference()))
    return false;
  payload_ = true;
  write_altact(altact::priority | altact::exit |
               (message_.target == target_kind::alias ? altact::alias : 0));
  return true;
}

bool control_writer::write_exit(control_op plain, control_op plain_tt, control_op payload,
                                control_op payload_tt) {
  payload_ = common(flags::exit_payload);
  if (payload_)
    open(payload, payload_tt, 2);
  else
    open(plain, plain_tt, 3);
  writer_.pid(message_.from);
  writer_.pid(message_.to);
  write_token();
  if (!payload_)
    write_term(message_.payload);
  return true;
}

bool control_writer::write_link() {
  open(control_op::link, 2);
  writer_.pid(message_.from);
  writer_.pid(message_.to);
  return true;
}

bool control_writer::write_unlink() {
  if (common(flags::unlink_id))
    return false;
  open(control_op::unlink, 2);
  writer_.pid(message_.from);
  writer_.pid(message_.to);
  return true;
}

bool control_writer::write_unlink_id(control_op op) {
  if (message_.id == 0 || !common(flags::unlink_id))
    return false;
  open(op, 3);
  writer_.unsigned_integer(message_.id);
  writer_.pid(message_.from);
  writer_.pid(message_.to);
  return true;
}

bool control_writer::write_monitor(control_op op) {
  if (!common(flags::dist_monitor | flags::dist_monitor_name) || !sound_reference())
    return false;
  open(op, 3);
  writer_.pid(message_.from);
  write_to();
  writer_.reference(message_.ref);
  return true;
}

bool control_writer::write_down() {
  if (!common(flags::dist_monitor | flags::dist_monitor_name) || !sound_reference())
    return false;
  payload_ = common(flags::exit_payload);
  if (payload_)
    open(control_op::payload_monitor_p_exit, 3);
  else
    open(control_op::monitor_p_exit, 4);
  if (message_.target == target_kind::name)
    writer_.atom(message_.name);
  else
    writer_.pid(message_.from);
  writer_.pid(message_.to);
  writer_.reference(message_.ref);
  if (!payload_)
    write_term(message_.payload);
  return true;
}

bool control_writer::write_group_leader() {
  open(control_op::group_leader, 2);
  writer_.pid(message_.from);
  writer_.pid(message_.to);
  return true;
}

bool control_writer::write_spawn_request() {
  if (!common(flags::spawn) || !sound_reference())
    return false;
  payload_ = true;
  open(control_op::spawn_request, control_op::spawn_request_tt, 5);
  writer_.reference(message_.ref);
  writer_.pid(message_.from);
  writer_.pid(message_.group_leader);
  writer_.tuple(3);
  writer_.atom(message_.module);
  writer_.atom(message_.function);
  writer_.integer(message_.arity);
  write_term(message_.options);
  write_token();
  return true;
}

bool control_writer::write_spawn_reply() {
  if (!common(flags::spawn) || !sound_reference())
    return false;
  open(control_op::spawn_reply, control_op::spawn_reply_tt, 4);
  writer_.reference(message_.ref);
  writer_.pid(message_.to);
  writer_.integer((message_.linked ? spawn_reply_flag::linked : 0) |
                  (message_.monitored ? spawn_reply_flag::monitored : 0));
  if (message_.spawn_failed)
    writer_.atom(message_.failure);
  else
    writer_.pid(message_.spawned);
  write_token();
  return true;
}

} // namespace

encoded encode_control(const control_message& message, flag_set common, const encode_options& how,
                       std::vector<std::byte>& out) {
  const auto start = out.size();
  encoded result = encoded::no;
  try {
    control_writer writer(message, common, how, out);
    if (writer.write())
      result = writer.has_payload() ? encoded::with_payload : encoded::alone;
  } catch (const std::length_error&) {
    result = encoded::no; // a part is beyond what the external term format can express
  }
  if (result == encoded::no)
    out.resize(start);
  return result;
}

std::string_view op_name(control_op op) {
  static constexpr std::array<std::string_view, 38> names{
      "",
      "LINK",
      "SEND",
      "EXIT",
      "UNLINK",
      "NODE_LINK",
      "REG_SEND",
      "GROUP_LEADER",
      "EXIT2",
      "",
      "",
      "",
      "SEND_TT",
      "EXIT_TT",
      "",
      "",
      "REG_SEND_TT",
      "",
      "EXIT2_TT",
      "MONITOR_P",
      "DEMONITOR_P",
      "MONITOR_P_EXIT",
      "SEND_SENDER",
      "SEND_SENDER_TT",
      "PAYLOAD_EXIT",
      "PAYLOAD_EXIT_TT",
      "PAYLOAD_EXIT2",
      "PAYLOAD_EXIT2_TT",
      "PAYLOAD_MONITOR_P_EXIT",
      "SPAWN_REQUEST",
      "SPAWN_REQUEST_TT",
      "SPAWN_REPLY",
      "SPAWN_REPLY_TT",
      "ALIAS_SEND",
      "ALIAS_SEND_TT",
      "UNLINK_ID",
      "UNLINK_ID_ACK",
      "ALTACT_SIG_SEND",
  };
  const auto number = static_cast<std::size_t>(op);
  return number < names.size() ? names[number] : std::string_view{};
}

} // namespace erl::dist
