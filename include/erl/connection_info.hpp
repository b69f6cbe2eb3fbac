/// What an operator wants to know of a node's connections: see `node::connections` and
/// `node::past_connections`.
#pragma once

#include <erl/duration.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace erl {

/// A look at one connection that is up. Counts begin with the connection, its handshake included.
struct connection_info {
  std::string name;    ///< the peer's full name
  std::string address; ///< numeric, the peer's end of the connection
  std::uint16_t port = 0;
  bool incoming = false;   ///< the peer has dialled
  bool visible = false;    ///< both nodes are visible
  duration age{};          ///< since both sides were proved
  std::uint64_t flags = 0; ///< the distribution flags that both sides have
  std::string flag_names;  ///< the same in OTP's words: `PUBLISHED, EXTENDED_REFERENCES, ...`

  /// What has come, or gone. Bytes are the socket's; frames count ticks and fragments, too.
  struct traffic {
    std::uint64_t bytes = 0;
    std::uint64_t frames = 0;
    std::uint64_t ticks = 0;
    std::uint64_t fragments = 0;
    std::uint64_t messages = 0; ///< control messages; sent ones may wait in part
  };
  traffic received{};
  traffic sent{};

  /// Bytes that wait for the peer now.
  std::size_t waiting_bytes = 0;
  /// Processes that are stopped now since too much of theirs, or in all, waits for the peer.
  std::size_t stopped_senders = 0;
  /// How often a process had to stop for it.
  std::uint64_t stops = 0;
  /// How often so much waited that all senders had to stop, and for how long, until now if they
  /// still have to. What waited while the connection was made counts, too.
  std::uint64_t times_busy = 0;
  duration busy_time{};

  /// Received messages of which fragments are missing, and their bytes that have come.
  std::size_t unfinished_messages = 0;
  std::size_t unfinished_bytes = 0;
  /// Atoms that this node did not know before the peer sent them.
  std::uint32_t new_atoms = 0;
};

/// How often attempts to connect have failed, by the reason.
struct connection_failures {
  std::uint64_t wrong_cookie = 0;
  std::uint64_t flags_missing = 0; ///< the peer lacks mandatory flags; the log has names
  std::uint64_t same_name = 0;     ///< the peer has this node's name
  std::uint64_t not_allowed = 0;   ///< the peer does not want this node
  std::uint64_t bad_name = 0;      ///< not the name of a node, or not of the one that was dialled
  std::uint64_t malformed = 0;     ///< not a handshake of OTP's, or too long a message
  std::uint64_t reflected = 0;     ///< a challenge of this node was handed back to it
  std::uint64_t timed_out = 0;     ///< `connection_limits::handshake_time` was over
  std::uint64_t hung_up = 0;       ///< the peer ended it in the middle
  std::uint64_t given_up = 0;      ///< for another connection between the same nodes
  std::uint64_t unreachable = 0;   ///< outgoing: nobody has the name, or nobody is at the address
  /// Incoming: `connection_limits::handshakes` or `handshakes_of_address` were under way. Outgoing:
  /// too much waited for it.
  std::uint64_t over_limit = 0;
  std::uint64_t other = 0;

  std::uint64_t total() const;
};

/// How often connections have ended, by the reason.
struct connection_losses {
  std::uint64_t closed_by_peer = 0;
  std::uint64_t network = 0;      ///< an error of the socket
  std::uint64_t silent = 0;       ///< nothing came within `node_options::tick_time`
  std::uint64_t disconnected = 0; ///< this node was told to
  std::uint64_t replaced = 0;     ///< by a new connection of the same peer
  std::uint64_t illegal_frame = 0;
  // Over a limit.
  std::uint64_t frame_too_long = 0;     ///< `connection_limits::frame`
  std::uint64_t too_many_atoms = 0;     ///< `new_atoms`
  std::uint64_t too_many_relations = 0; ///< `relations`, `relations_of_process`
  std::uint64_t output_overflow = 0;    ///< `waiting_bytes`

  std::uint64_t over_limit() const;
  std::uint64_t total() const;
};

/// What became of all attempts and connections of a node since its start.
struct connection_history {
  std::uint64_t accepted = 0;    ///< incoming connections that came up
  std::uint64_t dialled = 0;     ///< outgoing ones
  connection_failures refused{}; ///< incoming
  connection_failures failed{};  ///< outgoing
  connection_losses lost{};
};

/// A table of connections, one a line under a line of headings, for a wide terminal.
std::string to_text(std::span<const connection_info> connections);
/// All of one connection, one thing a line.
std::string to_text(const connection_info& connection);
/// All counts that are not 0, one a line.
std::string to_text(const connection_history& history);

} // namespace erl
