/// What peers may call.
#pragma once

#include <erl/erl.hpp>

namespace demo {

/// Serves `demo:add/2`, `demo:run/2`, `demo:fail/1`, `demo:sleep/2` and, for this project's own
/// tests, `demo:leader/1` and `demo:witness/1`.
void serve_functions(erl::node& node);

} // namespace demo
