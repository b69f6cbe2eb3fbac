/// The schedulers of one node and what they share: identity, names, and the way out to other nodes.
#pragma once

#include "runtime/blocking.hpp"
#include "runtime/global_names.hpp"
#include "runtime/node_states.hpp"
#include "runtime/registry.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/watchdog.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace erl::runtime {

/// Who this node is: part of every pid and reference it makes. Fixed before the first process
/// starts.
struct identity {
  atom node{"nonode@nohost"};
  std::uint32_t creation = 0;
};

/// How many links and monitors a peer may make that its connection is kept.
struct relation_limits {
  std::size_t of_node = SIZE_MAX; ///< between its processes and those of one scheduler
  std::size_t of_process = SIZE_MAX;
};

/// The way to other nodes. Lives on scheduler 0 and is called on its thread only.
class distribution {
public:
  /// `s` is meant for a process or a name on another node.
  virtual void outgoing(signal&& s) = 0;
  /// The peer has made more links and monitors than it may.
  virtual void too_many_relations(atom node) = 0;
  /// A process holds scheduler 0: lets peers know that this node lives. On the watchdog's thread,
  /// with `scheduler::distribution()` borrowed.
  virtual void keep_alive() = 0;

protected:
  ~distribution() = default;
};

class system {
public:
  /// `make_driver` is called once for each scheduler.
  system(identity self, std::uint32_t schedulers,
         const std::function<std::unique_ptr<driver>()>& make_driver);
  system(const system&) = delete;
  system& operator=(const system&) = delete;
  /// Stops.
  ~system();

  const identity& self() const { return identity_; }
  /// For a node that gets its name from another one. Before the first process.
  void set_self(const identity& self) { identity_ = self; }
  /// The group leader of processes that nobody has given another one: the node's `user`. Set before
  /// the schedulers start.
  const pid& group_leader() const { return group_leader_; }
  void set_group_leader(const pid& leader) { group_leader_ = leader; }
  /// The pid of a local process, from its serial (the high half) and id.
  pid pid_of(std::uint64_t process) const {
    return {identity_.node, static_cast<std::uint32_t>(process),
            static_cast<std::uint32_t>(process >> 32), identity_.creation};
  }
  bool is_local(const pid& who) const {
    return who.node == identity_.node && who.creation == identity_.creation;
  }

  /// Whether it can be a process of this node: of this life, and of a scheduler that exists.
  bool is_here(const pid& who) const {
    return is_local(who) && (who.id & scheduler_mask_) < schedulers_.size();
  }

  /// Starts a thread for each scheduler.
  void start();
  /// Stops the threads, waits for the blocking calls that run, then ends all processes that are
  /// left.
  void stop();

  std::size_t size() const { return schedulers_.size(); }
  /// The bits of a pid's id that say which scheduler owns it; the number may be beyond `size()` in
  /// a forged pid.
  std::uint32_t scheduler_mask() const { return scheduler_mask_; }
  scheduler& at(std::size_t number) { return *schedulers_[number]; }
  /// The scheduler that owns a local process.
  scheduler& owner_of(const pid& who) { return *schedulers_[who.id & scheduler_mask_]; }

  registry& names() { return names_; }
  global_names& names_everywhere() { return names_everywhere_; }
  /// The pid behind a name.
  std::optional<pid> whereis(atom name) const;

  /// Runs blocking calls; never null. Set before the first process runs.
  void set_blocking(std::unique_ptr<blocking_executor> to) { blocking_ = std::move(to); }
  blocking_executor& blocking() { return *blocking_; }

  /// Before `start`, which starts the watchdog unless it is off.
  void set_watchdog(const watchdog_options& options) { watchdog_options_ = options; }
  /// Null without one.
  watchdog* guard() const { return watchdog_.get(); }

  node_states& nodes() { return nodes_; }
  void set_distribution(distribution* out, const relation_limits& limits = {}) {
    distribution_ = out;
    limits_ = limits;
  }
  const relation_limits& limits() const { return limits_; }
  distribution* out() const { return distribution_; }

  /// A pid's id from its parts, and back.
  std::uint32_t id_of(std::uint32_t index, bool guest, std::uint32_t scheduler) const {
    return index << (scheduler_bits_ + 1) | (guest ? 1U : 0U) << scheduler_bits_ | scheduler;
  }
  std::uint32_t index_of(const pid& who) const { return who.id >> (scheduler_bits_ + 1); }
  bool is_guest(const pid& who) const { return (who.id >> scheduler_bits_ & 1) != 0; }

  /// The schedulers, one after the other. Any thread.
  std::uint32_t next_scheduler() {
    return next_.fetch_add(1, std::memory_order_relaxed) % static_cast<std::uint32_t>(size());
  }

  /// Processes alive, for observation.
  std::atomic<std::uint64_t> process_count{0};
  /// Messages that found nobody.
  std::atomic<std::uint64_t> dead_letters{0};
  /// Processes whose full mailboxes stop those who send to them.
  std::atomic<std::int64_t> blocking_mailboxes{0};
  /// Who is told of them. Any thread.
  void watch_dead_letters(const pid& who, bool on);
  bool dead_letters_are_watched() const {
    return watcher_count_.load(std::memory_order_relaxed) != 0;
  }
  std::vector<pid> dead_letter_watchers() const;

  /// Each scheduler has a copy, and gets it soon. Any thread.
  void watch_mailboxes(const mailbox_watch& how);
  /// Nobody is told any more, if it is this one. Any thread.
  void stop_watching_mailboxes(const pid& watcher);

private:
  void shuffle();

  identity identity_;
  pid group_leader_;
  std::uint32_t scheduler_bits_ = 0;
  std::uint32_t scheduler_mask_ = 0;
  registry names_;
  global_names names_everywhere_;
  mutable std::mutex watchers_mutex_;
  std::vector<pid> watchers_;
  std::atomic<std::size_t> watcher_count_{0};
  node_states nodes_;
  distribution* distribution_ = nullptr;
  relation_limits limits_;
  std::atomic<std::uint32_t> next_{0};
  std::vector<std::mt19937_64> shuffles_; ///< for each scheduler, in builds that shuffle
  std::vector<std::unique_ptr<scheduler>> schedulers_;
  std::vector<std::thread> threads_;
  std::unique_ptr<blocking_executor> blocking_;
  watchdog_options watchdog_options_;
  std::unique_ptr<watchdog> watchdog_;
};

} // namespace erl::runtime
