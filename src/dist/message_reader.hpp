/// From frames to messages: the distribution header, its atom references, and fragments.
///
/// What a frame's body begins with depends on the negotiated flags: the byte 112 in pass-through
/// mode; a distribution header where DIST_HDR_ATOM_CACHE or FRAGMENTS is common ("Distribution
/// Protocol" and "External Term Format" in the ERTS guide, and erts/emulator/beam/external.c).
#pragma once

#include "dist/atom_cache.hpp"
#include "dist/flags.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/shared_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>

namespace erl::dist {

/// The terms of one message: the control tuple, and the payload if there is one.
struct packed_message {
  std::span<const std::byte> bytes;
  erl::framing framing = framing::external;
  std::span<const atom> atom_refs{};   ///< what ATOM_CACHE_REF indices in `bytes` mean
  const shared_bytes* owner = nullptr; ///< of `bytes`, if binaries may stay where they are
};

/// How much a peer may have under way in fragments.
struct fragment_limits {
  std::size_t bytes = std::size_t{256} << 20U;   ///< of all unfinished messages
  std::size_t sequences = 1024;                  ///< unfinished messages at a time
  std::uint64_t count = std::uint64_t{1} << 20U; ///< fragments of one message
};

/// Finds the messages in the frames of one connection, in their order.
class message_reader {
public:
  message_reader(flag_set common, const fragment_limits& limits);

  /// Why a frame ends the connection.
  struct error {
    std::string_view text;
    bool atoms_exhausted = false;
  };
  enum class outcome { message, part };
  struct result {
    outcome what = outcome::part;
    packed_message message{}; ///< valid until the next call, and as long as the frame
  };
  /// Takes the next frame, which is no tick. New atoms of a header are charged to `budget`.
  std::expected<result, error> read(std::span<const std::byte> frame, atom_budget& budget);

  /// Forgets the last message.
  void release() { finished_ = {}; }

  /// Messages of which fragments are missing, and the bytes of them that have come.
  std::size_t unfinished() const { return sequences_.size(); }
  std::size_t unfinished_bytes() const { return unfinished_bytes_; }
  /// Fragments that have come.
  std::uint64_t fragments() const { return fragments_; }

private:
  struct sequence {
    std::uint64_t next; ///< the id of the fragment that has to come
    std::unique_ptr<atom[]> atom_refs;
    std::size_t atom_count;
    shared_bytes bytes; ///< the first `size` of them have come
    std::size_t size;
  };

  std::expected<result, error> read_first(std::span<const std::byte> bytes, atom_budget& budget);
  std::expected<result, error> read_next(std::span<const std::byte> bytes);
  std::expected<std::span<const atom>, error> read_references(std::span<const std::byte>& bytes,
                                                              atom_budget& budget);
  bool append(sequence& to, std::span<const std::byte> bytes);

  flag_set common_;
  fragment_limits limits_;
  std::unique_ptr<received_atoms> atoms_; ///< null where there is no cache
  std::unordered_map<std::uint64_t, sequence> sequences_;
  sequence finished_{}; ///< the last message that came in fragments
  std::size_t unfinished_bytes_ = 0;
  std::uint64_t fragments_ = 0;
};

} // namespace erl::dist
