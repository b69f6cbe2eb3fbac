#include "base/thread_stack.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

#include <unwind.h>

namespace erl {

namespace {

/// What the handler is to do. It belongs to the caller of take_stack_of, and to the handler from
/// the moment when that has swapped its own thread in `asked` for nobody until `done`.
struct {
  bool (*inspect)(void*) noexcept = nullptr;
  void* context = nullptr;
  thread_stack* result = nullptr;
  bool complete = false;
} request;
std::mutex one_request;
std::atomic<pthread_t> asked{};
std::atomic<bool> done{false};
std::atomic<int> reserved{0}; // -1: none

void on_signal(int) {
  const int error = errno;
  pthread_t self = pthread_self();
  if (asked.compare_exchange_strong(self, pthread_t{})) {
    request.complete = request.inspect(request.context);
    if (request.complete)
      request.result->capture();
    done.store(true);
  }
  errno = error;
}

bool has_handler(int signal, void (*handler)(int)) noexcept {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
         action.sa_handler == handler;
}

/// A free signal, or -1. A blocked one may be waited for by the program.
int choose_signal() noexcept {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal)
    if (has_handler(signal, SIG_DFL) && sigismember(&blocked, signal) == 0)
      return signal;
  return -1;
}

} // namespace

bool reserve_stack_signal(int wanted) noexcept {
  const std::lock_guard lock(one_request);
  if (reserved == 0) {
    int signal = wanted == 0 ? choose_signal() : wanted;
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    if (signal < SIGRTMIN || signal > SIGRTMAX || !has_handler(signal, SIG_DFL) ||
        sigaction(signal, &action, nullptr) != 0)
      signal = -1;
    reserved = signal;
  }
  return reserved > 0;
}

void accept_stack_signal() noexcept {
  if (reserved <= 0)
    return;
  sigset_t signal;
  sigemptyset(&signal);
  sigaddset(&signal, reserved);
  pthread_sigmask(SIG_UNBLOCK, &signal, nullptr);
}

bool take_stack_of(pthread_t thread, duration patience, bool (*inspect)(void*) noexcept,
                   void* context, thread_stack& result) noexcept {
  const std::lock_guard lock(one_request);
  if (reserved <= 0 || !has_handler(reserved, on_signal))
    return false;
  request = {inspect, context, &result, false};
  done.store(false);
  asked.store(thread);
  if (pthread_kill(thread, reserved) != 0) {
    asked.store(pthread_t{});
    return false;
  }
  constexpr duration pause = std::chrono::microseconds(100);
  for (; !done.load(); patience -= pause) {
    pthread_t waiting = thread;
    if (patience <= duration::zero() && asked.compare_exchange_strong(waiting, pthread_t{}))
      return false; // the handler will find that nobody is asked
    std::this_thread::sleep_for(pause);
  }
  return request.complete;
}

void thread_stack::capture() noexcept {
  size_ = 0;
  _Unwind_Backtrace(
      [](_Unwind_Context* context, void* self) {
        auto& stack = *static_cast<thread_stack*>(self);
        int interrupted = 0;
        const std::uintptr_t address = _Unwind_GetIPInfo(context, &interrupted);
        if (interrupted != 0)
          stack.size_ = 0; // what came before was the handler
        if (address == 0 || stack.size_ == stack.frames_.size())
          return _URC_END_OF_STACK;
        // A return address may lie behind the end of the function that made the call.
        stack.frames_[stack.size_++] = interrupted != 0 ? address : address - 1;
        return _URC_NO_REASON;
      },
      this);
}

} // namespace erl
