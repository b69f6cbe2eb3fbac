/// A scheduler: one thread, the processes it owns, its timers and its driver.
///
/// The loop runs processes from a FIFO run queue; between slices it drains the lanes from the other
/// schedulers, polls the driver and fires timers, and at the end of a round it lets the connections
/// flush and publishes its own lanes. With nothing to do it sleeps in the driver.
#pragma once

#include "base/driver.hpp"
#include "base/timer_queue.hpp"
#include "runtime/lane.hpp"
#include "runtime/loan.hpp"
#include "runtime/message_timers.hpp"
#include "runtime/process_block.hpp"
#include "runtime/process_table.hpp"
#include "runtime/signal.hpp"
#include "runtime/slice_watch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>
#include <vector>

namespace erl::runtime {

class system;

/// Who is told of long mailboxes, and from when to when one is long; 0: nobody.
struct mailbox_watch {
  pid watcher;
  std::uint32_t long_at = 0;
  std::uint32_t short_at = 0;
};

/// Work that wants to run at the end of each round in which it was asked for, such as writing out
/// what a round has queued.
class flushable {
public:
  virtual void flush() = 0;

protected:
  ~flushable() = default;
};

class scheduler {
public:
  scheduler(system& owner, std::uint32_t number, std::unique_ptr<driver> world);
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;
  ~scheduler();

  // From any thread.

  /// Runs `work` on the scheduler's thread.
  void post(std::function<void()> work);
  /// Reserves the pid of a process that is going to run here, and its name unless that is empty; a
  /// spawn signal, from a scheduler or posted, must follow. Throws std::invalid_argument if the
  /// name is taken.
  pid reserve(atom name = {});
  /// Makes `run` return soon.
  void stop();

  // From the scheduler's own thread, or before it runs.

  /// Runs until `stop`.
  void run();
  /// Runs until `over`, before other threads do.
  void run_until(const bool& over);
  /// One round; returns whether there was anything to do.
  bool round();
  /// Ends all processes, without running their bodies again.
  void end_all_processes();
  /// Calls `use(process_block&)` for each process.
  template <class Use> void each_process(Use&& use) const {
    local_.for_each(use);
    guests_.for_each(use);
  }
  /// Whether a round would find anything to do now.
  bool has_work();
  /// Null: everything in its usual order. Otherwise what may happen in any of several orders
  /// happens in a random one, in short slices and small helpings. `random` is used by this
  /// scheduler's thread.
  void shuffle(std::mt19937_64* random) { random_ = random; }

  system& owner() const { return system_; }
  std::uint32_t number() const { return number_; }
  driver& world() { return *world_; }
  timer_queue& timers() { return timers_; }
  const timer_queue& timers() const { return timers_; }
  /// Now and `delay`; the end of time if that is beyond it.
  time_point deadline_after(duration delay) const { return after(world_->now(), delay); }

  /// Starts a process here, from this thread. Of the options only what concerns the process by
  /// itself. Throws std::invalid_argument if the name is taken.
  process_block& spawn(owned_body what, const pid& parent, const spawn_options& how = {});
  /// The process, if it lives on this scheduler.
  process_block* find(const pid& who) const;
  /// Sends a signal on its way; handled at once if the receiver lives here.
  void route(signal&& s);
  /// Hands a message to a process of this scheduler.
  void deliver(const pid& to, term&& body);
  /// A message found nobody: counts it, and tells those who watch.
  void dead_letter(const term& to, const term& body);
  void dead_letter(const term& to, const message& what);
  /// Routes a message, by name or pid.
  void send(const pid& from, const destination& to, term body);
  /// The same with an object, which becomes a term where that is needed.
  void send(const pid& from, const destination& to, owned<detail::native_object> object);
  void make_runnable(process_block& p);
  /// Handles a signal to a process (or to the scheduler) that lives here.
  void handle(signal&& s);
  /// Calls `f.flush()` once at the end of this round.
  void flush_later(flushable& f) { flushes_.push_back(&f); }
  void cancel_flush(flushable& f);

  /// Gives a process of this node a name. False: taken, not here, or known to have one.
  bool register_name(atom name, const pid& who);
  /// Takes a name back, whoever has it. False: nobody.
  bool unregister_name(atom name);

  reference make_reference() { return reference_of(next_reference()); }
  /// The number of a new reference, and the reference of a number.
  std::uint64_t next_reference() { return ++references_; }
  reference reference_of(std::uint64_t number) const;
  /// A reference from which the owner of an alias can be told.
  reference make_alias_reference(const pid& owner);

  /// For the watchdog.
  slice_watch& watch() { return watch_; }
  const slice_watch& watch() const { return watch_; }
  /// Scheduler 0's: the way to other nodes, which it does not use inside a process's code, but for
  /// `to_remote`, which takes it back.
  loan& distribution() { return distribution_; }
  bool is_asleep() const { return asleep_.load(); }
  /// The process whose slice it is. On this scheduler's thread, signal handlers included.
  process_block* running() const { return running_; }

  /// A process ends that waits for the answer to a spawn request.
  void asker_ended(const reference& request, atom node, const term& reason) {
    ended_askers_.insert_or_assign(request, ended_asker{node, reason});
  }

  message_timers& later() { return message_timers_; }

  const mailbox_watch& watched_mailboxes() const { return watched_mailboxes_; }
  void watch_mailboxes(const mailbox_watch& how);
  /// Says for all threads that a process's mailbox is full, or no more.
  void set_full(const pid& who, bool full);
  /// From any thread: whether that was said of the process in this place.
  bool is_full(const pid& who) const;

  /// After a message to another scheduler: its sender waits if the receiver's mailbox is full.
  void respect_limit(const scheduler& owner, const pid& receiver);

  /// Counts one more (or less) relation of `who` with `node`.
  void relate(const pid& who, atom node, int change);
  /// Counts one more that a process of `node` has asked for, and tells the distribution when there
  /// are too many.
  void relate_to_caller(const pid& who, atom node);
  /// How many of its processes are related with other nodes' processes, by node.
  std::size_t relations() const;
  /// How many signals are kept for processes that have not started.
  std::size_t early() const;
  /// How many processes have ended that still wait for the answer to a spawn request.
  std::size_t ended_askers() const { return ended_askers_.size(); }
  /// Which life of the connection to `node` this scheduler knows.
  std::uint32_t epoch_of(atom node) const;
  /// The connection to `node` is gone: its processes' relations end.
  void lose_node(atom node, std::uint32_t epoch);
  /// The same for every scheduler. On scheduler 0 only.
  void lose_node_everywhere(atom node, std::uint32_t epoch);

private:
  struct lane_entry {
    pid to;
    term body;
    std::unique_ptr<signal> other; ///< set: this, instead of a message
  };
  struct peer_relations {
    std::uint32_t epoch = 0;
    bool refused = false; ///< has too many
    std::int64_t total = 0;
    std::unordered_map<pid, std::uint32_t> related;
    /// So many more of `who`; how many it has then.
    std::int64_t add(const pid& who, int change);
  };
  process_block& start(const pid& self, const pid& parent, owned_body what,
                       const spawn_options& how);
  bool is_reserved(const pid& who);
  pid pid_at(process_table::place place, bool guest) const;
  void to_remote(signal&& s);
  void run_slice(process_block& p);
  void block(process_block& p);
  /// `why` is a copy, since it may be p's own.
  void end(process_block& p, term why);
  void undeliverable(signal&& s);
  void to_other(std::uint32_t scheduler, lane_entry entry);
  std::size_t drain_lanes();
  std::size_t run_posted();
  bool publish_lanes();
  void wake_if_asleep();
  bool anything_to_do();
  void sleep();
  lane<lane_entry>& lane_to(std::uint32_t to);
  process_block* next_runnable();
  bool anyone_runnable() const {
    return std::ranges::any_of(runnable_, [](const run_queue& q) { return q.first != nullptr; });
  }
  bool has_room(std::uint32_t to);
  std::size_t resume_parked();
  std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>((*random_)() % limit);
  }

  system& system_;
  const std::uint32_t number_;
  std::unique_ptr<driver> world_;
  timer_queue timers_;

  process_table local_;  // processes started by this scheduler's own thread
  process_table guests_; // processes started by others; reserved and released under the mutex
  std::mutex guests_mutex_;
  /// What has come for guests whose spawn signal is still on its way: it takes another way than
  /// what others send them.
  std::unordered_map<pid, std::vector<signal>> early_;

  struct run_queue {
    process_block* first = nullptr;
    process_block* last = nullptr;
    void append(process_block& p);
    process_block& pop();
  };
  std::array<run_queue, 3> runnable_; // by priority
  unsigned low_waits_ = 0;            // turns since one of low priority had its own
  process_block* running_ = nullptr;
  slice_watch watch_;
  loan distribution_;
  /// Runnable, but they have to wait until the lane they have filled has room.
  std::vector<process_block*> parked_;

  std::vector<std::unique_ptr<lane<lane_entry>>> incoming_; // by the producing scheduler
  std::vector<flushable*> flushes_;
  std::unordered_map<atom, peer_relations> peers_;
  /// Why processes have ended that had asked other nodes for one, and have no answer yet: whom they
  /// asked, and what a linked one gets to hear.
  struct ended_asker {
    atom node;
    term reason;
  };
  std::unordered_map<reference, ended_asker> ended_askers_;
  message_timers message_timers_;
  mailbox_watch watched_mailboxes_;
  std::uint64_t references_ = 0;

  std::atomic<bool> asleep_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> has_posted_{false};
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  std::mt19937_64* random_ = nullptr;
  friend system;
};

} // namespace erl::runtime
