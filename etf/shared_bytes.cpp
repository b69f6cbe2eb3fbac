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

#include <sys/mman.h>

namespace erl {

struct shared_bytes::block {
  std::atomic<std::size_t> count{1};
  std::size_t size;
  std::size_t capacity;
  bool comes_again; ///< others like it are to be expected

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

#ifdef ERLPP_ASAN // finds more when it sees every block
constexpr std::size_t smallest_kept = SIZE_MAX;
constexpr std::size_t smallest_mapped = SIZE_MAX;
#else
constexpr std::size_t smallest_kept = 32 * 1024;
constexpr std::size_t smallest_mapped = 256 * 1024;
#endif

/// A piece of memory, of `size` bytes. From `smallest_mapped` on it comes straight from the system:
/// malloc would keep what a peer has made this node take for a while.
struct piece {
  void* memory = nullptr;
  std::size_t size = 0;
};

/// Without memory if there is none.
piece obtain(std::size_t size) noexcept {
  if (size < smallest_mapped)
    return {std::malloc(size), size};
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return {memory == MAP_FAILED ? nullptr : memory, size};
}

void give_back(const piece& p) noexcept {
  if (p.size < smallest_mapped)
    std::free(p.memory);
  else
    ::munmap(p.memory, p.size);
}

/// The same bytes in more memory. Without memory if there is none, and nothing has changed.
piece enlarge(const piece& p, std::size_t size) noexcept {
  if (size < smallest_mapped)
    return {std::realloc(p.memory, size), size};
  if (p.size >= smallest_mapped) {
    void* const memory = ::mremap(p.memory, p.size, size, MREMAP_MAYMOVE);
    return {memory == MAP_FAILED ? nullptr : memory, size};
  }
  const piece larger = obtain(size);
  if (larger.memory != nullptr) {
    std::memcpy(larger.memory, p.memory, p.size);
    std::free(p.memory);
  }
  return larger;
}

/// Large pieces that are free, for every thread: most of the time of a large message would go into
/// the page faults of new memory.
class large_pieces {
public:
  /// One of at least `wanted` bytes, and not of much more; of equal ones that which came last,
  /// which the cache may still hold.
  piece take(std::size_t wanted) noexcept {
    const std::lock_guard lock(mutex_);
    auto best = end();
    for (auto each = pieces_.begin(); each != end(); ++each)
      if (each->size >= wanted && each->size / 2 <= wanted &&
          (best == end() || each->size <= best->size))
        best = each;
    return best == end() ? piece{} : remove(best);
  }
  /// Keeps a piece, and gives those back that have been here longest to make room.
  void keep(const piece& one) noexcept {
    if (one.size > largest)
      return give_back(one);
    const std::lock_guard lock(mutex_);
    while (count_ == pieces_.size() || bytes_ + one.size > most_bytes)
      give_back(remove(pieces_.begin()));
    pieces_[count_++] = one;
    bytes_ += one.size;
  }

private:
  static constexpr std::size_t most_bytes = std::size_t{32} << 20U;
  /// A larger one would drive out all others.
  static constexpr std::size_t largest = std::size_t{20} << 20U;
  static_assert(largest <= most_bytes);

  using place = std::array<piece, 64>::iterator;
  place end() { return pieces_.begin() + static_cast<std::ptrdiff_t>(count_); }
  piece remove(place at) {
    const piece taken = *at;
    std::move(at + 1, end(), at);
    --count_;
    bytes_ -= taken.size;
    return taken;
  }

  std::mutex mutex_;
  std::array<piece, 64> pieces_; // those that came last are last
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

constinit large_pieces free_pieces;

/// A free one for a block that will grow to `wanted` bytes, and has room for `size` at least.
/// Without memory if there is none, or nothing is wanted.
piece free_piece(std::size_t head, std::size_t size, std::size_t wanted) noexcept {
  const std::size_t room = std::max(size, wanted);
  if (wanted == 0 || room < smallest_kept || room > SIZE_MAX - head)
    return {};
  return free_pieces.take(head + room);
}

void let_go(const piece& p, bool comes_again) noexcept {
  if (comes_again && p.size >= smallest_kept)
    free_pieces.keep(p);
  else
    give_back(p);
}

} // namespace

shared_bytes::block* shared_bytes::block::make(std::size_t size, std::size_t wanted) {
  piece found = free_piece(sizeof(block), size, wanted);
  if (found.memory == nullptr && size <= SIZE_MAX - sizeof(block))
    found = obtain(sizeof(block) + size);
  if (found.memory == nullptr)
    throw std::bad_alloc();
  return ::new (found.memory)
      block{.size = size, .capacity = found.size - sizeof(block), .comes_again = wanted != 0};
}

void shared_bytes::block::destroy(block* b) noexcept {
  const piece all{b, sizeof(block) + b->capacity};
  const bool comes_again = b->comes_again;
  b->~block();
  let_go(all, comes_again);
}

shared_bytes shared_bytes::allocate(std::size_t size, std::size_t wanted) {
  shared_bytes result;
  result.block_ = block::make(size, wanted);
  return result;
}

void shared_bytes::resize(std::size_t size, std::size_t wanted) {
  if (block_ == nullptr) {
    block_ = block::make(size, wanted);
    return;
  }
  if (size > block_->capacity) {
    const piece now{block_, sizeof(block) + block_->capacity};
    const bool comes_again = block_->comes_again || wanted != 0;
    piece larger = free_piece(sizeof(block), size, wanted);
    if (larger.memory != nullptr) {
      std::memcpy(larger.memory, now.memory, sizeof(block) + block_->size);
      let_go(now, comes_again);
    } else if (size <= SIZE_MAX - sizeof(block)) {
      larger = enlarge(now, sizeof(block) + size);
    }
    if (larger.memory == nullptr)
      throw std::bad_alloc();
    block_ = ::new (larger.memory)
        block{.size = size, .capacity = larger.size - sizeof(block), .comes_again = comes_again};
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

std::size_t shared_bytes::capacity() const noexcept {
  return block_ == nullptr ? 0 : block_->capacity;
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
