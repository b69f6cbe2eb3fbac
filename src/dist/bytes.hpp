/// Big-endian numbers in and out of byte sequences.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace erl::dist {

/// Appends `value`, most significant byte first.
template <class Unsigned> void put_number(std::vector<std::byte>& out, Unsigned value) {
  for (std::size_t shift = sizeof(Unsigned) * 8; shift != 0; shift -= 8)
    out.push_back(static_cast<std::byte>(value >> (shift - 8)));
}

/// Writes `value` over the first bytes of `out`, which must be long enough.
inline void write_u32(std::byte* out, std::uint32_t value) {
  for (unsigned i = 0; i < 4; ++i)
    out[i] = static_cast<std::byte>(value >> (24U - 8U * i));
}

/// The number in the first bytes of `bytes`, which must be long enough.
template <class Unsigned> Unsigned number_at(const std::byte* bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i)
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[i]);
  return static_cast<Unsigned>(value);
}

/// Reads from the front of a byte sequence. Past the end it gives zeros and remembers that it
/// failed.
class byte_cursor {
public:
  explicit byte_cursor(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class Unsigned> Unsigned number() {
    const auto bytes = take(sizeof(Unsigned));
    return bytes.empty() ? Unsigned{} : number_at<Unsigned>(bytes.data());
  }
  std::span<const std::byte> take(std::size_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  /// Takes `text` off the front; false, and a failure, if the bytes do not start with it.
  bool literal(std::string_view text) {
    const auto bytes = take(text.size());
    failed_ = failed_ || !std::ranges::equal(bytes, text, [](std::byte byte, char character) {
                return byte == static_cast<std::byte>(character);
              });
    return !failed_;
  }
  std::span<const std::byte> rest() const { return rest_; }
  bool failed() const { return failed_; }

private:
  std::span<const std::byte> rest_;
  bool failed_ = false;
};

} // namespace erl::dist
