/// Writing to the log, for the library's own use. Nothing here throws or allocates, and all of it
/// is thread-safe.
#pragma once

#include <erl/duration.hpp>
#include <erl/log.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace erl::log {

inline constexpr std::size_t max_text = 1024;

/// A line's text under construction: escapes control characters and what is not UTF-8, and cuts off
/// at 1 KB.
class text {
public:
  void append(std::string_view part) noexcept;
  std::string_view view() const noexcept { return {bytes_.data(), size_}; }

private:
  bool add(std::string_view piece) noexcept;

  std::array<char, max_text> bytes_;
  std::size_t size_ = 0;
  bool cut_ = false;
};

/// Whether lines of this level are written at all.
bool enabled(level severity) noexcept;

/// Writes a line whose text is ready.
void write(level severity, std::string_view subsystem, const text& line) noexcept;

inline void append(text& to, std::string_view part) noexcept { to.append(part); }
template <std::integral Int> void append(text& to, Int number) noexcept {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  to.append({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

/// Writes a line of strings and integers: `log::put(log::level::warning, "dist", "refused by ",
/// name)`.
template <class... Parts>
void put(level severity, std::string_view subsystem, const Parts&... parts) noexcept {
  if (enabled(severity)) {
    text line;
    (append(line, parts), ...);
    write(severity, subsystem, line);
  }
}

/// How many lines of a kind pass: `burst` in each `window` for each key. Remembers 64 keys; a new
/// one takes the place of the one that is longest out of use. Not thread-safe by itself.
class limiter {
public:
  explicit limiter(std::uint32_t burst = 5, duration window = std::chrono::seconds{10}) noexcept
      : burst_(burst), window_(window) {}

  /// Empty: drop the line. Otherwise write it; the value is how many of its key were dropped before
  /// it.
  std::optional<std::uint64_t> pass(std::string_view key, time_point now) noexcept;

private:
  struct slot {
    std::uint64_t key = 0; // 0: free
    time_point start{};
    time_point last{};
    std::uint32_t passed = 0;
    std::uint64_t dropped = 0;
  };

  std::uint32_t burst_;
  duration window_;
  std::array<slot, 64> slots_{};
};

/// The process-wide limiter on the steady clock, thread-safe.
std::optional<std::uint64_t> pass(std::string_view key) noexcept;

/// Like `put`, but limited to 5 lines in 10 s for each `key`; the next line tells how many were
/// left out. For lines that a peer can provoke.
template <class... Parts>
void limited(std::string_view key, level severity, std::string_view subsystem,
             const Parts&... parts) noexcept {
  if (!enabled(severity)) {
    return;
  }
  if (const auto dropped = pass(key)) {
    if (*dropped == 0) {
      put(severity, subsystem, parts...);
    } else {
      put(severity, subsystem, "(", *dropped, " lines like this left out) ", parts...);
    }
  }
}

} // namespace erl::log
