/// What all schedulers may know of the other nodes.
#pragma once

#include <erl/etf/atom.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_set>

namespace erl::runtime {

/// Which nodes are connected, and for which so much waits that senders had better stop. Written by
/// the distribution, read by any thread.
class node_states {
public:
  void set_connected(atom node, bool on) {
    const std::lock_guard lock(mutex_);
    set(connected_, node, on);
  }
  void set_busy(atom node, bool on) {
    const std::lock_guard lock(mutex_);
    set(busy_, node, on);
    busy_count_.store(busy_.size(), std::memory_order_relaxed);
  }
  bool is_connected(atom node) const {
    const std::lock_guard lock(mutex_);
    return connected_.contains(node);
  }
  /// Asked after each signal to another node: without the lock while no node is busy.
  bool is_busy(atom node) const {
    if (busy_count_.load(std::memory_order_relaxed) == 0) [[likely]]
      return false;
    const std::lock_guard lock(mutex_);
    return busy_.contains(node);
  }

private:
  static void set(std::unordered_set<atom>& nodes, atom node, bool on) {
    if (on)
      nodes.insert(node);
    else
      nodes.erase(node);
  }

  mutable std::mutex mutex_;
  std::unordered_set<atom> connected_;
  std::unordered_set<atom> busy_;
  std::atomic<std::size_t> busy_count_{0};
};

} // namespace erl::runtime
