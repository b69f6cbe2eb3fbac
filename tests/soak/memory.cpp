#include "memory.hpp"

#include <cstdlib>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOAK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SOAK_SANITIZED 1
#endif
#endif

namespace soak {

#ifdef SOAK_SANITIZED
const bool memory_is_judged = false;
#else
const bool memory_is_judged = true;
#endif

double resident_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::atof(line.c_str() + 6) * 1024;
  throw std::runtime_error("no VmRSS in /proc/self/status");
}

double slope(const std::vector<memory_sample>& samples) {
  const auto half = std::span(samples).subspan(samples.size() / 2);
  if (half.size() < 2)
    return 0;
  double mean_seconds = 0;
  double mean_bytes = 0;
  for (const memory_sample& s : half) {
    mean_seconds += s.seconds / static_cast<double>(half.size());
    mean_bytes += s.bytes / static_cast<double>(half.size());
  }
  double together = 0;
  double squares = 0;
  for (const memory_sample& s : half) {
    together += (s.seconds - mean_seconds) * (s.bytes - mean_bytes);
    squares += (s.seconds - mean_seconds) * (s.seconds - mean_seconds);
  }
  return together / squares;
}

} // namespace soak
