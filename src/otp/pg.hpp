/// The process `pg`: OTP's process groups.
#pragma once

#include <erl/process.hpp>

namespace erl {

/// The body of the scope `pg`, without members: answers peers that look for it, and takes no notice
/// of their members. For scheduler 0.
owned_body make_pg();

} // namespace erl
