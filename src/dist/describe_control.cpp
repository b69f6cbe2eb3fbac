#include "dist/describe_control.hpp"

#include "dist/control.hpp"
#include "dist/control_bits.hpp"
#include <erl/etf/print.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace erl::dist {

namespace {

/// The elements behind the operation's number, each `label:type`; `-` is one that means nothing.
/// Types: p a pid, n an atom, t a pid or an atom, r a reference, i an id, f flags, m a
/// {Module, Function, Arity}, x any term. A `+` at the end: a payload follows.
struct form {
  control_op op;
  std::string_view elements;
};
using enum control_op;
constexpr std::array<form, 30> forms{{
    {link, "from:p to:p"},
    {send, "- to:p +"},
    {exit, "from:p to:p reason:x"},
    {unlink, "from:p to:p"},
    {reg_send, "from:p - to:n +"},
    {group_leader, "from:p to:p"},
    {exit2, "from:p to:p reason:x"},
    {send_tt, "- to:p token:x +"},
    {exit_tt, "from:p to:p token:x reason:x"},
    {reg_send_tt, "from:p - to:n token:x +"},
    {exit2_tt, "from:p to:p token:x reason:x"},
    {monitor_p, "from:p to:t ref:r"},
    {demonitor_p, "from:p to:t ref:r"},
    {monitor_p_exit, "from:t to:p ref:r reason:x"},
    {send_sender, "from:p to:p +"},
    {send_sender_tt, "from:p to:p token:x +"},
    {payload_exit, "from:p to:p +"},
    {payload_exit_tt, "from:p to:p token:x +"},
    {payload_exit2, "from:p to:p +"},
    {payload_exit2_tt, "from:p to:p token:x +"},
    {payload_monitor_p_exit, "from:t to:p ref:r +"},
    {spawn_request, "ref:r from:p group_leader:p function:m options:x +"},
    {spawn_request_tt, "ref:r from:p group_leader:p function:m options:x token:x +"},
    {spawn_reply, "ref:r to:p flags:f result:t"},
    {spawn_reply_tt, "ref:r to:p flags:f result:t token:x"},
    {alias_send, "from:p to:r +"},
    {alias_send_tt, "from:p to:r token:x +"},
    {unlink_id, "id:i from:p to:p"},
    {unlink_id_ack, "id:i from:p to:p"},
    {altact_sig_send, "flags:f from:p to:p +"},
}};

/// ALTACT_SIG_SEND's flags say what the other elements are.
std::string_view altact_elements(std::int64_t bits) {
  const bool token = (bits & altact::token) != 0;
  if ((bits & altact::alias) != 0)
    return token ? "flags:f from:p to:r token:x +" : "flags:f from:p to:r +";
  if ((bits & altact::name) != 0)
    return token ? "flags:f from:p to:n token:x +" : "flags:f from:p to:n +";
  return token ? "flags:f from:p to:p token:x +" : "flags:f from:p to:p +";
}

std::string flags_text(control_op op, std::int64_t bits) {
  struct named {
    std::int64_t bit;
    std::string_view name;
  };
  constexpr std::array<named, 5> of_altact{{{altact::priority, "priority"},
                                            {altact::token, "token"},
                                            {altact::alias, "alias"},
                                            {altact::name, "name"},
                                            {altact::exit, "exit"}}};
  constexpr std::array<named, 2> of_reply{
      {{spawn_reply_flag::linked, "linked"}, {spawn_reply_flag::monitored, "monitored"}}};
  const auto names =
      op == altact_sig_send ? std::span<const named>(of_altact) : std::span<const named>(of_reply);
  std::string text;
  for (const named& each : names)
    if ((bits & each.bit) != 0)
      text += (text.empty() ? " (" : ", ") + std::string(each.name);
  return std::to_string(bits) + (text.empty() ? text : text + ")");
}

/// What an element has to be, unless it is.
std::string_view mistake(term_ref value, char type) {
  const term_kind kind = value.kind();
  const auto unless = [](bool right, std::string_view what) {
    return right ? std::string_view() : what;
  };
  switch (type) {
  case 'p':
    return unless(kind == term_kind::pid, "no pid");
  case 'n':
    return unless(value.is_atom(), "no atom");
  case 't':
    return unless(kind == term_kind::pid || value.is_atom(), "neither pid nor atom");
  case 'r':
    return unless(kind == term_kind::reference, "no reference");
  case 'i':
    return unless(value.to_uint64().value_or(0) != 0, "not from 1 to 2^64 - 1");
  case 'f': {
    const auto bits = value.to_int64();
    return unless(bits && *bits >= 0 && *bits < std::int64_t{1} << 31U, "no small integer");
  }
  case 'm':
    return unless(value.is_tuple(3) && value.element(0).is_atom() && value.element(1).is_atom() &&
                      value.element(2).kind() == term_kind::integer,
                  "no {Module, Function, Arity}");
  default:
    return {};
  }
}

/// Writes the elements. False if they are not as many as they have to be.
bool write_elements(term_ref tuple, control_op op, std::string_view elements,
                    described_control& out) {
  std::size_t place = 0;
  while (!elements.empty()) {
    const std::string_view word = elements.substr(0, elements.find(' '));
    elements.remove_prefix(std::min(elements.size(), word.size() + 1));
    if (word == "+") {
      out.payload = true;
      break;
    }
    if (++place >= tuple.arity())
      return false;
    if (word == "-")
      continue;
    const std::string label(word.substr(0, word.find(':')));
    const char type = word.back();
    const term_ref value = tuple.element(place);
    const auto bits = type == 'f' ? value.to_int64() : std::nullopt;
    out.text += " " + label + " " + (bits ? flags_text(op, *bits) : described(value));
    if (const auto what = mistake(value, type); !what.empty() && out.error.empty())
      out.error = "`" + label + "` is " + std::string(what);
  }
  return place + 1 == tuple.arity();
}

} // namespace

std::string described(term_ref value) {
  return to_string(value, print_options{.max_bytes = 1024, .node_names = true});
}

described_control describe_control(term_ref tuple, std::optional<flag_set> common) {
  if (tuple.kind() != term_kind::tuple || tuple.arity() == 0)
    return {.text = described(tuple), .error = "no control tuple"};
  const auto number = tuple.element(0).to_int64();
  const auto found = std::ranges::find_if(forms, [&](const form& each) {
    return number && static_cast<std::int64_t>(each.op) == *number;
  });
  if (found == forms.end())
    return {.text = described(tuple), .error = "unknown operation"};
  described_control out{.text = std::string(op_name(found->op))};
  std::string_view elements = found->elements;
  if (found->op == altact_sig_send && tuple.arity() > 1) {
    const std::int64_t bits = tuple.element(1).to_int64().value_or(0);
    elements = altact_elements(bits);
    if ((bits & altact::alias) != 0 && (bits & altact::name) != 0)
      out.error = "flags that say both alias and name";
  }
  if (found->op == unlink && common && (*common & flags::unlink_id) != 0)
    out.error = "the old unlink operation though UNLINK_ID is common";
  if (!write_elements(tuple, found->op, elements, out)) {
    out.text = std::string(op_name(found->op)) + " " + described(tuple);
    out.error = "wrong number of elements";
  }
  return out;
}

} // namespace erl::dist
