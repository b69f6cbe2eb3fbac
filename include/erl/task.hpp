/// Coroutines that processes are written in.
///
/// `task<T>` is lazy: it starts when it is awaited (or when its process first runs), and resumes
/// its awaiter directly when it ends. A task belongs to one process and runs on that process's
/// scheduler only.
#pragma once

#include <erl/etf/detail/blocks.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace erl {

template <class T = void> class task;

namespace detail {

class task_promise_base : public in_blocks {
public:
  std::suspend_always initial_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }
  void resume_after(std::coroutine_handle<> awaiter) noexcept { awaiter_ = awaiter; }
  void rethrow() const {
    if (failure_)
      std::rethrow_exception(failure_);
  }

  struct at_the_end {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      const std::coroutine_handle<> awaiter = self.promise().awaiter_;
      return awaiter ? awaiter : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  at_the_end final_suspend() const noexcept { return {}; }

private:
  std::coroutine_handle<> awaiter_;
  std::exception_ptr failure_;
};

template <class T> class task_promise : public task_promise_base {
public:
  task<T> get_return_object() noexcept;
  template <class U> void return_value(U&& value) { value_.emplace(std::forward<U>(value)); }
  T take() {
    rethrow();
    return std::move(*value_);
  }

private:
  std::optional<T> value_;
};

template <> class task_promise<void> : public task_promise_base {
public:
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

} // namespace detail

/// The result of a coroutine: awaiting it runs the coroutine and gives its value, or throws what it
/// threw.
template <class T> class [[nodiscard]] task {
public:
  using promise_type = detail::task_promise<T>;
  using handle_type = std::coroutine_handle<promise_type>;

  task() noexcept = default;
  explicit task(handle_type handle) noexcept : handle_(handle) {}
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~task() {
    if (handle_)
      handle_.destroy();
  }

  /// The coroutine, for the process that runs it.
  handle_type handle() const noexcept { return handle_; }

  struct awaiter {
    handle_type handle;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) const noexcept {
      handle.promise().resume_after(waiting);
      return handle;
    }
    T await_resume() const { return handle.promise().take(); }
  };
  awaiter operator co_await() && noexcept { return awaiter{handle_}; }

private:
  handle_type handle_;
};

namespace detail {
template <class T> task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}
} // namespace detail

} // namespace erl
