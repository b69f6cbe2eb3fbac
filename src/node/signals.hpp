/// Signals of the runtime as control messages of the protocol, and back.
#pragma once

#include "dist/control.hpp"
#include "runtime/signal.hpp"

namespace erl {

/// An outgoing signal, whose receiver is on the peer. Not for signals to schedulers.
dist::control_message to_control(runtime::signal&& s);

/// An incoming control message as the runtime has it. Not for spawn requests and replies.
runtime::signal to_signal(dist::control_message&& m);

} // namespace erl
