/// What frames begin with, for those who write and read them ("Distribution Protocol" in the ERTS
/// guide).
#pragma once

#include "dist/flags.hpp"

#include <cstddef>

namespace erl::dist {

/// In pass-through mode: the first byte. OTP does not look at it.
inline constexpr std::byte pass_through{112};

// With a header: the second byte. The first one is the version byte of external terms.
inline constexpr std::byte whole_message{68};
inline constexpr std::byte first_fragment{69};
inline constexpr std::byte next_fragment{70};

/// Either of these, if it is common, puts a header before every message.
inline constexpr flag_set header_flags = flags::dist_hdr_atom_cache | flags::fragments;

} // namespace erl::dist
