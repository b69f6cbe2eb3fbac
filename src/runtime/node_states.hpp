/// What all schedulers may know of the other nodes.
#pragma once

#include <erl/process.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

namespace erl::runtime {

/// Which nodes are connected, for which so much waits that senders had better stop, and who wants
/// to know when they come and go. Written by the distribution, but for the last. Any thread.
class node_states {
public:
  /// `who` wants to know of nodes of this kind, and of no others.
  void watch(const pid& who, node_kind which) {
    const std::lock_guard lock(mutex_);
    std::erase_if(watchers_, [&](const auto& watcher) { return watcher.first == who; });
    if (which != node_kind::none)
      watchers_.emplace_back(who, which);
  }
  std::vector<pid> watchers_of(node_kind kind) const {
    const std::lock_guard lock(mutex_);
    std::vector<pid> result;
    for (const auto& [who, which] : watchers_)
      if (which == kind || which == node_kind::all)
        result.push_back(who);
    return result;
  }

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
  std::vector<std::pair<pid, node_kind>> watchers_;
  std::atomic<std::size_t> busy_count_{0};
};

} // namespace erl::runtime
