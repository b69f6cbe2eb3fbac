#include "dist/frame.hpp"

#include "dist/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace erl::dist {

namespace {

/// A buffer that a long frame has made larger than this is given back.
constexpr std::size_t keep = std::size_t{1} << 20U;
constexpr std::size_t prefix = 4;

} // namespace

std::span<std::byte> frame_reader::space(std::size_t step) {
  const auto used = end_ - begin_;
  const auto least = step / 4 + 1;
  if (used == 0) {
    begin_ = end_ = 0;
    if (capacity_ > keep)
      grow(step);
  }
  if (capacity_ - end_ < least) {
    // Moving is cheaper than growing as long as the bytes in use are few.
    if (used <= capacity_ / 2 && capacity_ - used >= least) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, used);
      begin_ = 0;
      end_ = used;
    } else {
      grow(used + std::max(step, used / 2));
    }
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

void frame_reader::grow(std::size_t capacity) {
  auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
  const auto used = end_ - begin_;
  if (used != 0)
    std::memcpy(larger.get(), buffer_.get() + begin_, used);
  buffer_ = std::move(larger);
  capacity_ = capacity;
  begin_ = 0;
  end_ = used;
}

frame_reader::result frame_reader::next() {
  const auto bytes = unread();
  if (bytes.size() < prefix)
    return {};
  const auto length = number_at<std::uint32_t>(bytes.data());
  if (length > max_frame_)
    return {.what = outcome::too_long, .announced = length};
  if (bytes.size() - prefix < length)
    return {.announced = length};
  consume(prefix + length);
  return {.what = outcome::frame, .body = bytes.subspan(prefix, length), .announced = length};
}

std::span<const std::byte> frame_reader::begin_of_frame() {
  const auto bytes = unread();
  consume(bytes.size());
  return bytes.subspan(prefix);
}

std::byte* output_queue::add(std::size_t size) {
  if (capacity_ - used_ < size) {
    capacity_ = std::max(default_step, size);
    memory_ = std::make_shared_for_overwrite<std::byte[]>(capacity_);
    used_ = 0;
  }
  std::byte* const begin = memory_.get() + used_;
  used_ += size;
  size_ += size;
  if (first_ != pieces_.size()) {
    auto& last = pieces_.back().bytes;
    if (last.data() + last.size() == begin && pieces_.back().owner == memory_) {
      last = {last.data(), last.size() + size};
      return begin;
    }
  }
  pieces_.push_back({.owner = memory_, .bytes = {begin, size}});
  return begin;
}

void output_queue::append(std::span<const std::byte> bytes) {
  if (!bytes.empty())
    std::memcpy(add(bytes.size()), bytes.data(), bytes.size());
}

void output_queue::append(std::shared_ptr<const void> owner, std::span<const std::byte> bytes) {
  if (bytes.empty())
    return;
  pieces_.push_back({.owner = std::move(owner), .bytes = bytes});
  size_ += bytes.size();
}

std::size_t output_queue::gather(chain& pieces) const {
  std::size_t count = 0;
  for (const piece& waiting : std::span(pieces_).subspan(first_)) {
    if (count == pieces.size())
      break;
    pieces[count++] = waiting.bytes;
  }
  return count;
}

void output_queue::taken(std::size_t size) {
  size_ -= size;
  while (first_ != pieces_.size()) {
    auto& bytes = pieces_[first_].bytes;
    const auto part = std::min(size, bytes.size());
    bytes = bytes.subspan(part);
    size -= part;
    if (!bytes.empty())
      break;
    pieces_[first_++].owner.reset();
  }
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
    // The memory is written to again, unless a long message has made it large.
    used_ = 0;
    if (capacity_ > 2 * default_step) {
      memory_.reset();
      capacity_ = 0;
    }
  } else if (first_ >= 64 && first_ >= pieces_.size() / 2) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

} // namespace erl::dist
