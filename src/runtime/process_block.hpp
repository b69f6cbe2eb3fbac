/// A process as its scheduler sees it.
#pragma once

#include "base/timer_queue.hpp"
#include "runtime/mailbox.hpp"
#include "runtime/registry.hpp"
#include "runtime/sequential_trace.hpp"
#include "runtime/signal.hpp"
#include "runtime/small_map.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/process.hpp>

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace erl::runtime {

class process_block;
class scheduler;

/// A monitor that a process holds.
struct outgoing_monitor {
  pid target;                          ///< not known when it is by name on another node
  atom name;                           ///< not empty: it was asked for by this name
  atom node;                           ///< of the target
  alias_mode alias = alias_mode::none; ///< what the reference is besides, until `unalias`
  bool urgent = false;                 ///< its messages may come before others

  /// What its owner asked to watch: a pid, or `{Name, Node}`.
  term object() const;
  /// A monitor or demonitor signal for it.
  signal signal_from(signal_kind kind, const pid& watcher, const reference& ref) const;
};

/// One side of a link.
struct link_state {
  /// 0 while it is active, else the id of the unlink that waits for its acknowledgement.
  std::uint64_t unlinking = 0;
  bool urgent = false; ///< its exit may come before other messages
};

/// An alias by itself.
struct plain_alias {
  alias_mode mode = alias_mode::explicit_unalias;
  bool urgent = false; ///< messages may come before others
};

/// A monitor that somebody holds on a process.
struct incoming_monitor {
  pid watcher;
  atom name; ///< not empty: it was asked for by this name
};

/// Whose mailbox (or the way to which node) a process has filled, and how long it waits for room.
class room_wait final : public timer {
public:
  room_wait(process_block& sender, const pid& full) : receiver(full), sender_(sender) {}
  const pid receiver;

private:
  void expired() override;
  process_block& sender_;
};

/// What most processes never need, made on first use.
struct process_extras {
  small_map<pid, link_state> links;
  small_map<reference, outgoing_monitor> monitoring;
  small_map<reference, incoming_monitor> monitored_by;
  /// Those that are not bound to a monitor, or are left over from one.
  small_map<reference, plain_alias> aliases;
  small_map<atom, std::uint32_t> watched_nodes;
  /// Spawn requests without an answer yet, and the nodes that were asked.
  small_map<reference, atom> spawn_requests;
  small_map<term, term> dictionary;
  void set_label(term to) noexcept;
  term label{atoms::undefined};
  std::atomic<bool> changes_label{false}; ///< no signal handler may look at it
  std::uint64_t unlink_count = 0;
  std::unique_ptr<trace_state> trace;
  /// Not this node's `user`, if its node is not empty.
  pid group_leader;
  /// The last name it got; it may have lost it since (`process_block::registered_name`).
  atom name;
  bool watches_dead_letters = false;
  bool watches_mailboxes = false;
  bool watches_nodes = false;
  /// Processes that wait until there is room in this one's mailbox.
  std::vector<pid> blocked_senders;
  /// Set: this one waits for room.
  std::unique_ptr<room_wait> waits_for_room;
};

class process_block final : public process, public detail::in_blocks {
public:
  static constexpr int reductions_a_slice = 2000;
  /// Waiting ends by a message, blocked by what it waits for (room in a mailbox, a job of a pool);
  /// both by an exit.
  enum class state : std::uint8_t { waiting, blocked, runnable, running, ending };

  process_block(scheduler& owner, pid self, pid parent, owned_body what);
  ~process_block() = default;

  scheduler& owner() const { return *owner_; }
  const pid& id() const { return self_; }
  /// All of it within this node: what a name stands for in the registry, and the watchdog reads.
  std::uint64_t value() const { return registry::value_of(self_); }

  process_extras& extras() {
    if (extras_ == nullptr) {
      auto made = std::make_unique<process_extras>();
      std::atomic_signal_fence(std::memory_order_release); // see glance
      extras_ = std::move(made);
    }
    return *extras_;
  }
  process_extras* extras_if_any() { return extras_.get(); }
  /// Its group leader where that is not this node's own; else an empty pid.
  pid own_group_leader() const { return extras_ == nullptr ? pid{} : extras_->group_leader; }
  pid group_leader() const;
  void set_group_leader(const pid& leader);
  /// Its name, or an empty atom. Anybody may take a name back, so only the registry knows.
  atom registered_name() const;

  /// It was started with this trace token, by a process of this node or from afar.
  void begin_trace(token_with_message token, bool from_afar);
  // With `traced` only.
  /// A message has been taken from the mailbox.
  void note_received(const message& m);
  /// For what it sends next.
  token_with_message next_token();

  // Signals that have reached this process (relations.cpp). None of them runs any code of the body.
  void receive_signal(signal&& s);
  /// A message, for which there must be room.
  void deliver(term&& body);
  /// A message to what may be an alias of this process.
  void deliver_to(const reference& alias, term&& body, bool urgent, bool from_afar);
  void deliver(owned<detail::native_object> object);
  /// One of another node.
  void deliver_from_afar(term body);
  void set_limit(const mailbox_limit& chosen);
  /// After a change of what is watched, or of the limit.
  void update_attention();
  /// After a slice: tells those who wait for the mailbox to become shorter.
  void mailbox_has_changed() {
    if (mailbox_is_long || senders_wait) [[unlikely]]
      tell_of_room();
  }
  /// Stops this process, after its slice, until there is room in that one's mailbox, or on the way
  /// to the node that stands in a pid of nothing else.
  void wait_for_room(const pid& receiver);
  /// Takes that back, before the slice is over.
  void do_not_wait();
  void room_has_come(const pid& receiver);
  /// What comes in, and stays, in any case: exits, downs, and the answers to what was asked.
  void notify(term body, bool urgent = false);
  /// Ends a monitor that this process holds, and tells the other side. False: there is none.
  bool stop_monitoring(const reference& ref);
  /// Everything that has to do with `node` ends with `noconnection`.
  void lose_node(atom node);
  /// Name and label, if there are. In a signal handler on the scheduler's thread, at any point of
  /// the body.
  void glance(atom& name, term& label) const noexcept;
  /// As a term: see <erl/process_info.hpp>.
  term describe();
  /// Ends all relations, telling everybody `reason`. The body is gone already.
  void break_relations(const term& reason);

  // What the scheduler needs.
  process_block* run_next = nullptr;
  state run_state = state::waiting;
  bool traps_exit = false;
  erl::priority priority = erl::priority::normal;
  mailbox_limit limit;
  /// From how many waiting messages on `deliver` takes a closer look.
  std::uint32_t attention = mailbox_limit::none;
  bool mailbox_is_long = false; ///< the one who watches mailboxes has been told
  bool senders_wait = false;    ///< there are blocked senders
  bool traced = false;          ///< it may have a trace token, or messages with one
  bool must_wait = false;       ///< it has filled a mailbox, and waits for room after its slice
  bool never_waits = false;     ///< for room: it goes on, however much waits
  /// Set: it has sent more to this scheduler than that one could take, and waits until it has.
  static constexpr std::uint32_t nowhere = 0xffffffff;
  std::uint32_t congested = nowhere;
  /// Set: the process ends, with this reason, before it runs again.
  std::optional<term> pending_exit;
  /// What is left of the slice; sends may take it below 0.
  int budget = reductions_a_slice;
  /// Those of the slices before this one.
  std::uint64_t reductions = 0;
  std::uint64_t used_reductions() const {
    return reductions + static_cast<std::uint64_t>(reductions_a_slice - budget);
  }
  mailbox inbox;
  owned_body what;
  const pid parent_pid;

  // What a coroutine body waits for: nothing but its turn, a message, or a blocking call.
  enum class awaited : std::uint8_t { turn, message, job };
  awaited awaits = awaited::turn;
  receive_pattern pattern;
  duration receive_limit = infinity;
  message received;
  std::coroutine_handle<> resume_at;
  bool timed_out = false;
  class receive_timer final : public timer {
  public:
    explicit receive_timer(process_block& p) : process_(&p) {}

  private:
    void expired() override;
    process_block* process_;
  };
  std::unique_ptr<receive_timer> timeout;

private:
  trace_state& make_traced();
  void receive_traced(signal&& s);
  /// Of what is being delivered.
  token_with_message arriving_token() {
    return traced ? take_arriving_token() : token_with_message();
  }
  token_with_message take_arriving_token();
  /// What comes from no process, and leaves the trace token of its receiver as it is.
  void notify_aside(term body, bool urgent = false);
  void crowded(message m, bool from_afar);
  void drop(message m);
  /// A message that comes in.
  void take_in(message m);
  void tell_of_room();
  void somebody_waits();
  void enqueue(term&& body, bool kept, bool urgent = false);
  /// Ends the process before it runs again. False: it is ending already.
  bool terminate(term reason);
  void react_to_exit(const pid& from, const term& reason, bool from_link, bool urgent = false);
  void monitored_process_down(const signal& s);
  void spawn_answered(const signal& s);
  using held_monitor = small_map<reference, outgoing_monitor>::entry;
  /// Removes a monitor that this process holds, with the alias that is bound to it. Returns both.
  held_monitor forget_monitor(const held_monitor* found);
  /// The same, and tells the other side.
  void end_monitor(const held_monitor* found);

  scheduler* owner_;
  pid self_;
  std::unique_ptr<process_extras> extras_;
};

} // namespace erl::runtime
