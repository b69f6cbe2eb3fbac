/// How a node's runtime is set up, besides its schedulers.
#pragma once

#include <cstdint>

namespace erl {

/// How many threads `blocking` (<erl/blocking.hpp>) has at most. Threads start when they are needed
/// and end when they have had nothing to do for a while.
struct pool_limits {
  std::uint32_t cpu = 0; ///< of pool::cpu; 0: one for each core
  std::uint32_t io = 64; ///< of pool::io, at least 1
};

} // namespace erl
