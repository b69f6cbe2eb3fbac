/// SIGTERM and SIGINT as something to wait for.
#pragma once

#include <csignal>

namespace erl {

/// While it lives, SIGTERM and SIGINT end `wait` instead of the program. One at a time, made and
/// destroyed on one thread.
class stop_signals {
public:
  stop_signals();
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  ~stop_signals();

  /// Blocks until one of the signals or `wake`.
  void wait();
  /// From any thread.
  void wake();

private:
  struct sigaction old_term_{};
  struct sigaction old_int_{};
  sigset_t old_mask_{};
};

} // namespace erl
