/// Identifiers of processes, ports and references: plain values.
#pragma once

#include <erl/etf/atom.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace erl {

/// A process identifier. Equal only when all four parts are.
struct pid {
  /// The name of the node that the process runs on.
  atom node{};
  std::uint32_t id = 0;
  std::uint32_t serial = 0;
  /// Which life of the node: another value means a process of an earlier or later one.
  std::uint32_t creation = 0;

  constexpr bool operator==(const pid&) const noexcept = default;
};

/// A port identifier.
struct port {
  atom node{};
  std::uint64_t id = 0;
  std::uint32_t creation = 0;

  constexpr bool operator==(const port&) const noexcept = default;
};

/// A reference of 1 to 5 words, the low-order word first. Trailing zero words do not count in
/// comparisons, as OTP has it.
struct reference {
  atom node{};
  std::uint32_t creation = 0;
  /// Words in use, 1 to 5; those beyond are 0.
  std::uint8_t size = 0;
  std::array<std::uint32_t, 5> words{};

  constexpr bool operator==(const reference& other) const noexcept {
    std::uint32_t differ = node.index() ^ other.node.index();
    differ |= creation ^ other.creation;
    for (std::size_t i = 0; i < words.size(); ++i) // that of std::array calls a function
      differ |= words[i] ^ other.words[i];
    return differ == 0;
  }
};

namespace detail {

constexpr std::size_t mix(std::uint64_t seed, std::uint64_t value) noexcept {
  std::uint64_t x = (seed ^ value) * 0x9e3779b97f4a7c15U;
  return x ^ (x >> 32);
}

} // namespace detail

} // namespace erl

template <> struct std::hash<erl::pid> {
  std::size_t operator()(const erl::pid& value) const noexcept {
    return erl::detail::mix(std::uint64_t{value.node.index()} << 32 | value.creation,
                            std::uint64_t{value.serial} << 32 | value.id);
  }
};

template <> struct std::hash<erl::port> {
  std::size_t operator()(const erl::port& value) const noexcept {
    return erl::detail::mix(std::uint64_t{value.node.index()} << 32 | value.creation, value.id);
  }
};

template <> struct std::hash<erl::reference> {
  std::size_t operator()(const erl::reference& value) const noexcept {
    std::uint64_t result = std::uint64_t{value.node.index()} << 32 | value.creation;
    for (std::uint32_t word : value.words)
      result = erl::detail::mix(result, word);
    return result;
  }
};
