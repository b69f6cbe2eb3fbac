/// Decoding, in one pass over the bytes or in three.
///
/// The first pass (`build`) fills memory that grows with the bytes that are read, and gives up as
/// soon as anything is not as it should be, or an atom is new. That is all for nearly every
/// message. Else `scan` goes over the bytes: it builds nothing, says exactly what is wrong and
/// where, and how many words the term takes. If nothing was wrong, `build` runs again, into one
/// block of that size; now it makes the new atoms, and can fail for repeated keys, depth and atoms
/// only. So bytes that do not decode leave no atoms behind unless they fail in those last three.
/// Both count how many terms are announced, and never believe more than there are bytes.
#pragma once

#include <erl/etf/codec.hpp>
#include <erl/etf/tags.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace erl::wire {

/// The most bytes of magnitude of an integer.
inline constexpr std::size_t max_integer_bytes = bigint::max_bytes;
inline constexpr std::size_t float_text_size = 31;
inline constexpr std::uint32_t max_reference_words = 5;
inline constexpr std::uint32_t max_old_creation = 3;
/// The first word of an old reference has 18 bits.
inline constexpr std::uint32_t max_old_reference = (1U << 18) - 1;

inline std::uint8_t get8(const std::byte* at) noexcept {
  return std::to_integer<std::uint8_t>(*at);
}

inline std::uint16_t get16(const std::byte* at) noexcept {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap16(value);
}

inline std::uint32_t get32(const std::byte* at) noexcept {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap32(value);
}

inline std::uint64_t get64(const std::byte* at) noexcept {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof(value));
  return __builtin_bswap64(value);
}

/// The number in 31 bytes of text (`1.5e3`, NUL-padded); nothing when it is none, or not finite.
std::optional<double> float_text(const std::byte* at) noexcept;

/// What the first pass finds out.
struct scanned {
  etf_errc error = etf_errc::none;
  /// Bytes of the term, or up to what is wrong.
  std::size_t bytes = 0;
  /// Words of memory that the term takes.
  std::size_t words = 0;
};

/// Checks the term at the start of `bytes`, which has no version byte.
scanned scan(std::span<const std::byte> bytes, const decode_options& options) noexcept;

/// How making a term went.
struct outcome {
  etf_errc error = etf_errc::none;
  /// Bytes of the term, or up to what is wrong.
  std::size_t bytes = 0;
};

/// Makes the term at the start of `bytes`, which goes to `value` unless there is an error. Without
/// a scan before (`known` is null) the error only says that there is one, or a new atom.
outcome build(std::span<const std::byte> bytes, const decode_options& options, const scanned* known,
              term& value);

/// What inflating gives.
struct inflated {
  etf_errc error = etf_errc::none;
  shared_bytes bytes;
  /// Bytes of input that were used.
  std::size_t consumed = 0;
};

/// Expands a zlib stream that announces `size` bytes. Memory grows with what arrives, not with what
/// is announced.
inflated inflate(std::span<const std::byte> stream, std::size_t size, const limits& limits);

/// Compresses with zlib; nothing on failure.
std::optional<std::vector<std::byte>> deflate(std::span<const std::byte> bytes, int level);

} // namespace erl::wire
