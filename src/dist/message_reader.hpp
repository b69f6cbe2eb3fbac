/// From frames to messages: the distribution header, its atom references, and fragments.
///
/// What a frame's body begins with depends on the negotiated flags: the byte 112 in pass-through
/// mode; a distribution header where DIST_HDR_ATOM_CACHE or FRAGMENTS is common ("Distribution
/// Protocol" and "External Term Format" in the ERTS guide, and erts/emulator/beam/external.c).
#pragma once

#include "dist/atom_cache.hpp"
#include "dist/flags.hpp"
#include <erl/connection_limits.hpp>
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

/// Finds the messages in the frames of one connection, in their order.
class message_reader {
public:
  message_reader(flag_set common, const connection_limits& limits);

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

  /// A frame that is not whole yet: the first bytes of its body have come, `length` is all of it.
  /// From here on bytes go to `space()`, which is where they stay, until the frame is complete.
  /// `begin` is shorter than `length`, and no shorter than `least_begin`.
  std::expected<void, error> open(std::span<const std::byte> begin, std::size_t length);
  static constexpr std::size_t least_begin = 18;
  bool is_open() const { return left_ != 0; }
  /// Room for the next bytes of the open frame. It grows with what has come: to twice of that at
  /// the most, whatever a length announces.
  std::span<std::byte> space();
  /// `size` bytes of `space()` are filled. False if more are missing; `close` has to follow if not.
  bool filled(std::size_t size);
  /// Reads the frame that was open, and is complete.
  std::expected<result, error> close(atom_budget& budget);

  /// Called at even intervals: false if a message has been without a further fragment for more than
  /// `most` of them.
  bool age(std::int64_t most);

  /// Forgets the last message.
  void release() { finished_ = {}; }

  /// Messages of which fragments are missing, and the bytes of them that have come, or are on their
  /// way in the open frame.
  std::size_t unfinished() const { return sequences_.size(); }
  std::size_t unfinished_bytes() const { return unfinished_bytes_; }
  /// Fragments that have come.
  std::uint64_t fragments() const { return fragments_; }

private:
  /// Bytes that come bit by bit.
  struct collected {
    shared_bytes bytes{};
    std::size_t end = 0;      ///< of what has come
    std::size_t expected = 0; ///< how much it will be, as far as the peer tells
  };
  /// A message that comes in fragments.
  struct sequence : collected {
    std::uint64_t number = 0;
    std::uint64_t next = 0; ///< the id of the fragment that has to come
    std::vector<atom> atom_refs{};
    std::size_t begin = 0; ///< of the message in `bytes`
    std::uint32_t age = 0; ///< intervals since the last fragment
  };

  std::expected<result, error> read_frame(std::span<const std::byte> frame, atom_budget& budget,
                                          shared_bytes* owner);
  std::expected<result, error> read_first(std::span<const std::byte> bytes, atom_budget& budget,
                                          shared_bytes* owner);
  std::expected<sequence*, error> find_next(std::span<const std::byte>& bytes, std::size_t length);
  result advance(sequence& s);
  std::size_t expected_size(std::size_t size, std::uint64_t fragments) const;
  static void append(collected& to, std::span<const std::byte> bytes);
  std::expected<std::span<const atom>, error> read_references(std::span<const std::byte>& bytes,
                                                              atom_budget& budget);
  flag_set common_;
  connection_limits limits_;
  std::unique_ptr<received_atoms> atoms_; ///< null where there is no cache
  std::unordered_map<std::uint64_t, sequence> sequences_;
  // The open frame.
  std::size_t left_ = 0;         ///< bytes that have not come
  sequence* fragment_ = nullptr; ///< whose next fragment it is
  collected frame_;              ///< any other frame
  sequence finished_{};          ///< the last message that came in a long frame or in fragments
  std::size_t unfinished_bytes_ = 0;
  std::uint64_t fragments_ = 0;
};

} // namespace erl::dist
