/// How much memory the program has, and whether it becomes more and more.
#pragma once

#include <cstddef>
#include <vector>

namespace soak {

/// Of this program, in bytes, as the kernel counts it.
double resident_memory();

/// Does a sanitizer keep freed memory back, so that its size says nothing?
extern const bool memory_is_judged;

struct memory_sample {
  double seconds = 0;
  double bytes = 0;
};

/// Bytes a second in the second half of the samples: the slope of the line that fits them best.
double slope(const std::vector<memory_sample>& samples);

} // namespace soak
