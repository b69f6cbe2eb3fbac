/// Which count of the operator's a failed or lost connection belongs to.
#pragma once

#include "dist/link.hpp"
#include <erl/connection_info.hpp>

#include <cstdint>

namespace erl {

/// Of an attempt that failed.
std::uint64_t& count_of(connection_failures& all, const dist::link_closed& how);
/// Of a connection that was up.
std::uint64_t& count_of(connection_losses& all, dist::close_reason why);

} // namespace erl
