#include "runtime/thread_pool.hpp"

#include "base/signals_blocked.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>

namespace erl::runtime {

namespace {

constexpr duration idle_time = std::chrono::seconds(10);

class thread_pools final : public blocking_executor {
public:
  explicit thread_pools(const pool_limits& limits)
      : cpu_(limits.cpu != 0 ? limits.cpu : std::max(1U, std::thread::hardware_concurrency()),
             idle_time),
        io_(std::max(1U, limits.io), idle_time) {}

  void submit(pool where, const shared_job& job) override {
    (where == pool::cpu ? cpu_ : io_).submit(job);
  }
  void stop() override {
    cpu_.refuse();
    io_.refuse();
    cpu_.stop();
    io_.stop();
  }

private:
  thread_pool cpu_;
  thread_pool io_;
};

} // namespace

std::unique_ptr<blocking_executor> make_thread_pools(const pool_limits& limits) {
  return std::make_unique<thread_pools>(limits);
}

void thread_pool::submit(const shared_job& job) {
  threads ended;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return;
    if (waiting_.size() >= idle_ && threads_.size() < most_)
      add_thread();
    waiting_.push_back(job);
    ended.swap(ended_);
  }
  changed_.notify_one();
  for (std::thread& each : ended)
    each.join(); // it has nothing left to do
}

void thread_pool::add_thread() {
  const signals_blocked none;
  const auto self = threads_.emplace(threads_.end());
  try {
    *self = std::thread([this, self] { work(self); });
  } catch (const std::system_error&) {
    threads_.erase(self);
    if (threads_.empty())
      throw;
  }
}

void thread_pool::work(threads::iterator self) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool called =
        changed_.wait_for(lock, idle_time_, [this] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_)
      return;
    if (!called) {
      ended_.splice(ended_.end(), threads_, self);
      return;
    }
    {
      const shared_job job = waiting_.front();
      waiting_.pop_front();
      lock.unlock();
      job->run();
    }
    lock.lock();
  }
}

void thread_pool::refuse() {
  std::deque<shared_job> dropped; // without the lock: that runs the program's destructors
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_all();
}

void thread_pool::stop() {
  refuse();
  for (threads* each : {&threads_, &ended_}) { // which nobody changes from here on
    for (std::thread& thread : *each)
      thread.join();
    each->clear();
  }
}

std::size_t thread_pool::size() const {
  const std::lock_guard lock(mutex_);
  return threads_.size();
}

} // namespace erl::runtime
