/// Processes: private state, a mailbox, links and monitors, exactly as Erlang has them.
///
/// A process is owned by one scheduler and touched by that scheduler's thread only. Its body holds
/// a `process&`, which is valid as long as the body runs; everybody else holds a `pid`, which may
/// go stale and never dangles.
#pragma once

#include <erl/destination.hpp>
#include <erl/duration.hpp>
#include <erl/etf/detail/blocks.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/term.hpp>
#include <erl/message.hpp>
#include <erl/owned.hpp>
#include <erl/task.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace erl {

class process;

/// No time limit.
inline constexpr duration infinity = duration::max();

/// Thrown to end the process with a reason; `process::exit` throws it. Let it pass.
struct exit_exception {
  term reason;
};

/// What a process runs: the scheduler calls `run` whenever there is something to do.
class body {
public:
  enum class outcome : std::uint8_t {
    waiting,  ///< for a message
    blocked,  ///< for something else than a message, which wakes the process itself
    yielded,  ///< to go on when it is its turn again
    finished, ///< the process ends
  };
  virtual ~body() = default;
  static void* operator new(std::size_t size) { return detail::take_block(size); }
  static void* operator new(std::size_t size, std::align_val_t alignment) {
    return ::operator new(size, alignment);
  }
  static void operator delete(void* what, std::size_t size) noexcept {
    detail::give_block(what, size);
  }
  static void operator delete(void* what, std::align_val_t alignment) noexcept {
    ::operator delete(what, alignment);
  }
  /// Runs until it has to wait, its budget is used up or it has finished. An exception becomes the
  /// exit reason.
  virtual outcome run(process& self) = 0;
};

using owned_body = owned<body>;

/// What becomes of a message that finds the mailbox full.
enum class full_mailbox : std::uint8_t {
  drop_newest, ///< the message is a dead letter
  drop_oldest, ///< the message that has waited longest is one
  kill,        ///< the receiver ends with the reason `mailbox_full`, and the message is one
  /// The message comes in, and its sender, if it is a process of this node, is stopped at its next
  /// `co_await` until half of the mailbox is free, or for five seconds: two processes that wait for
  /// each other would wait for ever. Who sends to an alias from another scheduler is not stopped.
  /// Messages of other nodes are dead letters, and so are those of senders that are not stopped or
  /// never wait, once twice as many and 20 000 for each scheduler are there.
  block_sender,
};

/// How many messages may wait for a process. `'EXIT'`, `'DOWN'`, `nodedown` and the replies to
/// calls count, but come in always.
struct mailbox_limit {
  static constexpr std::uint32_t none = 0xffffffff;
  std::uint32_t messages = none;
  full_mailbox when_full = full_mailbox::drop_newest;
};

/// Who runs first: while processes of high priority are runnable no others run on their scheduler;
/// those of low priority run as every eighth, or when nobody else is there to run.
enum class priority : std::uint8_t { low, normal, high };

/// In place of the number of a scheduler: that of the parent.
inline constexpr int same_scheduler = -1;
/// In place of the number of a scheduler: one after the other.
inline constexpr int any_scheduler = -2;

/// How a process starts.
struct spawn_options {
  bool link = false;
  bool monitor = false;
  mailbox_limit mailbox{};
  /// Which scheduler runs the process, from 0, or one of the words above.
  int scheduler = same_scheduler;
  /// Registered under this name before it first runs, unless empty.
  atom name{};
  erl::priority priority = erl::priority::normal;
};

/// How a process on another node starts.
struct remote_spawn_options {
  bool link = false;
  bool monitor = false;
};

/// A new process, and the monitor if one was asked for.
struct spawned {
  pid process;
  reference monitor;
};

/// How a monitor's reference doubles as an alias.
enum class alias_mode : std::uint8_t {
  none,             ///< it does not
  explicit_unalias, ///< until `unalias`
  demonitor,        ///< until the monitor ends
  reply_demonitor,  ///< until the first message to it, which also ends the monitor
};

/// Where a message comes into the mailbox: behind all others, or before all but earlier ones of
/// high priority. (EEP 76.) High priority takes both sides: the receiver allows it where it makes
/// an alias, a monitor or a link, and the sender of a message to such an alias asks for it. Between
/// nodes the priority is kept by OTP 28 and later, and by this library.
enum class message_priority : bool { normal, high };

/// What a send may do beside sending: the options of `erlang:send/3`.
struct send_options {
  /// Stop the sender, after its slice, when too much waits for the receiver's node or mailbox.
  bool suspend = true;
  /// Connect to the receiver's node.
  bool connect = true;
};

/// What became of a message that was to be sent without suspension or without connection.
enum class send_result : std::uint8_t {
  ok,
  nosuspend, ///< not sent: the sender would have to stop
  noconnect, ///< not sent: there is no connection
};

/// Other nodes: visible ones are those where both sides are visible.
enum class node_kind : std::uint8_t { none, visible, hidden, all };

/// A place in a mailbox: behind all messages that had come when it was made.
class receive_mark {
  friend process;
  std::uint64_t number_ = 0;
};

/// Waits for a message; a co_await on it gives the `message`. One word. Await it where it is made.
class [[nodiscard]] receive_awaiter {
public:
  explicit receive_awaiter(process& self) noexcept : self_(&self) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiting) noexcept;
  message await_resume();

private:
  process* self_;
};

/// Lets others run when this process has had its share. One word. Await it where it is made.
class [[nodiscard]] yield_awaiter {
public:
  explicit yield_awaiter(process& self) noexcept : self_(&self) {}
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> waiting) const noexcept;
  void await_resume() const noexcept {}

private:
  process* self_;
};

/// A process as its own body sees it.
class process {
public:
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  pid self() const noexcept;
  /// The node this process runs on; `nonode@nohost` when there is no distribution.
  atom node() const noexcept;

  /// Sends without waiting. To a dead or unknown receiver: nothing happens. To another node:
  /// connects if need be. While more than 1 MB waits for that node, its senders stop at their next
  /// `co_await`, or before the server's next message, until less than 256 KB do.
  void send(const destination& to, term message);
  template <class T>
    requires(!std::derived_from<T, term_ref>)
  void send(const destination& to, const T& message) {
    send(to, to_term(message));
  }
  /// The same, unless it would suspend or connect. Whether a full mailbox on this node would
  /// suspend is not told: the message goes there, and the sender goes on.
  send_result send(const destination& to, term message, const send_options& how);
  /// The same to an alias, in front of what waits there if its owner has allowed that.
  void send(const reference& alias, term message, message_priority urgency);

  /// Sends a C++ object. A process of this node gets it moved, see `message::object`; it is encoded
  /// only for another node, for an alias, or when somebody looks at it as a term.
  template <class T>
    requires(!std::derived_from<T, term_ref>)
  void send_object(const destination& to, T object) {
    send_native(to, owned<detail::native_object>(new detail::native_value<T>(std::move(object))));
  }

  /// The next message, the oldest first.
  receive_awaiter receive(duration timeout = infinity) {
    return wait_for(nullptr, nullptr, timeout);
  }
  /// The oldest message that `match(term_ref)` accepts; the others stay in the mailbox, in order.
  /// `match` is looked at until the wait is over, and must not throw.
  template <class Match>
    requires std::predicate<const Match&, term_ref>
  receive_awaiter receive(const Match& match, duration timeout = infinity) {
    return wait_for(
        [](const void* context, term_ref body) -> bool {
          return (*static_cast<const Match*>(context))(body);
        },
        &match, timeout);
  }
  /// The same among the messages behind `from`, without a look at those before it: for answers to
  /// what was asked after `from` had been made. Only the newest mark counts; with an older one all
  /// messages are looked at.
  template <class Match>
    requires std::predicate<const Match&, term_ref>
  receive_awaiter receive(const Match& match, duration timeout, receive_mark from) {
    auto result = receive(match, timeout);
    skip_to(from);
    return result;
  }
  receive_mark mark() noexcept;
  /// The oldest message that matches and is already here, or an empty one.
  template <class Match>
    requires std::predicate<const Match&, term_ref>
  message take(const Match& match, receive_mark from = {}) {
    return take_now(
        [](const void* context, term_ref body) -> bool {
          return (*static_cast<const Match*>(context))(body);
        },
        &match, from);
  }

  /// For loops that do not receive: lets other processes run if this one has used up its slice.
  /// Sending costs a reduction, like receiving and like this.
  yield_awaiter yield() noexcept { return yield_awaiter(*this); }

  /// Links to `other`: when one of the two ends, the other gets an exit signal.
  /// With high priority that comes before other messages, if this process traps exits.
  void link(const pid& other, message_priority of_exit = message_priority::normal);
  /// Removes the link. No exit signal from `other` arrives after this returns.
  void unlink(const pid& other);
  /// Watches `target`, a pid or a name; `down` arrives when it ends, at once if there is no such
  /// process. With an alias mode the reference can also be sent to. With high priority `down`, and
  /// what is sent to the alias so, comes before other messages.
  reference monitor(const destination& target, alias_mode mode = alias_mode::none,
                    message_priority of_down = message_priority::normal);
  /// Stops watching. With `flush`, a `down` that has already arrived is removed; it is looked for
  /// behind `since`. False: there was no such monitor.
  bool demonitor(const reference& monitor, bool flush = false, receive_mark since = {});
  /// Sends `nodedown` when the connection to `node` is lost; tries to connect if there is none.
  /// Each call counts.
  void monitor_node(atom node);
  /// Takes one `monitor_node` back.
  void demonitor_node(atom node);
  /// Ends the connection to `node`, if there is one. Both nodes then have lost each other.
  void disconnect_node(atom node);
  /// From now on this process gets `node_up` and `node_lost` for every node of this kind. With
  /// `none` no more.
  void monitor_nodes(node_kind which = node_kind::visible);

  /// A reference that can be sent to: until `unalias`, or with `reply_demonitor` until the first
  /// message to it.
  reference alias(alias_mode mode = alias_mode::explicit_unalias,
                  message_priority allowed = message_priority::normal);
  bool unalias(const reference& alias);

  /// With true, exit signals arrive as `exit_signal` messages instead of ending this process.
  /// Returns the old setting.
  bool trap_exit(bool on);
  /// Returns the old one.
  priority set_priority(priority p);
  /// Ends this process, by an exception that nothing should catch.
  [[noreturn]] void exit(const term& reason);
  /// Sends an exit signal, as `exit/2`.
  void exit(const pid& to, term reason);

  /// Starts a process that runs `function(process&, arguments...)`, a coroutine that returns
  /// `task<>`, on this process's scheduler; its body begins later. The function object and the
  /// arguments are moved into the process and live as long as it does.
  template <class Function, class... Arguments>
    requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
  pid spawn(Function function, Arguments... arguments);
  template <class Function, class... Arguments>
    requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
  pid spawn_link(Function function, Arguments... arguments);
  template <class Function, class... Arguments>
    requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
  spawned spawn_monitor(Function function, Arguments... arguments);
  /// Starts a process that runs `what`. Throws std::invalid_argument if the name is taken, and
  /// std::out_of_range if there is no such scheduler.
  spawned spawn_body(owned_body what, const spawn_options& options);

  /// Asks another node to start a process that runs `module:function` with a list of `arguments`.
  /// `spawn_reply` tells what became of it, with the reference that is returned, which is the
  /// monitor's as well if one is asked for.
  reference spawn_request(atom node, atom module, atom function, term arguments,
                          const remote_spawn_options& how = {});

  /// Gives `who` (a process of this node) a name. False: the name is taken, or the process has one
  /// already, or is not there. Of a process on another scheduler only the first can be told; if one
  /// of the others is so, the name is free again soon.
  bool register_name(atom name, const pid& who);
  bool register_name(atom name) { return register_name(name, self()); }
  /// Takes a name back, whichever process of this node has it. False: nobody has.
  bool unregister_name(atom name);
  std::optional<pid> whereis(atom name) const;
  /// Who has this name in the whole cluster, as Erlang's `global:whereis_name/1`: names are
  /// registered by other nodes, with `global:register_name/2`. Only visible nodes know; others
  /// find nobody.
  std::optional<pid> global_whereis(term_ref name) const;
  template <class T>
    requires(!std::convertible_to<const T&, term_ref>)
  std::optional<pid> global_whereis(const T& name) const {
    return global_whereis(term_ref(to_term(name)));
  }

  /// Sends `message` to `to` after `delay`, also when this process has ended by then. A name is
  /// looked up when the time has come. The reference cancels it.
  reference send_after(duration delay, const destination& to, term message);
  template <class T>
    requires(!std::derived_from<T, term_ref>)
  reference send_after(duration delay, const destination& to, const T& message) {
    return send_after(delay, to, to_term(message));
  }
  /// The same, sent as `timer_expired`.
  reference start_timer(duration delay, const destination& to, term message);
  /// Sends `message` after each `period`, which is positive, until it is cancelled or this process
  /// ends.
  reference send_interval(duration period, const destination& to, term message);
  /// How much time is left of a timer; nothing if it has fired or been cancelled. For timers of
  /// this process's scheduler, as `cancel_timer`.
  std::optional<duration> read_timer(const reference& timer) const;
  /// Stops a timer of this process's scheduler, whose message may be in the mailbox already.
  /// Returns how much time was left, or nothing if it has fired, was cancelled, or is another
  /// scheduler's.
  std::optional<duration> cancel_timer(const reference& timer);

  /// Bounds this process's mailbox from now on; what waits already stays.
  void limit_mailbox(const mailbox_limit& limit) noexcept;
  /// From now on this process, in place of any other, gets a `mailbox_alarm` when more than
  /// `long_at` messages wait for any process of this node, and another one when it has come down to
  /// `short_at`. Neither for its own mailbox. With 0 and 0 nobody does.
  void watch_mailboxes(std::uint32_t long_at, std::uint32_t short_at);
  /// With true, this process gets `dead_letter` for every message on this node whose receiver is
  /// not there, or has a full mailbox. Dead letters to those who watch make none.
  void watch_dead_letters(bool on);

  /// Gives this process a name for people: any term, shown by `info` and in reports.
  void set_label(term label);
  /// The process dictionary: terms under terms, shown by `info`. `put` and `erase` return what was
  /// there.
  std::optional<term> put(const term& key, term value);
  std::optional<term> get(const term& key) const;
  std::optional<term> erase(const term& key);

  /// The process that prints for this one, as Erlang's `group_leader/0`. It is inherited by what
  /// this process starts, here and elsewhere; of what another node has started here it is that
  /// node's. At first it is this node's `user`, which prints to the standard output.
  pid group_leader() const noexcept;
  /// Changes it, of this process or of any other, also on other nodes.
  void set_group_leader(const pid& leader);
  void set_group_leader(const pid& leader, const pid& of);

  /// A reference that is unique in this node's life.
  reference make_reference();
  /// The monotonic clock.
  time_point now() const;
  /// The pid of the process that started this one.
  pid parent() const noexcept;

protected:
  process() = default;
  ~process() = default;

private:
  using match_function = bool (*)(const void*, term_ref);
  void send_native(const destination& to, owned<detail::native_object> object);
  receive_awaiter wait_for(match_function match, const void* context, duration timeout);
  message take_now(match_function match, const void* context, receive_mark from);
  void skip_to(receive_mark from) noexcept;
};

namespace detail {

/// Runs a coroutine in slices: waits until what it awaits has come, and resumes it there.
class coroutine_runner {
public:
  void start(process& self, task<> what);
  /// Goes on as far as possible. An exception that the coroutine lets out comes out here.
  body::outcome step(process& self);
  bool active() const noexcept { return static_cast<bool>(task_.handle()); }

private:
  task<> task_;
};

class coroutine_body_base : public body {
public:
  outcome run(process& self) final;

private:
  virtual task<> start(process& self) = 0;
  coroutine_runner runner_;
};

/// The exit reason for the exception being handled: that of an exit_exception, else `{Class,
/// What}`, which is logged.
term exit_reason_of_exception(const process& self);

/// True while the process ends: its body is being destroyed.
bool is_ending(const process& self) noexcept;

/// For bodies that take one message after the other: the oldest message; empty when there is none,
/// or when this slice's budget is used up.
message next_message(process& self);
bool slice_is_over(const process& self) noexcept;

template <class Function, class... Arguments>
class coroutine_body final : public coroutine_body_base {
public:
  explicit coroutine_body(Function function, Arguments... arguments)
      : function_(std::move(function)), arguments_(std::move(arguments)...) {}

private:
  task<> start(process& self) override {
    return std::apply([&](Arguments&... each) { return function_(self, each...); }, arguments_);
  }
  [[no_unique_address]] Function function_;
  [[no_unique_address]] std::tuple<Arguments...> arguments_;
};

} // namespace detail

/// The body of a process that runs `function(process&, arguments...)`.
template <class Function, class... Arguments>
  requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
owned_body make_body(Function function, Arguments... arguments) {
  return owned_body(new detail::coroutine_body<Function, Arguments...>(std::move(function),
                                                                       std::move(arguments)...));
}

template <class Function, class... Arguments>
  requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
pid process::spawn(Function function, Arguments... arguments) {
  return spawn_body(make_body(std::move(function), std::move(arguments)...), {}).process;
}
template <class Function, class... Arguments>
  requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
pid process::spawn_link(Function function, Arguments... arguments) {
  return spawn_body(make_body(std::move(function), std::move(arguments)...), {.link = true})
      .process;
}
template <class Function, class... Arguments>
  requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
spawned process::spawn_monitor(Function function, Arguments... arguments) {
  return spawn_body(make_body(std::move(function), std::move(arguments)...), {.monitor = true});
}

} // namespace erl
