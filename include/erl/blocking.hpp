/// Work that would hold up a scheduler: long computations, files, libraries that wait.
///
///     const auto read = [path] { return read_prices(path); };
///     auto prices = co_await erl::blocking(self, read);
///
/// The function runs on a thread of a pool while the process's scheduler serves other processes.
/// Coroutine bodies may do this, and handlers of a server that are coroutines.
#pragma once

#include <erl/process.hpp>

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace erl {

/// Which threads run a blocking call.
enum class pool : std::uint8_t {
  cpu, ///< for what computes: no more threads than cores
  io,  ///< for what mostly waits: many threads
};

namespace runtime {
class scheduler;
}

namespace detail {

/// A function on its way through a pool. The process that waits for it and the pool own it; the
/// last one to let go deletes it, on its own thread.
class blocking_job {
public:
  blocking_job(process& caller, pool where) noexcept;
  blocking_job(const blocking_job&) = delete;
  blocking_job& operator=(const blocking_job&) = delete;

  // On the scheduler of the process.

  /// Gives itself to the pool, unless the process is about to end. Throws std::system_error if the
  /// pool has no thread and can start none.
  void start();
  void suspend(std::coroutine_handle<> waiting) noexcept;
  /// The process waits no more, or has ended.
  void abandon() noexcept;
  void rethrow() const {
    if (failure_)
      std::rethrow_exception(failure_);
  }

  // On any thread.

  /// Calls the function, and wakes the process.
  void run() noexcept;
  void retain() noexcept;
  void release() noexcept;

protected:
  virtual ~blocking_job() = default;

private:
  /// Calls the function, keeps its result and destroys it.
  virtual void call() = 0;
  void finished() noexcept;

  process* caller_; // null: abandoned. Written by its scheduler only, read by the pool: atomically
  runtime::scheduler* home_;
  std::exception_ptr failure_;
  std::uint32_t owners_ = 1; // counted atomically
  pool where_;
};

template <class Function> class blocking_call final : public blocking_job {
public:
  using result = std::invoke_result_t<Function>;

  blocking_call(process& caller, pool where, Function&& function)
      : blocking_job(caller, where), function_(std::move(function)) {}
  result take() {
    rethrow();
    if constexpr (!std::is_void_v<result>)
      return std::move(*result_);
  }

private:
  struct nothing {};

  void call() override {
    Function function = std::move(*function_);
    function_.reset();
    if constexpr (std::is_void_v<result>)
      std::move(function)();
    else
      result_.emplace(std::move(function)());
  }

  std::optional<Function> function_;
  std::optional<std::conditional_t<std::is_void_v<result>, nothing, result>> result_;
};

} // namespace detail

/// Waits for a function that runs on a pool. One word. Await it where it is made.
template <class Function> class [[nodiscard]] blocking_awaiter {
public:
  blocking_awaiter(process& self, pool where, Function&& function)
      : job_(new detail::blocking_call<Function>(self, where, std::move(function))) {}
  blocking_awaiter(const blocking_awaiter&) = delete;
  blocking_awaiter& operator=(const blocking_awaiter&) = delete;
  ~blocking_awaiter() { job_->abandon(); }

  bool await_ready() const {
    job_->start();
    return false;
  }
  void await_suspend(std::coroutine_handle<> waiting) const noexcept { job_->suspend(waiting); }
  std::invoke_result_t<Function> await_resume() const { return job_->take(); }

private:
  detail::blocking_call<Function>* job_;
};

/// Runs `function()` on a thread of a pool; a co_await on it gives what it returned, or throws what
/// it threw. Meanwhile the process receives nothing: its mailbox fills. An exit signal ends the
/// process at once, as it would in a receive; the function then runs to its end and its result is
/// dropped. So it must not refer to anything that ends with the process: what it captures by value
/// belongs to the call.
///
/// A function that owns memory is a local with a name: g++ 12 destroys one that is written inside a
/// co_await expression twice. It is copied; or moved, if it cannot be copied.
///
/// There is no time-out: whoever needs one lets the function have it, or has another process wait.
/// A node that stops waits for the functions that run, and drops those that have not begun. The
/// function must not stop its node.
///
/// Throws std::system_error when the pool has no thread and the system gives it none.
template <class Function>
  requires std::invocable<std::remove_cvref_t<Function>>
blocking_awaiter<std::remove_cvref_t<Function>> blocking(process& self, Function&& function,
                                                         pool where = pool::io) {
  using value = std::remove_cvref_t<Function>;
  using result = std::invoke_result_t<value>;
  static_assert(std::is_lvalue_reference_v<Function> || std::is_trivially_destructible_v<value>,
                "give the function a name, and the name to blocking: g++ 12 destroys a function "
                "that is written inside a co_await expression twice");
  static_assert(!std::is_reference_v<result>,
                "what the function returns is moved: let it return a value or a pointer");
  static_assert(
      !requires { typename result::promise_type; },
      "a coroutine runs on its process's scheduler, not on a pool: give a plain function");
  if constexpr (std::copy_constructible<value>)
    return blocking_awaiter<value>(self, where, value(function));
  else // NOLINTNEXTLINE(bugprone-move-forwarding-reference): see above
    return blocking_awaiter<value>(self, where, std::move(function));
}

} // namespace erl
