/// The process `net_kernel`: what `net_adm:ping/1` and `Node.ping/1` ask.
#pragma once

#include <erl/process.hpp>

namespace erl {

/// The body of net_kernel: answers `{is_auth, Node}` with `yes`. To anything else it stays silent,
/// as OTP's does.
owned_body make_net_kernel();

} // namespace erl
