/// Supervisors: processes that start others, and start them again when they end.
///
///     erl::supervisor{erl::one_for_one, {.intensity = 3, .period = 5s},
///                     erl::child<calculator>("calc", {.restart = erl::permanent})}
///
/// Children start in the order given, each when the one before has finished its start, and stop in
/// reverse order. All run on their supervisor's scheduler. A child that ends is restarted as its
/// `restart` says; when that happens more than `intensity` times within `period`, the supervisor
/// stops all children and itself, with reason `shutdown`. Erlang's `supervisor:which_children/1`
/// and `count_children/1` work on it.
#pragma once

#include <erl/gen_server.hpp>
#include <erl/process.hpp>

#include <concepts>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace erl {

/// Which children are restarted together with one that has ended.
enum class supervision : std::uint8_t { one_for_one };
inline constexpr supervision one_for_one = supervision::one_for_one;

/// When a child is restarted: always, after an abnormal end (anything but `normal`, `shutdown` and
/// `{shutdown, _}`), or never.
enum class restart_type : std::uint8_t { permanent, transient, temporary };
inline constexpr restart_type permanent = restart_type::permanent;
inline constexpr restart_type transient = restart_type::transient;
inline constexpr restart_type temporary = restart_type::temporary;

struct child_options {
  restart_type restart = permanent;
  /// How long the child may take to stop when it is told to; then it is killed. Zero: killed at
  /// once.
  duration shutdown = std::chrono::seconds(5);
};

/// At most `intensity` restarts within `period`.
struct restart_limits {
  std::uint32_t intensity = 1;
  duration period = std::chrono::seconds(5);
};

/// Makes a child's body, each time it starts. Shared by the copies of a specification, on any
/// thread.
class child_maker {
public:
  virtual ~child_maker() = default;
  virtual owned_body make(const start_notice& notice) const = 0;

private:
  friend class shared_maker;
  std::uint32_t owners_ = 1; // counted atomically, in supervisor.cpp: <atomic> costs a tenth of a
                             // small program's compile time
};

/// Shares a child_maker.
class shared_maker {
public:
  explicit shared_maker(child_maker* what) noexcept : what_(what) {}
  shared_maker(const shared_maker& other) noexcept;
  shared_maker& operator=(shared_maker other) noexcept {
    std::swap(what_, other.what_);
    return *this;
  }
  ~shared_maker();
  const child_maker* operator->() const noexcept { return what_; }

private:
  child_maker* what_;
};

/// One child of a supervisor. `child(...)` makes them.
struct child_spec {
  atom id;
  child_options options;
  bool is_supervisor = false;
  /// False: the child has started as soon as its process exists; nothing tells when it is ready.
  bool notifies = true;
  shared_maker maker;
};

/// What a supervisor is to do; give it to `node::start`, or as a child to another supervisor.
class supervisor {
public:
  template <class... Children>
    requires(std::same_as<Children, child_spec> && ...)
  explicit supervisor(supervision strategy, restart_limits limits, Children... children)
      : supervisor(strategy, limits) {
    (add(std::move(children)), ...);
  }
  supervisor(supervision strategy, restart_limits limits);
  supervisor(const supervisor& other);
  supervisor(supervisor&& other) noexcept;
  supervisor& operator=(supervisor other) noexcept;
  ~supervisor();

  /// Adds a child, to be started after those before it.
  void add(child_spec child);

  supervision strategy() const noexcept { return strategy_; }
  const restart_limits& limits() const noexcept { return limits_; }
  const std::vector<child_spec>& children() const noexcept { return children_; }

private:
  supervision strategy_;
  restart_limits limits_;
  std::vector<child_spec> children_;
};

namespace detail {

template <class Server, class... Arguments> class server_maker final : public child_maker {
public:
  server_maker(atom name, Arguments... arguments)
      : name_(name), arguments_(std::move(arguments)...) {}
  owned_body make(const start_notice& notice) const override {
    auto* server =
        std::apply([](const Arguments&... each) { return new Server{each...}; }, arguments_);
    server->set_start({.name = name_}, notice);
    return owned_body(server);
  }

private:
  atom name_;
  std::tuple<Arguments...> arguments_;
};

template <class Function> class function_maker final : public child_maker {
public:
  explicit function_maker(Function function) : function_(std::move(function)) {}
  owned_body make(const start_notice&) const override { return make_body(function_); }

private:
  Function function_;
};

/// The body of a process that supervises.
owned_body make_supervisor(supervisor what, atom name, const start_notice& notice);

class supervisor_maker final : public child_maker {
public:
  supervisor_maker(atom name, supervisor what) : name_(name), what_(std::move(what)) {}
  owned_body make(const start_notice& notice) const override {
    return make_supervisor(what_, name_, notice);
  }

private:
  atom name_;
  supervisor what_;
};

} // namespace detail

/// A server as a child, registered under `name`. It is constructed from `arguments` at each start.
template <class Server, class... Arguments>
child_spec child(atom name, child_options options = {}, Arguments... arguments) {
  return {
      name, options, false, true,
      shared_maker(new detail::server_maker<Server, Arguments...>(name, std::move(arguments)...))};
}

/// A coroutine `task<>(process&)` as a child.
template <class Function>
  requires std::same_as<std::invoke_result_t<Function&, process&>, task<>>
child_spec child(atom id, child_options options, Function function) {
  return {id, options, false, false,
          shared_maker(new detail::function_maker<Function>(std::move(function)))};
}

/// A supervisor as a child, registered under `name`. It may take as long as it needs to stop its
/// own children.
inline child_spec child(atom name, supervisor what) {
  return {name,
          {.shutdown = infinity},
          true,
          true,
          shared_maker(new detail::supervisor_maker(name, std::move(what)))};
}

} // namespace erl
