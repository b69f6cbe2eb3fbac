#include "dist/control.hpp"
#include "dist/control_bits.hpp"
#include "dist/control_elements.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>
#include <erl/etf/tags.hpp>

#include <limits>

namespace erl::dist {

namespace {

constexpr std::size_t shown_bytes = 1024;

/// A term for an error text: bounded, and without raw control characters.
std::string shown(term_ref value) {
  std::string text = to_string(value, print_options{.max_bytes = shown_bytes});
  for (auto& character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (code < 32 || code == 127)
      character = '?';
  }
  return text;
}

/// Reads one control tuple into a message. Every function returns false after noting the first
/// thing that is wrong.
class control_reader {
public:
  control_reader(control_elements& elements, const control_context& context,
                 control_message& message)
      : elements_(elements), context_(context), message_(message) {}

  bool read();
  /// Whether a payload follows the control tuple.
  bool has_payload() const { return payload_; }
  std::string_view error() const { return wrong_; }

private:
  bool wrong(std::string_view what) {
    wrong_ = what;
    return false;
  }
  bool elements(std::size_t count) {
    return elements_.size() == count || wrong("wrong number of elements");
  }
  bool kind(signal_kind what, bool payload) {
    message_.kind = what;
    payload_ = payload;
    return true;
  }
  bool any_term(std::size_t place, term& out) {
    auto value = elements_.to_term(place);
    if (!value)
      return wrong("an element that cannot be decoded");
    out = std::move(*value);
    return true;
  }
  bool token(std::size_t place) {
    message_.has_token = true;
    return any_term(place, message_.token);
  }

  bool any_pid(std::size_t place, pid& out) {
    const auto value = elements_.to_pid(place);
    if (!value)
      return wrong("no pid where one has to be");
    out = *value;
    return true;
  }
  /// A process of the peer: nobody may signal in the name of a third node's processes.
  bool sender(std::size_t place) {
    return any_pid(place, message_.from) &&
           (message_.from.node == context_.peer || wrong("the sender is no process of the peer"));
  }
  /// A process of this node, of whatever incarnation.
  bool own_pid(std::size_t place) {
    return any_pid(place, message_.to) &&
           (message_.to.node == context_.self || wrong("the receiver is on a third node"));
  }
  /// A process of this very incarnation.
  bool current_pid(std::size_t place) {
    return own_pid(place) && (message_.to.creation == context_.creation ||
                              wrong("the receiver belongs to an earlier incarnation"));
  }
  bool any_name(std::size_t place) {
    const auto value = elements_.to_atom(place);
    if (!value)
      return wrong("no atom where a registered name has to be");
    message_.target = target_kind::name;
    message_.name = *value;
    return true;
  }
  bool own_pid_or_name(std::size_t place) {
    return elements_.is_atom(place) ? any_name(place) : own_pid(place);
  }
  bool any_reference(std::size_t place) {
    const auto value = elements_.to_reference(place);
    if (!value)
      return wrong("no reference where one has to be");
    message_.ref = *value;
    return true;
  }
  bool alias(std::size_t place) {
    message_.target = target_kind::alias;
    return any_reference(place);
  }
  bool id(std::size_t place) {
    const auto value = elements_.to_uint64(place);
    if (!value || *value == 0)
      return wrong("an unlink id outside 1 to 2^64 - 1");
    message_.id = *value;
    return true;
  }

  bool read_send(bool has_sender, bool has_token);
  bool read_reg_send(bool has_token);
  bool read_alias_send(bool has_token);
  bool read_altact();
  bool read_exit(signal_kind what, bool payload, bool has_token);
  bool read_unlink();
  bool read_unlink_id(signal_kind what);
  bool read_monitor(signal_kind what);
  bool read_down(bool payload);
  bool read_spawn_request(bool has_token);
  bool read_spawn_reply(bool has_token);
  bool read_operation();

  control_elements& elements_;
  const control_context& context_;
  control_message& message_;
  bool payload_ = false;
  std::string_view wrong_;
};

bool control_reader::read() {
  const auto op = elements_.to_int64(0);
  if (!op || *op <= 0 || *op > static_cast<std::int64_t>(control_op::altact_sig_send))
    return wrong("unknown operation");
  message_.op = static_cast<control_op>(*op);
  return read_operation();
}

bool control_reader::read_operation() {
  using enum control_op;
  switch (message_.op) {
  case link:
    return elements(3) && kind(signal_kind::link, false) && sender(1) && own_pid(2);
  case unlink:
    return read_unlink();
  case send:
  case send_tt:
    return read_send(false, message_.op == send_tt);
  case send_sender:
  case send_sender_tt:
    return read_send(true, message_.op == send_sender_tt);
  case reg_send:
  case reg_send_tt:
    return read_reg_send(message_.op == reg_send_tt);
  case alias_send:
  case alias_send_tt:
    return read_alias_send(message_.op == alias_send_tt);
  case altact_sig_send:
    return read_altact();
  case exit:
  case exit_tt:
    return read_exit(signal_kind::link_exit, false, message_.op == exit_tt);
  case payload_exit:
  case payload_exit_tt:
    return read_exit(signal_kind::link_exit, true, message_.op == payload_exit_tt);
  case exit2:
  case exit2_tt:
    return read_exit(signal_kind::exit_to, false, message_.op == exit2_tt);
  case payload_exit2:
  case payload_exit2_tt:
    return read_exit(signal_kind::exit_to, true, message_.op == payload_exit2_tt);
  case control_op::group_leader:
    return elements(3) && kind(signal_kind::group_leader, false) && any_pid(1, message_.from) &&
           any_pid(2, message_.to);
  case monitor_p:
    return read_monitor(signal_kind::monitor);
  case demonitor_p:
    return read_monitor(signal_kind::demonitor);
  case monitor_p_exit:
    return read_down(false);
  case payload_monitor_p_exit:
    return read_down(true);
  case spawn_request:
  case spawn_request_tt:
    return read_spawn_request(message_.op == spawn_request_tt);
  case spawn_reply:
  case spawn_reply_tt:
    return read_spawn_reply(message_.op == spawn_reply_tt);
  case unlink_id:
    return read_unlink_id(signal_kind::unlink_id);
  case unlink_id_ack:
    return read_unlink_id(signal_kind::unlink_id_ack);
  case node_link:
    break;
  }
  return wrong("unknown operation");
}

bool control_reader::read_send(bool has_sender, bool has_token) {
  return elements(has_token ? 4 : 3) && kind(signal_kind::message, true) &&
         (!has_sender || sender(1)) && any_pid(2, message_.to) && (!has_token || token(3));
}

bool control_reader::read_reg_send(bool has_token) {
  return elements(has_token ? 5 : 4) && kind(signal_kind::message, true) && sender(1) &&
         any_name(3) && (!has_token || token(4));
}

bool control_reader::read_alias_send(bool has_token) {
  return elements(has_token ? 4 : 3) && kind(signal_kind::message, true) && sender(1) && alias(2) &&
         (!has_token || token(3));
}

bool control_reader::read_altact() {
  if (elements_.size() != 4 && elements_.size() != 5)
    return wrong("wrong number of elements");
  const auto flags = elements_.to_int64(1);
  if (!flags || *flags < 0 || *flags > std::numeric_limits<std::int32_t>::max())
    return wrong("flags that are no small integer");
  const auto has = [&](std::int64_t bit) { return (*flags & bit) != 0; };
  if (has(altact::alias) && has(altact::name))
    return wrong("flags that say both alias and name");
  message_.priority = has(altact::priority);
  const bool exit = has(altact::exit);
  if (!elements(has(altact::token) ? 5 : 4) ||
      !kind(exit ? signal_kind::exit_to : signal_kind::message, true) || !sender(2))
    return false;
  if (has(altact::token) && !token(4))
    return false;
  if (has(altact::alias))
    return alias(3);
  if (has(altact::name))
    return any_name(3);
  return exit ? own_pid(3) : any_pid(3, message_.to);
}

bool control_reader::read_exit(signal_kind what, bool payload, bool has_token) {
  const std::size_t fixed = has_token ? 4 : 3;
  if (!elements(payload ? fixed : fixed + 1) || !kind(what, payload) || !sender(1))
    return false;
  if (!(what == signal_kind::link_exit ? current_pid(2) : own_pid(2)))
    return false;
  if (has_token && !token(3))
    return false;
  return payload || any_term(fixed, message_.payload);
}

bool control_reader::read_unlink() {
  if ((context_.common & flags::unlink_id) != 0)
    return wrong("the old unlink operation though UNLINK_ID is negotiated");
  return elements(3) && kind(signal_kind::unlink, false) && sender(1) && own_pid(2);
}

bool control_reader::read_unlink_id(signal_kind what) {
  return elements(4) && kind(what, false) && id(1) && sender(2) &&
         (what == signal_kind::unlink_id ? current_pid(3) : own_pid(3));
}

bool control_reader::read_monitor(signal_kind what) {
  return elements(4) && kind(what, false) && sender(1) && own_pid_or_name(2) && any_reference(3);
}

bool control_reader::read_down(bool payload) {
  if (!elements(payload ? 4 : 5) || !kind(signal_kind::down, payload) ||
      !(elements_.is_atom(1) ? any_name(1) : sender(1)) || !own_pid(2) || !any_reference(3))
    return false;
  return payload || any_term(4, message_.payload);
}

bool control_reader::read_spawn_request(bool has_token) {
  if (!elements(has_token ? 7 : 6) || !kind(signal_kind::spawn_request, true) ||
      !any_reference(1) || !sender(2) || !any_pid(3, message_.group_leader))
    return false;
  term mfa;
  if (!any_term(4, mfa))
    return false;
  if (!mfa.is_tuple(3) || !mfa.element(0).is_atom() || !mfa.element(1).is_atom() ||
      mfa.element(2).kind() != term_kind::integer)
    return wrong("no {Module, Function, Arity}");
  message_.module = *mfa.element(0).to_atom();
  message_.function = *mfa.element(1).to_atom();
  message_.arity = *mfa.element(2).to_int64();
  return any_term(5, message_.options) && (!has_token || token(6));
}

bool control_reader::read_spawn_reply(bool has_token) {
  if (!elements(has_token ? 6 : 5) || !kind(signal_kind::spawn_reply, false) || !any_reference(1) ||
      !own_pid(2))
    return false;
  if (message_.ref.node != context_.self)
    return wrong("the request is another node's");
  const auto flags = elements_.to_int64(3);
  if (!flags)
    return wrong("flags that are no small integer");
  message_.linked = (*flags & spawn_reply_flag::linked) != 0;
  message_.monitored = (*flags & spawn_reply_flag::monitored) != 0;
  if (const auto failure = elements_.to_atom(4)) {
    message_.spawn_failed = true;
    message_.failure = *failure;
  } else if (!any_pid(4, message_.spawned)) {
    return false;
  } else if (message_.spawned.node != context_.peer) {
    return wrong("the new process is not on the peer");
  }
  return !has_token || token(5);
}

bool is_compressed(std::span<const std::byte> bytes, framing how) {
  const std::size_t at = how == framing::external ? 1 : 0;
  return bytes.size() > at && bytes[at] == static_cast<std::byte>(etf::tag::compressed);
}

control_error atoms_error() {
  return {.text = "the peer has introduced more new atoms than it may", .atoms_exhausted = true};
}

/// What is wrong with a control message, with the term if it is one.
control_error control_failure(std::span<const std::byte> bytes, const control_elements& elements,
                              std::string_view wrong, decode_options how) {
  if (elements.error() == etf_errc::too_many_new_atoms)
    return atoms_error();
  std::string text = "illegal control message: ";
  text += elements.error() == etf_errc::none ? wrong : to_text(elements.error());
  how.limits.new_atoms = 0; // for the text no new atom is spent
  if (const auto value = decode_prefix(bytes, how); value && !is_compressed(bytes, how.framing))
    text += " in " + shown(value->value);
  return {.text = std::move(text)};
}

std::expected<term, control_error> decode_payload(std::span<const std::byte> bytes,
                                                  const decode_options& how) {
  // OTP refuses compressed terms in frames, and so do we.
  if (is_compressed(bytes, how.framing))
    return std::unexpected(control_error{.text = "a compressed term as payload"});
  auto result = decode_prefix(bytes, how);
  if (result)
    return std::move(result->value);
  if (result.error().code == etf_errc::too_many_new_atoms)
    return std::unexpected(atoms_error());
  return std::unexpected(
      control_error{.text = "cannot decode the payload: " + result.error().message()});
}

} // namespace

std::expected<control_message, control_error> decode_control(const packed_message& message,
                                                             const control_context& context) {
  const decode_options how{.limits = context.decode,
                           .framing = message.framing,
                           .atom_refs = message.atom_refs,
                           .budget = context.budget,
                           .owner = message.owner,
                           // A part of a message that somebody keeps may hold four times its size.
                           .least_shared = message.bytes.size() / 4};
  std::expected<control_message, control_error> result;
  control_elements elements({.self = context.self, .peer = context.peer}, how);
  if (!elements.parse(message.bytes))
    return std::unexpected(
        control_failure(message.bytes, elements, "not a tuple of a control message", how));
  control_reader reader(elements, context, *result);
  if (!reader.read())
    return std::unexpected(control_failure(message.bytes, elements, reader.error(), how));
  if (reader.has_payload()) {
    auto payload = decode_payload(message.bytes.subspan(elements.consumed()), how);
    if (!payload) {
      payload.error().text += " of " + std::string(op_name(result->op));
      return std::unexpected(std::move(payload.error()));
    }
    result->payload = std::move(*payload);
  }
  return result;
}

} // namespace erl::dist
