/// Simulation: whole nodes, and clusters of them, on one thread and in virtual time, for tests.
///
///     erl::sim::check({.from = 1, .to = 1000}, [](erl::sim::world& world) {
///       auto& a = world.add_node("a@sim");
///       auto& b = world.add_node("b@sim");
///       a.spawn(server);
///       erl::sim::probe test(b);
///       test.send({"server", "a@sim"}, question{test.self()});
///       test.expect<answer>();
///     });
///
/// Processes are the same as on a real node, and so is everything below them but the sockets and
/// the clock. A seed decides which of the legal orders things happen in, and the same seed gives
/// the same run. Time passes only when nothing else can happen, so a test of an hour takes no time,
/// and no test depends on how fast the machine is.
///
/// Everything here belongs to one thread. Processes must not ask the outside world (clocks, random
/// numbers, other threads), or a run cannot be repeated.
#pragma once

#include <erl/connection_limits.hpp>
#include <erl/duration.hpp>
#include <erl/holdings.hpp>
#include <erl/process.hpp>
#include <erl/runtime_options.hpp>
#include <erl/served_function.hpp>
#include <erl/supervisor.hpp>

#include <concepts>
#include <cstdint>
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace erl {
class served_functions;
}
namespace erl::runtime {
class system;
}

namespace erl::sim {

class world;

/// An expectation that did not hold.
class failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// How a node is simulated.
struct node_options {
  /// 0: 1 to 3, as the seed says.
  unsigned schedulers = 0;
  /// Part of `global` and `pg` of the other visible nodes.
  bool visible = false;
  global_options global{};
  duration tick_time = std::chrono::seconds(60);
  erl::auto_connect auto_connect = erl::auto_connect::always;
  connection_limits limits{};
};

/// A node of a world, which owns it.
class node {
public:
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  atom name() const;

  /// Starts a process that nobody has started, on a scheduler that the seed picks.
  template <class Function, class... Arguments>
    requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
  pid spawn(Function function, Arguments... arguments) {
    return spawn_body(make_body(std::move(function), std::move(arguments)...));
  }
  pid spawn_body(owned_body what);
  /// Starts a supervisor, and runs the world until all its children have started. Throws `failure`
  /// when they do not.
  pid start(supervisor top);

  /// Lets other nodes start processes here, as `erl::node::serve`.
  template <servable Function>
  void serve(atom module, atom name, unsigned arity, Function function) {
    add_served(module, name, arity, detail::make_served(std::move(function)));
  }

  /// Puts a message into the world, from nobody.
  void inject(const destination& to, term message);
  template <class T>
    requires(!std::derived_from<T, term_ref>)
  void inject(const destination& to, const T& message) {
    inject(to, to_term(message));
  }
  /// Ends a process of this node, as `exit/2` from nobody does.
  void exit(const pid& who, const term& reason);

  bool is_alive(const pid& who) const;
  std::optional<pid> whereis(atom name) const;
  std::optional<pid> global_whereis(term_ref name) const;
  /// How many processes there are, the node's own included.
  std::uint64_t processes() const;
  /// The nodes it is connected to.
  std::vector<std::string> connected() const;
  /// What this node and its processes still hold: for a test's end, to find what has leaked.
  holdings held() const;

  /// The program is gone: its processes end without a word, and its connections break.
  void crash();
  /// The machine is gone: its connections go silent, and others find out by ticks.
  void power_off();
  /// The node begins a new life, empty, with another creation. Crashes first if it runs.
  void restart();
  bool running() const;

  struct impl;

private:
  void add_served(atom module, atom name, unsigned arity, owned<detail::served_function> function);
  friend world;
  friend class probe;
  friend runtime::system& system_of(const node&);
  friend served_functions& served_by(const node&);
  explicit node(impl* state) noexcept : impl_(state) {}
  ~node() = default;
  impl* impl_;
};

/// Nodes, the network between them, and time.
class world {
public:
  explicit world(std::uint64_t seed = 1);
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world();

  /// Adds a node that runs. `name` is a full name; it must be new. The reference stays valid.
  node& add_node(std::string_view name, const node_options& options = {});

  /// One thing happens. False: nothing can, before time passes.
  bool step();
  /// Runs until nothing can happen before time passes. Throws `failure` if that takes more than ten
  /// million steps.
  void settle();
  /// Lets time pass, and everything happen that is due until then.
  void run_for(duration time);
  /// Runs until `condition()` holds, for `limit` at most. Returns whether it does.
  template <std::predicate Condition> bool run_until(Condition condition, duration limit) {
    return run_until([](void* context) -> bool { return (*static_cast<Condition*>(context))(); },
                     &condition, limit);
  }

  // The network. All of it holds for connections to come, too.

  /// Bytes take this long, both ways.
  void delay(const node& one, const node& other, duration time);
  /// Nothing gets through from one node to another, and nobody is told; when that ends, what was
  /// sent arrives.
  void stall(const node& from, const node& to, bool on);
  /// The same both ways: a network split.
  void partition(const node& one, const node& other, bool on);
  /// The connections between two nodes break, and both sides notice.
  void cut(const node& one, const node& other);

  std::uint64_t seed() const;
  /// The time since the world began.
  duration elapsed() const;
  /// A random number for the test's own choices, from the seed.
  std::uint64_t random();
  /// A number that two runs share only if the same things happened in both in the same order.
  std::uint64_t trace() const;

  struct impl;

private:
  friend class probe;
  bool run_until(bool (*condition)(void*), void* context, duration limit);
  impl* impl_;
};

/// A process that a test plays. Gets every message, traps exits, and waits for the test to look.
class probe {
public:
  explicit probe(node& home);
  probe(const probe&) = delete;
  probe& operator=(const probe&) = delete;
  /// The process ends.
  ~probe();

  pid self() const;
  void send(const destination& to, term message);
  template <class T>
    requires(!std::derived_from<T, term_ref>)
  void send(const destination& to, const T& message) {
    send(to, to_term(message));
  }
  /// Does something as this process: `test.act([&](erl::process& self) { self.monitor(server); })`.
  template <class Action> void act(Action action) { action(begin_act()); }

  /// The next message must be a `T`, and come within `limit` of virtual time. Those that are
  /// allowed may come before it. Throws `failure`.
  template <class T> T expect(duration limit = std::chrono::seconds(5)) {
    const term found = next(limit);
    auto value = decode<T>(found);
    if (!value)
      fail("expected another message than", found, value.error().message());
    return std::move(*value);
  }
  /// The next message that is not allowed, whatever it is.
  term next(duration limit = std::chrono::seconds(5));
  /// No message may come for this long, but those that are allowed.
  void expect_nothing(duration time);
  /// From now on messages that are a `T` are passed over.
  template <class T> void allow() {
    rules_.push_back({[](term_ref m) { return matches<T>(m); }, true});
  }
  /// From now on a message that is a `T` is a failure when it is met. The latest rule that fits
  /// counts.
  template <class T> void disallow() {
    rules_.push_back({[](term_ref m) { return matches<T>(m); }, false});
  }

private:
  struct rule {
    bool (*fits)(term_ref);
    bool allowed;
  };
  struct state;

  process& begin_act();
  /// The oldest message that is there and not allowed.
  std::optional<term> take();
  [[noreturn]] static void fail(std::string_view what, const term& message, std::string_view why);

  node& home_;
  state* state_;
  std::vector<rule> rules_;
};

/// Seeds, `to` included.
struct seed_range {
  std::uint64_t from = 1;
  std::uint64_t to = 100;
};

/// Runs `test(world)` in a new world for each seed, every hundredth one twice to see that it can be
/// repeated. What the first failing one throws comes out, after a line on standard error that says
/// how to run that seed alone: with ERLPP_SEED=N in the environment. ERLPP_SEEDS=A..B replaces the
/// range.
template <class Test>
  requires std::invocable<Test&, world&>
void check(const seed_range& seeds, Test test) {
  check(seeds, [](void* context, world& fresh) { (*static_cast<Test*>(context))(fresh); }, &test);
}
void check(const seed_range& seeds, void (*test)(void*, world&), void* context);

} // namespace erl::sim
