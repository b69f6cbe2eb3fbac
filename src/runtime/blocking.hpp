/// Where blocking calls run: the seam between processes and threads.
#pragma once

#include <erl/blocking.hpp>

#include <utility>

namespace erl::runtime {

/// One share of a job.
class shared_job {
public:
  explicit shared_job(detail::blocking_job& what) noexcept : what_(&what) { what_->retain(); }
  shared_job(const shared_job& other) noexcept : shared_job(*other.what_) {}
  shared_job& operator=(shared_job other) noexcept {
    std::swap(what_, other.what_);
    return *this;
  }
  ~shared_job() { what_->release(); }
  detail::blocking_job* operator->() const noexcept { return what_; }

private:
  detail::blocking_job* what_;
};

/// Runs jobs. The default has threads (thread_pool.hpp).
class blocking_executor {
public:
  virtual ~blocking_executor() = default;
  /// Calls `job->run()` once, in here or later, on any thread. Called on schedulers' threads.
  virtual void submit(pool where, const shared_job& job) = 0;
  /// Drops what has not begun and waits for the rest. What is submitted afterwards is dropped.
  virtual void stop() = 0;
};

/// Runs each job at once, in `submit`: for one thread and virtual time.
class run_in_place final : public blocking_executor {
public:
  void submit(pool, const shared_job& job) override { job->run(); }
  void stop() override {}
};

} // namespace erl::runtime
