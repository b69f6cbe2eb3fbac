/// Bytes that many terms may share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace erl {

namespace detail {
class bytes_access;
}

/// An owner of a block of bytes on the heap, counted: copies share the block, and the last one
/// frees it. The bytes are filled once by who allocated them, and are constant from the first copy
/// on; then any thread may read them.
class shared_bytes {
public:
  /// No bytes.
  shared_bytes() noexcept = default;

  /// A block of `size` uninitialised bytes. `wanted`, if it is not 0, says that it will grow to
  /// that size, and that others like it follow: if there is a free block of that size it is used,
  /// but no more than `size` is asked of the system, and the block is kept for them when it is
  /// free. Throws std::bad_alloc.
  static shared_bytes allocate(std::size_t size, std::size_t wanted = 0);
  /// A block with a copy of `bytes`.
  static shared_bytes copy(std::span<const std::byte> bytes);

  shared_bytes(const shared_bytes& other) noexcept : block_(other.block_) { retain(); }
  shared_bytes(shared_bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  shared_bytes& operator=(shared_bytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~shared_bytes() {
    if (block_ != nullptr)
      release();
  }

  /// The bytes.
  std::span<const std::byte> bytes() const noexcept;
  /// The bytes, to be filled by their only owner.
  std::span<std::byte> writable() noexcept;
  /// Makes the block of its only owner longer or shorter. What stays keeps its values, and may
  /// move; what is new is uninitialised. `wanted` as for `allocate`. Throws std::bad_alloc, and
  /// nothing has changed.
  void resize(std::size_t size, std::size_t wanted = 0);
  /// How many bytes the block has room for.
  std::size_t capacity() const noexcept;
  /// True when nobody else shares the block.
  bool unique() const noexcept;
  explicit operator bool() const noexcept { return block_ != nullptr; }

private:
  struct block;
  friend class detail::bytes_access;

  void retain() const noexcept;
  void release() noexcept;

  block* block_ = nullptr;
};

} // namespace erl
