/// The part of `global` that locks two groups of nodes while they exchange their names.
#pragma once

#include <erl/process.hpp>

#include <vector>

namespace erl {

namespace global_messages {
/// What the name server tells its locker.
term peer_is_ready(atom node, const pid& locker, const term& my_tag, const term& his_tag);
/// An exchange is over, or will not be. First `message` goes to these nodes, then the locks.
term cancel(atom node, const term& my_tag, const std::vector<atom>& to, const term& message);
term known(const std::vector<atom>& nodes);
term unknown(atom node);
} // namespace global_messages

/// The body of the locker of the name server `server`, which runs on the same scheduler. `seed` is
/// for its choices.
owned_body make_global_locker(const pid& server, std::uint32_t seed);

} // namespace erl
