#include "etf/sanitizer.hpp"
#include <erl/etf/detail/blocks.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace erl::detail {

#ifdef ERLPP_ASAN

// The sanitizer finds more when it sees every block.
void* take_block(std::size_t size) { return ::operator new(size); }
void give_block(void* block, std::size_t size) noexcept { ::operator delete(block, size); }

#else

namespace {

constexpr std::size_t step = 32;
constexpr std::size_t classes = 32; // up to 1 KB
constexpr std::size_t chunk_size = 64 * 1024;
/// Blocks that travel between threads together.
constexpr std::uint32_t batch_size = 128;

constexpr std::size_t class_of(std::size_t size) { return (size - 1) / step; }

struct free_block {
  free_block* next;
  // Of the first block of a batch, set when it is put away.
  free_block* next_batch;
  std::uint32_t count;
};

/// The memory at `block` as a free block before `next`.
free_block* put_before(free_block* next, void* block) noexcept {
  auto* result = ::new (block) free_block;
  result->next = next;
  return result;
}

/// Batches of free blocks of one size, for every thread.
class depot {
public:
  free_block* take() {
    const std::lock_guard lock(mutex_);
    free_block* batch = batches_;
    if (batch != nullptr)
      batches_ = batch->next_batch;
    return batch;
  }
  void give(free_block* batch) noexcept {
    const std::lock_guard lock(mutex_);
    batch->next_batch = batches_;
    batches_ = batch;
  }

private:
  std::mutex mutex_;
  free_block* batches_ = nullptr;
};

/// Never destroyed: threads may outlive it.
depot& depot_of(std::size_t number) {
  static auto* all = new std::array<depot, classes>;
  return (*all)[number];
}

/// A thread's free blocks of one size: a batch that blocks are taken from and put to, and full ones
/// in reserve, so that a thread whose mailboxes fill and empty in turn stays away from the depot,
/// and from memory that lies in another core's cache.
struct stock {
  free_block* blocks;
  free_block* reserve; ///< batches
  std::uint32_t count;
  std::uint32_t reserved;
};

/// How many full batches a thread keeps of blocks of this class.
constexpr std::uint32_t most_reserved(std::size_t number) {
  constexpr std::size_t bytes = 256 * 1024;
  return static_cast<std::uint32_t>(1 + bytes / (batch_size * (number + 1) * step));
}

// Without a constructor, so that nothing must be asked before it is used.
constinit thread_local std::array<stock, classes> mine{};

/// At the end of a thread its blocks go to the others.
struct thread_end {
  ~thread_end() {
    for (std::size_t i = 0; i < classes; ++i) {
      stock& s = mine[i];
      if (s.blocks != nullptr) {
        s.blocks->count = s.count;
        depot_of(i).give(s.blocks);
      }
      while (s.reserve != nullptr)
        depot_of(i).give(std::exchange(s.reserve, s.reserve->next_batch));
      s = {};
    }
  }
};

/// Memory for every thread's blocks, never given back. What comes after the first megabytes is
/// asked of the system with all its pages at once: cheaper than a page fault for each.
class areas {
public:
  std::byte* cut(std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (as_needed_ < most_as_needed) {
      auto* memory = static_cast<std::byte*>(::operator new(size));
      as_needed_ += size;
      return memory;
    }
    if (left_ < size) {
      next_ = static_cast<std::byte*>(::operator new(area_size, std::align_val_t(page_size)));
      left_ = area_size;
      // A hint: where the system does not know it, pages come one by one.
      static_cast<void>(::madvise(next_, area_size, MADV_POPULATE_WRITE));
    }
    left_ -= size;
    return std::exchange(next_, next_ + size);
  }

private:
  static constexpr std::size_t page_size = 64 * 1024; // the largest there is
  static constexpr std::size_t area_size = 1024 * 1024;
  static constexpr std::size_t most_as_needed = 8 * area_size;

  std::mutex mutex_;
  std::size_t as_needed_ = 0;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
};

/// New blocks.
free_block* cut(std::size_t size) {
  static auto* all = new areas; // threads may outlive it
  const std::size_t count = std::min<std::size_t>(chunk_size / size, batch_size);
  std::byte* memory = all->cut(count * size);
  free_block* list = nullptr;
  for (std::size_t i = count; i-- > 0;)
    list = put_before(list, memory + i * size);
  list->count = static_cast<std::uint32_t>(count);
  return list;
}

void register_thread() noexcept {
  static thread_local thread_end end;
  static_cast<void>(&end);
}

[[gnu::noinline]] void* take_slowly(std::size_t number) {
  register_thread();
  stock& s = mine[number];
  free_block* batch = s.reserve;
  if (batch != nullptr) {
    s.reserve = batch->next_batch;
    --s.reserved;
  } else {
    batch = depot_of(number).take();
  }
  if (batch == nullptr)
    batch = cut((number + 1) * step);
  s.blocks = batch->next;
  s.count = batch->count - 1;
  return batch;
}

/// Puts away the batch that is full, if there is one, and begins another one.
[[gnu::noinline]] void give_slowly(void* block, std::size_t number) noexcept {
  register_thread();
  stock& s = mine[number];
  if (s.blocks != nullptr) {
    s.blocks->count = s.count;
    if (s.reserved == most_reserved(number)) {
      depot_of(number).give(s.blocks);
    } else {
      s.blocks->next_batch = s.reserve;
      s.reserve = s.blocks;
      ++s.reserved;
    }
  }
  s.blocks = put_before(nullptr, block);
  s.count = 1;
}

} // namespace

void* take_block(std::size_t size) {
  const std::size_t number = class_of(size);
  if (number >= classes)
    return ::operator new(size);
  stock& s = mine[number];
  free_block* block = s.blocks;
  if (block == nullptr)
    return take_slowly(number);
  s.blocks = block->next;
  --s.count;
  return block;
}

void give_block(void* block, std::size_t size) noexcept {
  const std::size_t number = class_of(size);
  if (number >= classes)
    return ::operator delete(block, size);
  stock& s = mine[number];
  if (s.blocks == nullptr || s.count == batch_size)
    return give_slowly(block, number);
  s.blocks = put_before(s.blocks, block);
  ++s.count;
}

#endif

} // namespace erl::detail
