/// What a node and its processes hold, counted by each scheduler on its own thread.
#pragma once

#include <erl/holdings.hpp>
#include <erl/node.hpp>

#include <optional>
#include <string>

namespace erl::runtime {
class system;
}

namespace soak {

using erl::holdings;

std::string to_string(const holdings& h);

/// The inside of a node that runs.
erl::runtime::system& system_of(erl::node& node);

/// Nothing if a scheduler does not answer within a minute.
std::optional<holdings> take_census(erl::runtime::system& system);

} // namespace soak
