/// Puppets: processes that do what they are told, so that every signal can be tried in both
/// directions.
#pragma once

#include <erl/erl.hpp>

namespace demo {

/// The body of one. It sends `ready` to the process that starts it, once it traps exits if it is
/// to.
erl::owned_body make_puppet(erl::node& node, bool trap_exits, const erl::reference& ready);

} // namespace demo
