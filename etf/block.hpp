/// The memory behind terms: one counted block for each message, filled from front to back and freed
/// as a whole.
#pragma once

#include <erl/etf/detail/arena.hpp>
#include <erl/etf/detail/layout.hpp>
#include <erl/etf/shared_bytes.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace erl::detail {

/// Binaries above this many bytes are counted slices; others lie in the block.
inline constexpr std::size_t largest_inline_binary = 256;

/// Further memory of a block, for messages whose size was not known before.
struct chunk {
  chunk* next;
  std::size_t memory;
};

struct block {
  std::atomic<std::uint32_t> count{1};
  /// The slices in this block, as a chain: each holds a count of what it points into.
  word* slices = nullptr;
  chunk* chunks = nullptr;
  /// Bytes, this head included.
  std::size_t memory = 0;

  word* words() noexcept { return reinterpret_cast<word*>(this + 1); }
};

static_assert(sizeof(block) % sizeof(word) == 0);

/// The parts of a slice, a box of five words.
inline constexpr std::size_t slice_words = 5;
inline constexpr std::size_t slice_size = 1;
inline constexpr std::size_t slice_data = 2;
inline constexpr std::size_t slice_owner = 3;
inline constexpr std::size_t slice_next = 4;

/// Opens shared_bytes to the slices, which hold its count as a plain word.
class bytes_access {
public:
  static void* share(const shared_bytes& bytes) noexcept;
  /// Another owner of the bytes of `owner`.
  static shared_bytes owner_of(void* owner) noexcept;
  static void retain(void* owner) noexcept;
  static void release(void* owner) noexcept;
};

constexpr std::size_t words_for(std::size_t bytes) noexcept {
  return bytes / sizeof(word) + (bytes % sizeof(word) != 0 ? 1 : 0);
}

} // namespace erl::detail
