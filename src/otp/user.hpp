/// The process `user`: the group leader of all processes that have no other one. What they print,
/// and what is started for them elsewhere, it writes to the standard output.
#pragma once

#include <erl/process.hpp>

namespace erl {

owned_body make_user();

} // namespace erl
