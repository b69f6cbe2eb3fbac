/// The process `rex`: what older nodes and `erl_interface` send remote calls to.
#pragma once

#include <erl/process.hpp>

namespace erl {

/// Its body: says that there is no way to call functions here, answers calls as OTP does where a
/// function does not exist, and passes messages on to names.
owned_body make_rex();

} // namespace erl
