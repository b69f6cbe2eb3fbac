/// Sequential trace tokens of other nodes, carried through this one (OTP's seq_trace).
///
/// A token is `{Flags, Label, Serial, From, LastCount}`. It travels with a message; whoever
/// receives the message has the token from then on and gives it to what it sends, with a serial of
/// its own, until it receives a message without one. Nothing is reported here: there is no tracer.
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

using token_with_message = owned<detail::native_object>;

/// Nothing if it is none.
token_with_message make_token(const term& what);

/// What a process knows of the trace that it is part of.
struct trace_state {
  term token; ///< `[]`: none
  std::int64_t clock = 0;
  std::int64_t last = 0;
  token_with_message arriving; ///< of the message that is being delivered

  /// After the receipt of a message.
  void received(const message& m);
  /// For the next message of `sender`.
  token_with_message next(const pid& sender);
};

} // namespace erl::runtime
