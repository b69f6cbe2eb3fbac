/// Catches what the library logs, or keeps it quiet, for tests.
#pragma once

#include <erl/log.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace erl::test {

/// The lines of its lifetime, from all threads, as "warning runtime: text".
class log_capture {
public:
  log_capture() {
    log::set_sink([](const log::line& l, void* self) { static_cast<log_capture*>(self)->add(l); },
                  this);
  }
  log_capture(const log_capture&) = delete;
  log_capture& operator=(const log_capture&) = delete;
  ~log_capture() { log::set_sink(nullptr); }

  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  /// Whether a line with this text in it has come, or does within a minute.
  bool wait_for(std::string_view text) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return has(text); });
  }
  bool contains(std::string_view text) const {
    const std::lock_guard lock(mutex_);
    return has(text);
  }

private:
  void add(const log::line& l) {
    constexpr const char* names[] = {"debug", "info", "warning", "error"};
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(names[static_cast<int>(l.severity)]) + ' ' +
                     std::string(l.subsystem) + ": " + std::string(l.text));
    changed_.notify_all();
  }
  bool has(std::string_view text) const {
    return std::ranges::any_of(
        lines_, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> lines_;
};

/// Nothing is logged in its lifetime.
struct silence {
  silence() { log::set_level(log::level::off); }
  silence(const silence&) = delete;
  silence& operator=(const silence&) = delete;
  ~silence() { log::set_level(log::level::info); }
};

} // namespace erl::test
