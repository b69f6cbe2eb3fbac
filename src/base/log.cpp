#include "base/log.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <mutex>
#include <new>
#include <utility>

#include <unistd.h>

namespace erl::log {

namespace {

struct state {
  std::mutex mutex; // held while a sink runs: lines come one at a time, and set_sink waits for the
                    // last one
  sink to = nullptr;
  void* context = nullptr;
  std::uint64_t unreported = 0; // lines lost on standard error since the last one that was written
  limiter limits;
  std::atomic<level> least{level::info};
  std::atomic<std::uint64_t> lost{0};
};

// Never destroyed: threads may log until the very end of the process.
state& shared() noexcept {
  alignas(state) static std::byte storage[sizeof(state)];
  static state* made = ::new (static_cast<void*>(storage)) state;
  return *made;
}

thread_local bool in_sink = false;

std::string_view name(level severity) noexcept {
  switch (severity) {
  case level::debug:
    return "debug";
  case level::info:
    return "info";
  case level::warning:
    return "warning";
  case level::error:
  case level::off:
    break;
  }
  return "error";
}

bool write_all(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool to_stderr(const line& l) noexcept {
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 64> time{};
  std::snprintf(time.data(), time.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ",
                utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                utc.tm_sec, static_cast<int>(now.tv_nsec / 1'000'000));

  std::array<char, max_text + 256> out;
  char* end = out.data();
  for (const std::string_view piece :
       {std::string_view{time.data()}, name(l.severity), std::string_view{" "},
        l.subsystem.substr(0, 64), std::string_view{": "}, l.text, std::string_view{"\n"}}) {
    end = std::ranges::copy(piece, end).out;
  }
  return write_all({out.data(), static_cast<std::size_t>(end - out.data())});
}

void deliver_to_stderr(state& s, const line& l) noexcept {
  if (s.unreported != 0) {
    text notice;
    append(notice, s.unreported);
    append(notice, " lines lost: standard error could not be written");
    if (to_stderr({level::warning, "log", notice.view()})) {
      s.unreported = 0;
    }
  }
  if (s.unreported != 0 || !to_stderr(l)) {
    ++s.unreported;
    s.lost.fetch_add(1, std::memory_order_relaxed);
  }
}

// The length of the UTF-8 sequence that `s` begins with and that may be printed, 0 when there is
// none.
std::size_t printable_prefix(std::string_view s) noexcept {
  const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(s[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  }
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || s.size() < size) {
    return 0;
  }
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  const bool control = lead == 0xc2 && byte(1) < 0xa0; // U+0080 to U+009F
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
  const bool beyond = lead == 0xf4 && byte(1) >= 0x90;
  return control || overlong || surrogate || beyond ? 0 : size;
}

} // namespace

void set_sink(sink to, void* context) noexcept {
  state& s = shared();
  const std::lock_guard lock{s.mutex};
  s.to = to;
  s.context = context;
}

void set_level(level least) noexcept { shared().least.store(least, std::memory_order_relaxed); }

std::uint64_t lost() noexcept { return shared().lost.load(std::memory_order_relaxed); }

bool enabled(level severity) noexcept {
  return severity >= shared().least.load(std::memory_order_relaxed) && severity < level::off;
}

void write(level severity, std::string_view subsystem, const text& line_text) noexcept {
  if (!enabled(severity)) {
    return;
  }
  state& s = shared();
  if (in_sink) {
    s.lost.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const std::lock_guard lock{s.mutex};
  const line l{severity, subsystem, line_text.view()};
  if (s.to == nullptr) {
    deliver_to_stderr(s, l);
    return;
  }
  in_sink = true;
  s.to(l, s.context);
  in_sink = false;
}

void text::append(std::string_view part) noexcept {
  while (!part.empty()) {
    std::size_t size = printable_prefix(part);
    bool fits = true;
    if (size != 0) {
      fits = add(part.substr(0, size));
    } else {
      size = 1;
      const auto byte = static_cast<unsigned char>(part[0]);
      if (byte == '\n') {
        fits = add("\\n");
      } else if (byte == '\t') {
        fits = add("\\t");
      } else if (byte == '\r') {
        fits = add("\\r");
      } else {
        static constexpr char digits[] = "0123456789abcdef";
        const char escaped[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
        fits = add({escaped, sizeof escaped});
      }
    }
    if (!fits) {
      return;
    }
    part.remove_prefix(size);
  }
}

// Whole pieces only, so that neither a character nor an escape is cut in two; room for the ellipsis
// is kept.
bool text::add(std::string_view piece) noexcept {
  constexpr std::string_view ellipsis = "...";
  if (cut_) {
    return false;
  }
  if (size_ + piece.size() > bytes_.size() - ellipsis.size()) {
    piece = ellipsis;
    cut_ = true;
  }
  std::memcpy(bytes_.data() + size_, piece.data(), piece.size());
  size_ += piece.size();
  return !cut_;
}

std::optional<std::uint64_t> limiter::pass(std::string_view key, time_point now) noexcept {
  const std::uint64_t hash = std::hash<std::string_view>{}(key) | 1;
  auto found = std::ranges::find(slots_, hash, &slot::key);
  if (found == slots_.end()) {
    found = std::ranges::find(slots_, std::uint64_t{0}, &slot::key);
  }
  if (found == slots_.end()) {
    found = std::ranges::min_element(slots_, {}, &slot::last);
  }
  if (found->key != hash) {
    *found = slot{.key = hash, .start = now};
  }
  found->last = now;
  if (now - found->start >= window_) {
    found->start = now;
    found->passed = 0;
  }
  if (found->passed >= burst_) {
    ++found->dropped;
    return std::nullopt;
  }
  ++found->passed;
  return std::exchange(found->dropped, 0);
}

std::optional<std::uint64_t> pass(std::string_view key) noexcept {
  state& s = shared();
  if (in_sink) {
    return std::nullopt;
  }
  const std::lock_guard lock{s.mutex};
  return s.limits.pass(key, std::chrono::steady_clock::now());
}

} // namespace erl::log
