/// The bits of the integers inside control messages.
#pragma once

#include <cstdint>

namespace erl::dist {

/// ALTACT_SIG_SEND's flags (OTP 28). Unknown ones are ignored, as OTP does.
namespace altact {
inline constexpr std::int64_t priority = 1;
inline constexpr std::int64_t token = 2; ///< the tuple has a fifth element, the trace token
inline constexpr std::int64_t alias = 4; ///< the receiver is an alias
inline constexpr std::int64_t name = 8;  ///< the receiver is a registered name
inline constexpr std::int64_t exit = 16; ///< an exit signal, not a message
} // namespace altact

/// SPAWN_REPLY's flags.
namespace spawn_reply_flag {
inline constexpr std::int64_t linked = 1;
inline constexpr std::int64_t monitored = 2;
} // namespace spawn_reply_flag

} // namespace erl::dist
