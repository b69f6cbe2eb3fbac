#include "base/slab.hpp"

#include "base/sanitizer.hpp"

#include <algorithm>

namespace erl {

namespace {

void poison([[maybe_unused]] void* at, [[maybe_unused]] std::size_t size) {
#ifdef ERLPP_ASAN
  ASAN_POISON_MEMORY_REGION(at, size);
#endif
}

void unpoison([[maybe_unused]] void* at, [[maybe_unused]] std::size_t size) {
#ifdef ERLPP_ASAN
  ASAN_UNPOISON_MEMORY_REGION(at, size);
#endif
}

} // namespace

slab::slab(std::size_t block_size, std::size_t alignment)
    : alignment_(std::max(alignment, alignof(free_block))) {
  assert((alignment & (alignment - 1)) == 0 && alignment <= 4096);
  block_size_ = (std::max(block_size, sizeof(free_block)) + alignment_ - 1) & ~(alignment_ - 1);
  assert(block_size_ <= chunk_size / 4);
}

slab::~slab() {
  for (std::byte* chunk : chunks_) {
    unpoison(chunk, chunk_size);
    ::operator delete(chunk, std::align_val_t{alignment_});
  }
}

void* slab::allocate() {
  void* block = free_;
  if (free_ != nullptr) {
    unpoison(free_, block_size_);
    free_ = free_->next;
  } else {
    if (static_cast<std::size_t>(fresh_end_ - fresh_) < block_size_) {
      add_chunk();
    }
    block = fresh_;
    fresh_ += block_size_;
    unpoison(block, block_size_);
  }
  ++in_use_;
  return block;
}

void slab::deallocate(void* block) noexcept {
  assert(in_use_ > 0);
  free_ = ::new (block) free_block{free_};
  poison(block, block_size_);
  --in_use_;
}

void slab::add_chunk() {
  if (chunks_.size() == chunks_.capacity()) {
    chunks_.reserve(2 * chunks_.size() + 1); // first, so that the push below cannot throw
  }
  fresh_ = static_cast<std::byte*>(::operator new(chunk_size, std::align_val_t{alignment_}));
  fresh_end_ = fresh_ + chunk_size;
  chunks_.push_back(fresh_);
  poison(fresh_, chunk_size);
}

} // namespace erl
