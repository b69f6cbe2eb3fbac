/// What a node's processes hold.
#pragma once

#include <erl/holdings.hpp>

namespace erl::runtime {

class scheduler;
class system;

/// What one scheduler has, on its thread.
holdings held_by(const scheduler& s);
/// What is the whole node's. Any thread.
holdings shared_holdings(system& node);

} // namespace erl::runtime
