/// Memory for a term under construction. Not for users: see `builder`.
#pragma once

#include <erl/etf/detail/layout.hpp>
#include <erl/etf/pid.hpp>
#include <erl/etf/shared_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace erl {
struct external_fun;
}

namespace erl::detail {

/// Hands out the words of one block. What it made is freed with it unless taken.
class arena {
public:
  /// The first piece of memory has at least `first` words; with 0 it is as large as the first
  /// request.
  explicit arena(std::size_t first = 28) noexcept : first_(first) {}
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

  /// The free words of the present piece, for a loop that hands them out itself and then says how
  /// far it got.
  word* next() const noexcept { return next_; }
  word* limit() const noexcept { return limit_; }
  void move_to(word* next) noexcept { next_ = next; }
  /// Bytes of all pieces.
  std::size_t memory() const noexcept;

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
  /// The first `bits` bits of `bytes`. Throws std::invalid_argument when there are fewer.
  word bit_string(std::span<const std::byte> bytes, std::size_t bits);
  word integer(std::int64_t value);
  word unsigned_integer(std::uint64_t value);
  /// Any magnitude, with leading zeros or not, in the form that its value has.
  word magnitude(bool negative, std::span<const std::uint64_t> words);

  /// Throws std::domain_error for NaN and infinities.
  word floating(double value);
  word identifier(const pid& value);
  word identifier(const port& value);
  /// Throws std::invalid_argument for a size that is not 1 to 5.
  word identifier(const reference& value);
  word fun(const external_fun& value);

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

  std::size_t first_;
  block* block_ = nullptr;
  word* next_ = nullptr;
  word* limit_ = nullptr;
};

} // namespace erl::detail
