#include "etf/block.hpp"
#include <erl/etf/shared_bytes.hpp>

#include <atomic>
#include <cstring>
#include <new>

namespace erl {

struct shared_bytes::block {
  std::atomic<std::size_t> count{1};
  std::size_t size = 0;

  std::byte* bytes() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  void drop() noexcept {
    if (count.load(std::memory_order_acquire) == 1 ||
        count.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      this->~block();
      ::operator delete(this);
    }
  }
};

shared_bytes shared_bytes::allocate(std::size_t size) {
  if (size > SIZE_MAX - sizeof(block))
    throw std::bad_alloc();
  shared_bytes result;
  result.block_ = new (::operator new(sizeof(block) + size)) block;
  result.block_->size = size;
  return result;
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
