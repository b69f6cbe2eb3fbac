/// What peers may call.
#pragma once

#include <erl/erl.hpp>

namespace test_node {

/// Serves `demo:add/2`, `demo:run/2`, `demo:fail/1` and `demo:sleep/2`.
void serve_functions(erl::node& node);

} // namespace test_node
