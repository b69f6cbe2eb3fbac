#include "etf/bit_sink.hpp"

#include <algorithm>

namespace erl::text {

void bit_sink::put(std::uint8_t byte, std::size_t bits) {
  if (bits == 0)
    return;
  const auto high = static_cast<std::uint8_t>(byte << (8 - bits));
  const std::size_t used = bits_ % 8;
  if (used == 0) {
    bytes_.push_back(std::byte{high});
  } else {
    bytes_.back() |= std::byte{high} >> static_cast<int>(used);
    if (used + bits > 8)
      bytes_.push_back(std::byte{high} << static_cast<int>(8 - used));
  }
  bits_ += bits;
}

void bit_sink::put(bool negative, magnitude::view words, std::size_t bits, bool little) {
  if (bits <= 8) {
    const auto low = static_cast<std::uint8_t>(words.empty() ? 0 : words[0]);
    return put(static_cast<std::uint8_t>(negative ? 0 - low : low), bits);
  }
  // The lowest byte first; of a negative number the complement of the magnitude less one.
  std::vector<std::uint8_t> bytes((bits + 7) / 8);
  bool borrow = negative;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint64_t word = i / 8 < words.size() ? words[i / 8] : 0;
    const auto byte = static_cast<std::uint8_t>(word >> (i % 8 * 8));
    bytes[i] = static_cast<std::uint8_t>(negative ? ~(byte - (borrow ? 1 : 0)) : byte);
    borrow = borrow && byte == 0;
  }
  const std::size_t whole = bits / 8;
  if (little) {
    std::for_each_n(bytes.begin(), whole, [this](std::uint8_t byte) { put(byte, 8); });
    if (bits % 8 != 0)
      put(bytes.back(), bits % 8);
    return;
  }
  if (bits % 8 != 0)
    put(bytes.back(), bits % 8);
  for (std::size_t i = whole; i-- > 0;)
    put(bytes[i], 8);
}

} // namespace erl::text
