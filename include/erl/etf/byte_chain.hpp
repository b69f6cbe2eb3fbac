/// Bytes in pieces, for writing them at once (`writev`): what was encoded, and large binaries where
/// they lie.
#pragma once

#include <erl/etf/shared_bytes.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace erl {

namespace detail {
class chain_encoder;
}

/// A sequence of bytes in pieces, of which some are shared and not copied. One thread at a time.
///
///     erl::byte_chain frame;
///     erl::encode(value, frame);
///     for (std::span<const std::byte> piece : frame.pieces())
///       ...                                        // an iovec each
class byte_chain {
public:
  byte_chain() noexcept = default;
  byte_chain(byte_chain&& other) noexcept;
  byte_chain& operator=(byte_chain&& other) noexcept;
  byte_chain(const byte_chain&) = delete;
  byte_chain& operator=(const byte_chain&) = delete;
  ~byte_chain();

  /// Bytes in all.
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  /// The pieces in order, none of them empty. Valid until the chain changes.
  std::span<const std::span<const std::byte>> pieces() const noexcept { return pieces_; }

  /// Appends a copy.
  void append(std::span<const std::byte> bytes);
  /// Appends `part` of `owner`, which lives as long as the chain needs it.
  void append(const shared_bytes& owner, std::span<const std::byte> part);
  /// Removes everything. The piece of memory that was written to last is kept for the next bytes.
  void clear() noexcept;
  /// The bytes in one row.
  std::vector<std::byte> to_vector() const;

private:
  friend class detail::chain_encoder;

  /// Notes what was written up to `at_`.
  void record();
  void add_memory(std::size_t at_least);

  std::vector<std::span<const std::byte>> pieces_;
  /// What the pieces lie in.
  std::vector<shared_bytes> owners_;
  /// What is written to: from `begin_` to `at_` is not among the pieces yet, and up to `limit_`
  /// there is room.
  shared_bytes memory_;
  std::byte* begin_ = nullptr;
  std::byte* at_ = nullptr;
  std::byte* limit_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace erl
