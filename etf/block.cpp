#include "etf/block.hpp"

#include <erl/etf/detail/blocks.hpp>

#include <algorithm>
#include <new>

namespace erl::detail {

namespace {

constexpr std::size_t largest_growth = 8192;

void destroy(block* dead) noexcept {
  for (word* slice = dead->slices; slice != nullptr;) {
    bytes_access::release(reinterpret_cast<void*>(slice[slice_owner]));
    slice = reinterpret_cast<word*>(slice[slice_next]);
  }
  std::size_t size = dead->memory;
  for (chunk* more = dead->chunks; more != nullptr;) {
    chunk* next = more->next;
    size -= more->memory;
    give_block(more, more->memory);
    more = next;
  }
  dead->~block();
  give_block(dead, size);
}

} // namespace

void retain(block* owner) noexcept { owner->count.fetch_add(1, std::memory_order_relaxed); }

void release(block* owner) noexcept {
  // The only owner needs no locked instruction: nobody else can be counting.
  if (owner->count.load(std::memory_order_acquire) == 1 ||
      owner->count.fetch_sub(1, std::memory_order_acq_rel) == 1)
    destroy(owner);
}

std::size_t arena::memory() const noexcept { return block_ == nullptr ? 0 : block_->memory; }

void arena::grow(std::size_t words) {
  if (words > (std::size_t{1} << 58))
    throw std::bad_alloc();
  if (block_ == nullptr) {
    std::size_t size = sizeof(block) + std::max(words, first_) * sizeof(word);
    block_ = new (take_block(size)) block;
    block_->memory = size;
    next_ = block_->words();
    limit_ = next_ + (size - sizeof(block)) / sizeof(word);
    return;
  }
  std::size_t more = std::max(words, std::min(block_->memory / sizeof(word), largest_growth));
  std::size_t size = sizeof(chunk) + more * sizeof(word);
  auto* added = new (take_block(size)) chunk{block_->chunks, size};
  block_->chunks = added;
  block_->memory += size;
  next_ = reinterpret_cast<word*>(added + 1);
  limit_ = next_ + more;
}

} // namespace erl::detail
