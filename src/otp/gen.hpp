/// The gen protocol: how calls, casts and replies look on the wire (OTP's gen.erl).
#pragma once

#include <erl/destination.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/term.hpp>
#include <erl/gen_server.hpp>
#include <erl/process.hpp>

#include <optional>

namespace erl::gen {

/// A request to a behaviour's process, borrowed from its message.
struct request {
  enum class kind { call, cast } what;
  term_ref from; ///< of a call: `{Pid, Tag}`
  term_ref body;
};

/// The request that a message is, if it is one.
std::optional<request> parse(term_ref message);

/// Sends the reply to a call: to the alias in the tag if there is one, else to the pid. The tag
/// goes back unchanged.
void reply(process& server, term_ref from, encodable value, const send_options& how);
void reply(process& server, term_ref from, encodable value);

/// Tells the starter, whose alias `tag` is, how a start went: `ok`, or `{error, Reason}`. Each goes
/// out at most once.
void notify_started(process& self, const reference& tag);
void notify_failed(process& self, const reference& tag, term_ref reason);

/// Puts what OTP's tools look for into the process dictionary: the ancestors, and as the initial
/// call `{Module, init, 1}`.
void introduce(process& self, const start_notice& notice, atom module);

/// `{'EXIT', Who, _}`: what a process that traps exits gets when `who` ends.
bool is_exit_of(term_ref message, const pid& who);

} // namespace erl::gen
