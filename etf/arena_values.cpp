// Leaves of terms, written into an arena.
#include "etf/block.hpp"
#include "etf/parts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>

namespace erl::detail {

namespace {

word box_word(const word* box) noexcept { return tagged(box, tag::box); }

} // namespace

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
  const std::size_t words = words_for(bytes.size());
  word* at = allocate(1 + words);
  at[words] = 0; // the bytes after the end are 0, so that binaries can be compared in words
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
  if (bits / 8 + (bits % 8 != 0 ? 1 : 0) > bytes.size())
    throw std::invalid_argument("erl: a bit string of more bits than there are");
  if (bits % 8 == 0)
    return binary(bytes.first(bits / 8));
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

word arena::floating(double value) {
  if (!std::isfinite(value))
    throw std::domain_error("erl: Erlang has no NaN and no infinities");
  word* at = allocate(1);
  std::memcpy(at, &value, sizeof(value));
  return tagged(at, tag::floating);
}

word arena::identifier(const pid& value) {
  word* box = allocate(pid_words);
  put_pid(box, value);
  return box_word(box);
}

word arena::identifier(const port& value) {
  word* box = allocate(port_words);
  put_port(box, value);
  return box_word(box);
}

word arena::identifier(const reference& value) {
  if (value.size < 1 || value.size > value.words.size())
    throw std::invalid_argument("erl: a reference has one to five words");
  word* box = allocate(reference_words(value.size));
  put_reference(box, value);
  return box_word(box);
}

word arena::fun(const external_fun& value) {
  word* box = allocate(external_fun_words);
  box[0] = box_header(box_kind::external_fun, value.arity);
  box[1] = atom_word(value.module.index());
  box[2] = atom_word(value.function.index());
  return box_word(box);
}

} // namespace erl::detail
