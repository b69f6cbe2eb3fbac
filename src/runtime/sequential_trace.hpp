/// Sequential trace tokens of other nodes, carried through this one (OTP's seq_trace).
///
/// A token is `{Flags, Label, Serial, From, LastCount}`. It travels with a message; whoever
/// receives the message has the token from then on and gives it to what it sends, with a serial of
/// its own, until it receives a message without one. As in OTP, the exit signals of links and what
/// a process starts have it, too; exit/2 has none, and the ends of monitors and timers leave their
/// receiver the one that it has (but a repeating timer, and one that a process of another scheduler
/// has set, whose message ends the trace). Nothing is reported here: there is no tracer.
#pragma once

#include <erl/etf/pid.hpp>
#include <erl/message.hpp>
#include <erl/owned.hpp>

#include <cstdint>
#include <utility>

namespace erl::runtime {

/// A token with a message, in the place of an object that the message would be; there it costs
/// nothing where it is not.
class trace_token final : public detail::native_object {
public:
  explicit trace_token(term what) : value(std::move(what)) {}
  term encode() const override { return value; }
  void* get(const void* tag) noexcept override {
    return tag == &detail::native_tag<trace_token> ? this : nullptr;
  }
  const term value;
};

/// An object that is a message, with its token. Nobody sees a difference.
class traced_object final : public detail::native_object {
public:
  traced_object(owned<detail::native_object> what, owned<detail::native_object> token)
      : what_(std::move(what)), token_(std::move(token)) {}
  term encode() const override { return what_->encode(); }
  void* get(const void* tag) noexcept override {
    return tag == &detail::native_tag<trace_token> ? token_->get(tag) : what_->get(tag);
  }

private:
  owned<detail::native_object> what_;
  owned<detail::native_object> token_;
};

using token_with_message = owned<detail::native_object>;

/// Nothing if it is none.
token_with_message make_token(const term& what);
/// In the place of a token: the receiver keeps the one that it has.
token_with_message make_no_change();
/// For the answer to a request to start a process that came with `request`. `from`: the process,
/// or, if there is none, this node.
term reply_token(const term& request, const term& from);

/// What a process knows of the trace that it is part of.
struct trace_state {
  term token; ///< `[]`: none
  std::int64_t clock = 0;
  std::int64_t last = 0;
  token_with_message arriving; ///< of the message that is being delivered

  /// At the start of a process that was asked for with this token.
  void begin(const detail::native_object& with);
  /// After the receipt of a message.
  void received(const message& m);
  /// For the next message of `sender`.
  token_with_message next(const pid& sender);
};

} // namespace erl::runtime
