/// What belongs to a scheduler's thread, lent to another one while a process holds the scheduler.
///
/// The owner pays for it with every slice and never waits, unless somebody is at work with what was
/// lent: it only loads and stores. Who borrows makes up for that with a barrier in all threads of
/// the program (membarrier, since Linux 4.14).
#pragma once

#include <atomic>

namespace erl::runtime {

class loan {
public:
  /// Of the owner: lends for as long as it lives.
  class lent {
  public:
    explicit lent(loan& what) noexcept : what_(what) { what_.lend(); }
    ~lent() { what_.take_back(); }
    lent(const lent&) = delete;
    lent& operator=(const lent&) = delete;

  private:
    loan& what_;
  };
  /// Of the owner: nothing is lent while it lives.
  class kept {
  public:
    explicit kept(loan& what) noexcept
        : what_(what), was_lent_(what.lent_.load(std::memory_order_relaxed)) {
      if (was_lent_)
        what_.take_back();
    }
    ~kept() {
      if (was_lent_)
        what_.lend();
    }
    kept(const kept&) = delete;
    kept& operator=(const kept&) = delete;

  private:
    loan& what_;
    const bool was_lent_;
  };

  /// Once, before any `borrow`. False: the system does not allow it, and nothing is ever borrowed.
  static bool prepare() noexcept;
  /// True if it is lent: the caller has it to itself, and soon gives it back. One thread.
  bool borrow() noexcept;
  void give_back() noexcept {
    borrowed_.store(false, std::memory_order_release);
    borrowed_.notify_one();
  }

private:
  void lend() noexcept { lent_.store(true, std::memory_order_release); }
  void take_back() noexcept {
    lent_.store(false, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (borrowed_.load(std::memory_order_acquire)) [[unlikely]]
      borrowed_.wait(true, std::memory_order_acquire);
  }

  std::atomic<bool> lent_{false};
  std::atomic<bool> borrowed_{false};
};

} // namespace erl::runtime
