/// The stack of another thread of this program, taken with a signal.
///
/// The signal is a real-time one that nobody uses, reserved once for the whole program. It is sent
/// to one thread for each stack that is asked for, and never otherwise. The handler allocates
/// nothing, takes no lock and chains to nobody.
#pragma once

#include <erl/duration.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pthread.h>

namespace erl {

/// Addresses in the functions that a thread was in, the innermost first.
class thread_stack {
public:
  std::span<const std::uintptr_t> frames() const noexcept { return {frames_.data(), size_}; }
  /// The stack of the calling thread. In a signal handler, that of what the signal has interrupted.
  void capture() noexcept;

private:
  std::array<std::uintptr_t, 64> frames_;
  std::size_t size_ = 0;
};

/// Reserves `wanted`, or with 0 the highest real-time signal that has no handler and is not blocked
/// in the calling thread. The first call decides for all. False: there is no such signal.
bool reserve_stack_signal(int wanted) noexcept;
/// Lets the calling thread be asked for its stack.
void accept_stack_signal() noexcept;

/// Asks `thread`, which has accepted the signal and has not ended, for its stack. It calls
/// `inspect(context)` in the signal handler first, and adds no stack if that returns false. False:
/// nothing came in time. One caller at a time is served.
bool take_stack_of(pthread_t thread, duration patience, bool (*inspect)(void* context) noexcept,
                   void* context, thread_stack& result) noexcept;

} // namespace erl
