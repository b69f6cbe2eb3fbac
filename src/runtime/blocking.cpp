/// A blocking call from its process's point of view.
///
/// The process gives the job to the executor and gets the state `blocked`, which messages do not
/// end. The job comes back as a posted function, and the process goes on. If the process ends
/// before, its coroutine frame ends, and with it the awaiter, which abandons the job: the pool then
/// drops the result, or, if the job is on its way back already, the scheduler does.
#include "runtime/blocking.hpp"

#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"

#include <atomic>

namespace erl::detail {

namespace {
runtime::process_block& block_of(process& p) { return static_cast<runtime::process_block&>(p); }
} // namespace

blocking_job::blocking_job(process& caller, pool where) noexcept
    : caller_(&caller), home_(&block_of(caller).owner()), where_(where) {}

void blocking_job::start() {
  if (!block_of(*caller_).pending_exit)
    home_->owner().blocking().submit(where_, runtime::shared_job(*this));
}

void blocking_job::suspend(std::coroutine_handle<> waiting) noexcept {
  auto& p = block_of(*caller_);
  p.resume_at = waiting;
  p.awaits = runtime::process_block::awaited::job;
}

void blocking_job::abandon() noexcept {
  std::atomic_ref(caller_).store(nullptr, std::memory_order_relaxed);
  release();
}

void blocking_job::run() noexcept {
  try {
    call();
  } catch (...) {
    failure_ = std::current_exception();
  }
  if (std::atomic_ref(caller_).load(std::memory_order_relaxed) != nullptr)
    home_->post([job = runtime::shared_job(*this)] { job->finished(); });
}

void blocking_job::finished() noexcept {
  if (caller_ == nullptr)
    return;
  auto& p = block_of(*caller_);
  if (p.run_state == runtime::process_block::state::blocked) // else it is about to end
    home_->make_runnable(p);
}

void blocking_job::retain() noexcept {
  std::atomic_ref(owners_).fetch_add(1, std::memory_order_relaxed);
}

void blocking_job::release() noexcept {
  if (std::atomic_ref(owners_).fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete this;
}

} // namespace erl::detail
