#include "etf/block.hpp"
#include "etf/sanitizer.hpp"
#include <erl/etf/shared_bytes.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

namespace erl {

struct shared_bytes::block {
  std::atomic<std::size_t> count{1};
  std::size_t size;
  std::size_t capacity;

  std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  void drop() noexcept {
    if (count.load(std::memory_order_acquire) == 1 ||
        count.fetch_sub(1, std::memory_order_acq_rel) == 1)
      destroy(this);
  }
  static block* make(std::size_t size, std::size_t wanted);
  static void destroy(block* b) noexcept;
};

namespace {

/// Large blocks that are free, for every thread. malloc would give their pages back to the system,
/// and most of the time of a large message would go into page faults.
class large_blocks {
public:
#ifdef ERLPP_ASAN
  static constexpr std::size_t smallest =
      SIZE_MAX; // the sanitizer finds more when it sees every block
#else
  static constexpr std::size_t smallest = 32 * 1024;
#endif

  struct entry {
    void* memory = nullptr;
    std::size_t capacity = 0;
  };

  /// One with room for `wanted` bytes, and not much more.
  entry take(std::size_t wanted) noexcept {
    const std::lock_guard lock(mutex_);
    auto best = end();
    for (auto each = entries_.begin(); each != end(); ++each)
      if (each->capacity >= wanted && each->capacity / 2 <= wanted &&
          (best == end() || each->capacity < best->capacity))
        best = each;
    return best == end() ? entry{} : remove(best);
  }
  /// Keeps a block, and frees those that have been here longest to make room.
  void give(entry one) noexcept {
    if (one.capacity > most_bytes)
      return std::free(one.memory);
    const std::lock_guard lock(mutex_);
    while (count_ == entries_.size() || bytes_ + one.capacity > most_bytes)
      std::free(remove(entries_.begin()).memory);
    entries_[count_++] = one;
    bytes_ += one.capacity;
  }

private:
  static constexpr std::size_t most_bytes = std::size_t{32} << 20U;

  using place = std::array<entry, 64>::iterator;
  place end() { return entries_.begin() + static_cast<std::ptrdiff_t>(count_); }
  entry remove(place at) {
    const entry taken = *at;
    std::move(at + 1, end(), at);
    --count_;
    bytes_ -= taken.capacity;
    return taken;
  }

  std::mutex mutex_;
  std::array<entry, 64> entries_; // those that came last are last
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

constinit large_blocks free_large_blocks;

} // namespace

shared_bytes::block* shared_bytes::block::make(std::size_t size, std::size_t wanted) {
  large_blocks::entry found;
  if (wanted >= large_blocks::smallest)
    found = free_large_blocks.take(wanted);
  if (found.memory == nullptr && size <= SIZE_MAX - sizeof(block))
    found = {.memory = std::malloc(sizeof(block) + size), .capacity = size};
  if (found.memory == nullptr)
    throw std::bad_alloc();
  return ::new (found.memory) block{.size = size, .capacity = found.capacity};
}

void shared_bytes::block::destroy(block* b) noexcept {
  const auto capacity = b->capacity;
  b->~block();
  if (capacity >= large_blocks::smallest)
    free_large_blocks.give({.memory = b, .capacity = capacity});
  else
    std::free(b);
}

shared_bytes shared_bytes::allocate(std::size_t size, std::size_t wanted) {
  shared_bytes result;
  result.block_ = block::make(size, std::max(size, wanted));
  return result;
}

void shared_bytes::resize(std::size_t size) {
  if (block_ == nullptr) {
    block_ = block::make(size, size);
    return;
  }
  if (size > block_->capacity) {
    void* const memory =
        size > SIZE_MAX - sizeof(block) ? nullptr : std::realloc(block_, sizeof(block) + size);
    if (memory == nullptr)
      throw std::bad_alloc();
    block_ = ::new (memory) block{.size = size, .capacity = size};
  }
  block_->size = size;
}

shared_bytes shared_bytes::copy(std::span<const std::byte> bytes) {
  shared_bytes result = allocate(bytes.size());
  if (!bytes.empty())
    std::memcpy(result.block_->bytes(), bytes.data(), bytes.size());
  return result;
}

std::span<const std::byte> shared_bytes::bytes() const noexcept {
  if (block_ == nullptr)
    return {};
  return {block_->bytes(), block_->size};
}

std::span<std::byte> shared_bytes::writable() noexcept {
  if (block_ == nullptr)
    return {};
  return {block_->bytes(), block_->size};
}

bool shared_bytes::unique() const noexcept {
  return block_ != nullptr && block_->count.load(std::memory_order_acquire) == 1;
}

void shared_bytes::retain() const noexcept {
  if (block_ != nullptr)
    block_->count.fetch_add(1, std::memory_order_relaxed);
}

void shared_bytes::release() noexcept { block_->drop(); }

namespace detail {

void* bytes_access::share(const shared_bytes& bytes) noexcept {
  bytes.retain();
  return bytes.block_;
}

shared_bytes bytes_access::owner_of(void* owner) noexcept {
  retain(owner);
  shared_bytes result;
  result.block_ = static_cast<shared_bytes::block*>(owner);
  return result;
}

void bytes_access::retain(void* owner) noexcept {
  static_cast<shared_bytes::block*>(owner)->count.fetch_add(1, std::memory_order_relaxed);
}

void bytes_access::release(void* owner) noexcept {
  static_cast<shared_bytes::block*>(owner)->drop();
}

} // namespace detail

} // namespace erl
