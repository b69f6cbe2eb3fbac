#include "etf/block.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace erl::detail {

namespace {

constexpr std::size_t first_words = 28;
constexpr std::size_t largest_growth = 8192;

word box_word(const word* box) noexcept { return tagged(box, tag::box); }

void destroy(block* dead) noexcept {
  for (word* slice = dead->slices; slice != nullptr;) {
    bytes_access::release(reinterpret_cast<void*>(slice[slice_owner]));
    slice = reinterpret_cast<word*>(slice[slice_next]);
  }
  for (chunk* more = dead->chunks; more != nullptr;) {
    chunk* next = more->next;
    ::operator delete(more);
    more = next;
  }
  dead->~block();
  ::operator delete(dead);
}

} // namespace

void retain(block* owner) noexcept { owner->count.fetch_add(1, std::memory_order_relaxed); }

void release(block* owner) noexcept {
  // The only owner needs no locked instruction: nobody else can be counting.
  if (owner->count.load(std::memory_order_acquire) == 1 ||
      owner->count.fetch_sub(1, std::memory_order_acq_rel) == 1)
    destroy(owner);
}

void arena::grow(std::size_t words) {
  if (words > (std::size_t{1} << 58))
    throw std::bad_alloc();
  if (block_ == nullptr) {
    std::size_t size = sizeof(block) + std::max(words, first_words) * sizeof(word);
    // A first request for many words is the whole message, as measured; it gets what it asks for.
    if (words > first_words)
      size = sizeof(block) + words * sizeof(word);
    block_ = new (::operator new(size)) block;
    block_->memory = size;
    next_ = block_->words();
    limit_ = next_ + (size - sizeof(block)) / sizeof(word);
    return;
  }
  std::size_t more = std::max(words, std::min(block_->memory / sizeof(word), largest_growth));
  std::size_t size = sizeof(chunk) + more * sizeof(word);
  auto* added = new (::operator new(size)) chunk{block_->chunks};
  block_->chunks = added;
  block_->memory += size;
  next_ = reinterpret_cast<word*>(added + 1);
  limit_ = next_ + more;
}

word arena::chain(word* box, const std::byte* data, std::size_t size, void* owner) noexcept {
  box[0] = box_header(box_kind::slice, 0);
  box[slice_size] = size;
  box[slice_data] = reinterpret_cast<std::uintptr_t>(data);
  box[slice_owner] = reinterpret_cast<std::uintptr_t>(owner);
  box[slice_next] = reinterpret_cast<std::uintptr_t>(block_->slices);
  block_->slices = box;
  return box_word(box);
}

word arena::binary(std::span<const std::byte> bytes) {
  if (bytes.size() > largest_inline_binary) {
    word* box = allocate(slice_words);
    shared_bytes copy = shared_bytes::copy(bytes);
    std::span<const std::byte> all = copy.bytes();
    return chain(box, all.data(), all.size(), bytes_access::share(copy));
  }
  word* at = allocate(1 + words_for(bytes.size()));
  at[0] = bytes.size();
  if (!bytes.empty())
    std::memcpy(at + 1, bytes.data(), bytes.size());
  return tagged(at, tag::binary);
}

word arena::slice(const shared_bytes& owner, std::span<const std::byte> part) {
  if (part.size() <= largest_inline_binary)
    return binary(part);
  word* box = allocate(slice_words);
  return chain(box, part.data(), part.size(), bytes_access::share(owner));
}

word arena::slice(const word* other) {
  word* box = allocate(slice_words);
  void* owner = reinterpret_cast<void*>(other[slice_owner]);
  bytes_access::retain(owner);
  return chain(box, reinterpret_cast<const std::byte*>(other[slice_data]), other[slice_size],
               owner);
}

word arena::bit_string(std::span<const std::byte> bytes, std::size_t bits) {
  std::size_t size = bits / 8 + 1;
  word* box = allocate(1 + words_for(size));
  box[0] = box_header(box_kind::bits, bits);
  std::memcpy(box + 1, bytes.data(), size);
  std::byte& last = reinterpret_cast<std::byte*>(box + 1)[size - 1];
  last &= static_cast<std::byte>(0xff00U >> bits % 8);
  return box_word(box);
}

word arena::integer(std::int64_t value) {
  if (fits_small(value))
    return small_word(value);
  bool negative = value < 0;
  auto size = static_cast<std::uint64_t>(value);
  return magnitude(negative, std::array{negative ? 0 - size : size});
}

word arena::unsigned_integer(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(max_small))
    return small_word(static_cast<std::int64_t>(value));
  return magnitude(false, std::array{value});
}

word arena::magnitude(bool negative, std::span<const std::uint64_t> words) {
  while (!words.empty() && words.back() == 0)
    words = words.first(words.size() - 1);
  if (words.empty())
    return small_word(0);
  if (words.size() == 1 && words[0] <= static_cast<std::uint64_t>(max_small) + (negative ? 1 : 0)) {
    auto value = static_cast<std::int64_t>(words[0]);
    return small_word(negative ? -value : value);
  }
  word* box = allocate(1 + words.size());
  box[0] =
      box_header(negative ? box_kind::negative_integer : box_kind::positive_integer, words.size());
  std::ranges::copy(words, box + 1);
  return box_word(box);
}

} // namespace erl::detail
