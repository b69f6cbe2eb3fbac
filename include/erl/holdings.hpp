/// What a node and its processes hold at a moment, for tests that look for what is left behind.
#pragma once

#include <cstdint>

namespace erl {

/// Counts. Two of them can be added and compared.
struct holdings {
  std::uint64_t processes = 0; ///< the node's own included
  std::uint64_t names = 0;     ///< those of the node's own processes included
  std::uint64_t links = 0;
  std::uint64_t monitors = 0; ///< both ends count
  std::uint64_t aliases = 0;
  std::uint64_t node_watches = 0;
  std::uint64_t spawn_requests = 0; ///< without an answer
  std::uint64_t messages = 0;       ///< in mailboxes
  std::uint64_t early = 0;          ///< signals for processes that have not started
  std::uint64_t stopped = 0;        ///< processes that wait for room in a mailbox
  std::uint64_t timers = 0;         ///< those of connections included
  std::uint64_t relations = 0;      ///< with processes of other nodes
  std::uint64_t for_peers = 0;      ///< what connections keep: signals, senders, monitors
  std::uint64_t watchers = 0;       ///< of dead letters

  holdings& operator+=(const holdings& more);
  bool operator==(const holdings&) const = default;
};

} // namespace erl
