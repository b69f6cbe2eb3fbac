#include <erl/etf/byte_chain.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace erl {

namespace {

constexpr std::size_t first_memory = 1024;
constexpr std::size_t largest_memory = 256 * 1024;

} // namespace

byte_chain::byte_chain(byte_chain&& other) noexcept
    : pieces_(std::exchange(other.pieces_, {})), owners_(std::exchange(other.owners_, {})),
      memory_(std::move(other.memory_)), begin_(std::exchange(other.begin_, nullptr)),
      at_(std::exchange(other.at_, nullptr)), limit_(std::exchange(other.limit_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

byte_chain& byte_chain::operator=(byte_chain&& other) noexcept {
  byte_chain taken(std::move(other));
  std::swap(pieces_, taken.pieces_);
  std::swap(owners_, taken.owners_);
  std::swap(memory_, taken.memory_);
  std::swap(begin_, taken.begin_);
  std::swap(at_, taken.at_);
  std::swap(limit_, taken.limit_);
  std::swap(size_, taken.size_);
  return *this;
}

byte_chain::~byte_chain() = default;

void byte_chain::record() {
  if (at_ == begin_)
    return;
  const std::span<const std::byte> added(begin_, at_);
  const bool goes_on = !pieces_.empty() && pieces_.back().data() + pieces_.back().size() == begin_;
  if (goes_on)
    pieces_.back() = {pieces_.back().data(), pieces_.back().size() + added.size()};
  else
    pieces_.push_back(added);
  size_ += added.size();
  begin_ = at_;
}

void byte_chain::add_memory(std::size_t at_least) {
  record();
  const std::size_t before = memory_.bytes().size();
  const std::size_t size = std::max(at_least, std::clamp(2 * before, first_memory, largest_memory));
  shared_bytes added = shared_bytes::allocate(size);
  if (memory_)
    owners_.push_back(memory_);
  memory_ = std::move(added);
  begin_ = at_ = memory_.writable().data();
  limit_ = begin_ + size;
}

void byte_chain::append(std::span<const std::byte> bytes) {
  if (bytes.empty())
    return;
  if (static_cast<std::size_t>(limit_ - at_) < bytes.size())
    add_memory(bytes.size());
  std::memcpy(at_, bytes.data(), bytes.size());
  at_ += bytes.size();
  record();
}

void byte_chain::append(const shared_bytes& owner, std::span<const std::byte> part) {
  if (part.empty())
    return;
  record();
  owners_.push_back(owner);
  pieces_.push_back(part);
  size_ += part.size();
}

void byte_chain::clear() noexcept {
  pieces_.clear();
  owners_.clear();
  begin_ = at_ = memory_.writable().data();
  size_ = 0;
}

std::vector<std::byte> byte_chain::to_vector() const {
  std::vector<std::byte> result;
  result.reserve(size_);
  for (const auto piece : pieces_)
    result.insert(result.end(), piece.begin(), piece.end());
  return result;
}

} // namespace erl
