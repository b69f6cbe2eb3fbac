/// What one peer may cost a node.
#pragma once

#include <erl/duration.hpp>

#include <cstddef>
#include <cstdint>

namespace erl {

/// Limits of each connection to another node. A peer that goes beyond one of them loses its
/// connection, with a log line that names the limit; everybody else is served on. Nothing is
/// allocated from a size that a peer announces: memory follows what has come.
struct connection_limits {
  /// The longest frame, in bytes.
  std::size_t frame = std::size_t{256} << 20U;
  /// Bytes of all messages of which fragments are missing.
  std::size_t unfinished_bytes = std::size_t{256} << 20U;
  /// Messages of which fragments are missing, at a time.
  std::size_t unfinished_messages = 1024;
  /// How long such a message may go without a further fragment; looked at each quarter of
  /// `tick_time`.
  duration unfinished_age = std::chrono::minutes(5);
  /// New atoms that the peer may bring.
  std::uint32_t new_atoms = 65536;
  /// Links and monitors between the peer's processes and one scheduler's, once the peer makes one
  /// more.
  std::size_t relations = 1'000'000;
  /// Links and monitors of one process, once the peer makes one more to it.
  std::size_t relations_of_process = 100'000;

  /// Processes that send to the peer stop when so many bytes wait for it, and go on below the low
  /// mark.
  std::size_t high_water = std::size_t{1} << 20U;
  std::size_t low_water = std::size_t{256} << 10U;
  /// What may wait all the same (large messages, answers that do not wait), in bytes.
  std::size_t waiting_bytes = std::size_t{512} << 20U;

  /// For the whole handshake, connecting included.
  duration handshake_time = std::chrono::seconds(7);
  /// Incoming handshakes at a time: in all, and of one address.
  std::uint32_t handshakes = 128;
  std::uint32_t handshakes_of_address = 16;
};

} // namespace erl
