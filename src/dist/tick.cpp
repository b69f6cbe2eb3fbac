#include "dist/tick.hpp"

#include <algorithm>

namespace erl::dist {

namespace {

constexpr std::uint64_t tick_bytes = 4;

unsigned legal_intensity(unsigned intensity) { return std::clamp(intensity, 4U, 1000U); }

} // namespace

duration tick_options::interval() const {
  using std::chrono::milliseconds;
  const auto parts = static_cast<std::int64_t>(legal_intensity(intensity));
  const auto total = std::chrono::ceil<milliseconds>(time).count();
  return milliseconds(std::max<std::int64_t>(1, (total + parts - 1) / parts));
}

ticker::ticker(const tick_options& options, bool hidden)
    : intensity_(legal_intensity(options.intensity)), hidden_(hidden) {}

ticker::verdict ticker::check(const traffic& now) {
  const bool silent = now.read == read_;
  const bool wrote_nothing = now.written == written_;
  read_ = now.read;
  written_ = now.written;
  silent_checks_ = silent ? silent_checks_ + 1 : 0;
  if (silent_checks_ >= intensity_)
    return verdict::dead;
  if (!now.queue_empty || !(wrote_nothing || (hidden_ && silent)))
    return verdict::idle;
  // The tick itself is no reason to leave out the next one.
  written_ += tick_bytes;
  return verdict::send_tick;
}

bool ticker::answers(time_point now, time_point last_write, bool queue_empty) {
  return queue_empty && now - last_write >= longest_silence;
}

} // namespace erl::dist
