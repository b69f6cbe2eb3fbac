#include "dist/frame.hpp"

#include "dist/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

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
    return {};
  consume(prefix + length);
  return {.what = outcome::frame, .body = bytes.subspan(prefix, length)};
}

std::vector<std::byte>& frame_queue::open_chunk() {
  if (chunks_.empty() || chunks_.back().bytes.size() >= default_step) {
    chunks_.push_back({.bytes = std::move(spare_)});
    spare_ = {};
    chunks_.back().bytes.clear();
  }
  return chunks_.back().bytes;
}

std::vector<std::byte>& frame_queue::begin_frame() {
  auto& bytes = open_chunk();
  frame_start_ = bytes.size();
  bytes.resize(frame_start_ + prefix);
  return bytes;
}

bool frame_queue::end_frame() {
  auto& bytes = chunks_.back().bytes;
  const auto length = bytes.size() - frame_start_ - prefix;
  if (length > std::numeric_limits<std::uint32_t>::max()) {
    drop_frame();
    return false;
  }
  write_u32(bytes.data() + frame_start_, static_cast<std::uint32_t>(length));
  size_ += prefix + length;
  return true;
}

void frame_queue::drop_frame() {
  auto& last = chunks_.back();
  last.bytes.resize(frame_start_);
  if (last.bytes.size() == last.begin)
    chunks_.pop_back();
}

void frame_queue::append(std::span<const std::byte> bytes) {
  auto& last = open_chunk();
  last.insert(last.end(), bytes.begin(), bytes.end());
  size_ += bytes.size();
}

std::size_t frame_queue::gather(chain& pieces) const {
  std::size_t count = 0;
  for (const auto& waiting : chunks_) {
    if (count == pieces.size())
      break;
    pieces[count++] = std::span(waiting.bytes).subspan(waiting.begin);
  }
  return count;
}

void frame_queue::taken(std::size_t size) {
  size_ -= size;
  while (!chunks_.empty()) {
    auto& first = chunks_.front();
    const auto part = std::min(size, first.bytes.size() - first.begin);
    first.begin += part;
    size -= part;
    if (first.begin != first.bytes.size())
      return;
    if (first.bytes.capacity() <= 2 * default_step)
      spare_ = std::move(first.bytes);
    chunks_.pop_front();
  }
}

} // namespace erl::dist
