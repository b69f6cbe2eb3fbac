#include "runtime/loan.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace erl::runtime {

bool loan::prepare() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0U, 0) == 0;
}

// After the barrier either the owner has seen that something is borrowed, or is about to, or its
// having taken it back is seen here.
bool loan::borrow() noexcept {
  borrowed_.store(true, std::memory_order_relaxed);
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0U, 0) == 0 &&
      lent_.load(std::memory_order_acquire))
    return true;
  give_back();
  return false;
}

} // namespace erl::runtime
