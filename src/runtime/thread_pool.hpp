/// Threads for blocking calls.
#pragma once

#include "runtime/blocking.hpp"
#include <erl/duration.hpp>
#include <erl/runtime_options.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace erl::runtime {

/// Threads that take jobs from one queue. A job that finds no idle thread gets a new one, up to the
/// limit; a thread that is idle for long ends. Any thread may call.
class thread_pool {
public:
  thread_pool(std::uint32_t most_threads, duration idle_time)
      : most_(most_threads), idle_time_(idle_time) {}
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() { stop(); }

  /// Throws std::system_error if there is no thread and none can be started.
  void submit(const shared_job& job);
  /// Drops what has not begun, and what is still to come.
  void refuse();
  /// The same, and waits for the rest.
  void stop();
  /// Threads that run or wait for jobs.
  std::size_t size() const;

private:
  using threads = std::list<std::thread>;
  void add_thread();
  void work(threads::iterator self);

  const std::uint32_t most_;
  const duration idle_time_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<shared_job> waiting_;
  threads threads_;
  threads ended_; // to be joined
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

/// A pool for each value of `pool`.
std::unique_ptr<blocking_executor> make_thread_pools(const pool_limits& limits);

} // namespace erl::runtime
