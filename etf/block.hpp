/// The memory behind terms: one counted block for each message, filled from front to back and freed
/// as a whole.
#pragma once

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
  static void retain(void* owner) noexcept;
  static void release(void* owner) noexcept;
};

constexpr std::size_t words_for(std::size_t bytes) noexcept {
  return bytes / sizeof(word) + (bytes % sizeof(word) != 0 ? 1 : 0);
}

/// Hands out the words of one block. What it made is freed with it unless taken.
class arena {
public:
  arena() noexcept = default;
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() {
    if (block_ != nullptr)
      release(block_);
  }

  /// Makes sure that the next `words` come from one piece of memory without further checks of its
  /// size.
  void reserve(std::size_t words) {
    if (static_cast<std::size_t>(limit_ - next_) < words)
      grow(words);
  }

  word* allocate(std::size_t words) {
    reserve(words);
    word* result = next_;
    next_ += words;
    return result;
  }

  /// A binary of any size with a copy of `bytes`; its word.
  word binary(std::span<const std::byte> bytes);
  /// A slice of `part`, whose owner is counted up.
  word slice(const shared_bytes& owner, std::span<const std::byte> part);
  /// A slice that is a copy of another one.
  word slice(const word* other);
  /// The first `bits` bits of `bytes`, which are not whole bytes.
  word bit_string(std::span<const std::byte> bytes, std::size_t bits);
  word integer(std::int64_t value);
  word unsigned_integer(std::uint64_t value);
  /// Any magnitude, with leading zeros or not, in the form that its value has.
  word magnitude(bool negative, std::span<const std::uint64_t> words);

  /// The block, with its count of one; null when nothing was allocated.
  block* take() noexcept {
    block* result = block_;
    block_ = nullptr;
    next_ = limit_ = nullptr;
    return result;
  }

private:
  void grow(std::size_t words);
  word chain(word* box, const std::byte* data, std::size_t size, void* owner) noexcept;

  block* block_ = nullptr;
  word* next_ = nullptr;
  word* limit_ = nullptr;
};

} // namespace erl::detail
