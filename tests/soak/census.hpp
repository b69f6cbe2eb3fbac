/// What a node and its processes hold, counted by each scheduler on its own thread.
#pragma once

#include <erl/node.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace erl::runtime {
class system;
}

namespace soak {

struct holdings {
  std::uint64_t processes = 0;
  std::uint64_t links = 0;
  std::uint64_t monitors = 0; ///< both ends count
  std::uint64_t aliases = 0;
  std::uint64_t messages = 0; ///< in mailboxes
  std::uint64_t timers = 0;
  std::uint64_t relations = 0; ///< with processes of other nodes
  std::uint64_t watchers = 0;  ///< of dead letters

  bool operator==(const holdings&) const = default;
};

std::string to_string(const holdings& h);

/// The inside of a node that runs.
erl::runtime::system& system_of(erl::node& node);

/// Nothing if a scheduler does not answer within a minute.
std::optional<holdings> take_census(erl::runtime::system& system);

} // namespace soak
