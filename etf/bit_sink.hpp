/// Bits one after the other, as the segments of a binary lay them down.
#pragma once

#include "etf/magnitude.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace erl::text {

class bit_sink {
public:
  /// The low `bits` (at most 8) of `byte`.
  void put(std::uint8_t byte, std::size_t bits);
  /// An integer in two's complement, cut to `bits`.
  void put(bool negative, magnitude::view words, std::size_t bits, bool little);

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  std::size_t bits() const noexcept { return bits_; }

private:
  std::vector<std::byte> bytes_;
  std::size_t bits_ = 0;
};

} // namespace erl::text
