/// Blocks of one size for one thread: allocate and free cost a few instructions.
///
/// Memory comes in chunks of 64 KB and goes back when the slab is destroyed. Free blocks form a
/// list, last freed first, so the next block is likely in the cache. Under AddressSanitizer free
/// blocks are poisoned: a use after free or before allocation is reported as with malloc.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace erl {

/// Untyped blocks of one size.
class slab {
public:
  static constexpr std::size_t chunk_size = 64 * 1024;

  /// `alignment` is a power of two up to 4096, `block_size` at most a quarter of a chunk.
  explicit slab(std::size_t block_size, std::size_t alignment = alignof(std::max_align_t));
  slab(const slab&) = delete;
  slab& operator=(const slab&) = delete;
  /// Frees all memory; blocks that are still in use become invalid.
  ~slab();

  /// A block of uninitialised memory. Throws std::bad_alloc when the system gives no more.
  void* allocate();
  /// Takes back what `allocate` of this slab returned.
  void deallocate(void* block) noexcept;

  /// The size of a block, as asked for and rounded up to the alignment.
  std::size_t block_size() const { return block_size_; }
  /// How many blocks are allocated.
  std::size_t in_use() const { return in_use_; }
  /// How many chunks have been taken from the system.
  std::size_t chunks() const { return chunks_.size(); }

private:
  struct free_block {
    free_block* next;
  };

  void add_chunk();

  std::size_t block_size_;
  std::size_t alignment_;
  free_block* free_ = nullptr;
  std::byte* fresh_ = nullptr; // the part of the last chunk that was never handed out
  std::byte* fresh_end_ = nullptr;
  std::size_t in_use_ = 0;
  std::vector<std::byte*> chunks_;
};

/// A slab of objects of type T.
template <class T> class object_slab {
public:
  template <class... Args> T* create(Args&&... args) {
    void* block = blocks_.allocate();
    try {
      return ::new (block) T(std::forward<Args>(args)...);
    } catch (...) {
      blocks_.deallocate(block);
      throw;
    }
  }
  void destroy(T* object) noexcept {
    std::destroy_at(object);
    blocks_.deallocate(object);
  }
  std::size_t in_use() const { return blocks_.in_use(); }

private:
  slab blocks_{sizeof(T), alignof(T)};
};

} // namespace erl
