/// A node: this program's processes, and its membership in an Erlang cluster.
#pragma once

#include <erl/connection_info.hpp>
#include <erl/connection_limits.hpp>
#include <erl/duration.hpp>
#include <erl/process.hpp>
#include <erl/runtime_options.hpp>
#include <erl/served_function.hpp>
#include <erl/supervisor.hpp>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace erl {

/// Where a node can be found without asking a port mapper.
struct known_peer {
  std::string name;    ///< full name, `b@10.0.0.2`
  std::string address; ///< numeric
  std::uint16_t port = 0;
};

/// How a node is set up. Every default is safe: local, hidden, no cookie on a command line.
struct node_options {
  /// `name@host`; without `@host` the machine's host name is added. Empty: no distribution at all,
  /// supervision and actors only.
  /// `undefined@host`: another node chooses the name, see `named_by`.
  std::string name{};
  /// With `undefined@host`: the node that names this one, as OTP does for `erl -sname undefined`.
  /// `start` connects to it. This node then does not listen and is hidden. The name goes with that
  /// connection: when it ends, so do all others, and nothing connects any more. A new node gets a
  /// new name.
  std::string named_by{};
  /// Listed by `nodes()` of its peers, and part of global and pg there. Otherwise hidden.
  bool visible = false;
  /// The shared secret. Empty: from the environment variable ERLPP_COOKIE, else from
  /// `~/.erlang.cookie`, which is made if there is none.
  std::string cookie{};
  /// How many schedulers (threads) run processes; 0: one for each core.
  unsigned schedulers = 0;
  /// Where to listen: a numeric address. Anything but loopback needs `insecure_tcp`, since plain
  /// TCP is open to anyone on the path.
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 0; ///< 0: any free one
  bool insecure_tcp = false;
  /// Register with the port mapper (EPMD), and look peers up there. One is embedded when none runs.
  /// The port: ERL_EPMD_PORT, else 4369.
  bool epmd = true;
  /// Peers that are not looked up.
  std::vector<known_peer> known_peers{};
  /// Whether sending to a node connects to it. Where it does not, it is as if there were no way.
  erl::auto_connect auto_connect = erl::auto_connect::always;
  /// How a visible node takes part in `global`.
  global_options global{};
  /// Whether processes of other nodes may monitor this node's. Where they may not, as with
  /// `erl_interface`, a call from OTP is one message instead of three signals, and the caller of a
  /// server that ends hears of it only if the whole node ends.
  bool monitored = true;
  /// A peer that is silent for this long (give or take a quarter) is given up: OTP's net_ticktime.
  duration tick_time = std::chrono::seconds(60);
  /// What one peer may cost.
  connection_limits limits{};
  /// Threads for blocking calls, beside the schedulers' own.
  pool_limits pools{};
  /// Who finds processes that hold their schedulers.
  watchdog_options watchdog{};
};

/// What can keep a node from starting or connecting.
enum class node_errc : std::uint8_t {
  bad_name,      ///< not a node name
  no_cookie,     ///< no cookie could be found or made
  unsafe_cookie, ///< the cookie file can be read by others, or is not this user's
  unsafe_listen, ///< plain TCP beyond this machine without `insecure_tcp`
  cannot_listen, ///< the address or port cannot be listened on
  name_taken,    ///< another node has this name
  epmd_failed,   ///< the port mapper cannot be reached, or answers nonsense
  bad_options,   ///< an option is out of range
  start_failed,  ///< a supervisor's start failed
  not_connected, ///< the peer could not be reached, or refused
  not_running,   ///< the node has been stopped; a node runs once
};

/// A failure of a node, with cause and cure in words.
struct node_error {
  node_errc code;
  std::string message;
};

/// A node. Its functions may be called from any thread outside the node's own processes.
class node {
public:
  explicit node(node_options options = {});
  node(const node&) = delete;
  node& operator=(const node&) = delete;
  /// Stops.
  ~node();

  /// Starts the node. Done by the other functions if need be. Idempotent.
  std::expected<void, node_error> start();
  /// Starts a supervisor, and with it its children; returns when all have started. A failure is
  /// also what `run` reports.
  std::expected<pid, node_error> start(supervisor top);
  /// Waits for SIGTERM or SIGINT, then stops everything. Returns 0 then, and 1 if a start failed or
  /// a supervisor gave up; made for `main`.
  int run();
  /// Runs `main(process&)`, a coroutine `task<>`, as a process, then stops everything. Returns 0 if
  /// it ended normally.
  template <class Function>
    requires std::same_as<std::invoke_result_t<Function&, process&>, task<>>
  int run(Function main) {
    return run_body(make_body(std::move(main)));
  }
  /// Stops: supervisors and their children in reverse order of their start, then everything else.
  /// Idempotent.
  void stop();

  /// Starts a process that nobody supervises, on scheduler 0. Throws std::logic_error unless the
  /// node runs.
  template <class Function, class... Arguments>
    requires std::same_as<std::invoke_result_t<Function&, process&, Arguments&...>, task<>>
  pid spawn(Function function, Arguments... arguments) {
    return spawn_body(make_body(std::move(function), std::move(arguments)...), 0);
  }
  /// Starts a process on one of the schedulers, counted from 0. Throws std::out_of_range if there
  /// is none of this number.
  pid spawn_body(owned_body what, unsigned scheduler);

  /// From now on other nodes may start processes here that run `function`, known to them as
  /// `module:name` with `arity` arguments: `spawn(Node, Module, Name, [Argument])`. It is called as
  /// `function(process&, term& arguments)` with the list of its arguments, which it must check, and
  /// is a `task<term>`. Each process gets a copy of it, on any scheduler. What no function is
  /// served for ends with `undef`, as in OTP.
  template <servable Function>
  void serve(atom module, atom name, unsigned arity, Function function) {
    add_served(module, name, arity, detail::make_served(std::move(function)));
  }

  /// Sends from outside, without a sender; nothing happens unless the node runs.
  void send(const destination& to, term message);

  /// Connects to another node and waits for the outcome, 20 s at the very most. Sending connects
  /// too; this tells how it went.
  std::expected<void, node_error> connect(std::string_view peer);
  /// The nodes that are connected: all, or those of one kind.
  std::vector<std::string> connected(node_kind which = node_kind::all) const;
  /// What passes over each of the connections. Like `connected`, it asks scheduler 0 and waits for
  /// the answer; none unless the node runs.
  std::vector<connection_info> connections() const;
  /// How often connections have come up, been refused, failed and been lost, and why. Zeros unless
  /// the node runs.
  connection_history past_connections() const;

  /// Who has this name in the whole cluster: see `process::global_whereis`. Nobody unless the node
  /// runs.
  std::optional<pid> global_whereis(term_ref name) const;
  template <class T>
    requires(!std::convertible_to<const T&, term_ref>)
  std::optional<pid> global_whereis(const T& name) const {
    return global_whereis(term_ref(to_term(name)));
  }

  /// This node's full name; `nonode@nohost` without distribution.
  std::string_view name() const;
  /// Where it listens; 0 without distribution.
  std::uint16_t port() const;
  unsigned schedulers() const;
  /// How often processes have held their schedulers for `watchdog_options::long_slice`; 0 unless
  /// the node runs.
  std::uint64_t long_slices() const;

private:
  int run_body(owned_body what);
  void add_served(atom module, atom name, unsigned arity, owned<detail::served_function> function);
  struct impl;
  impl* impl_;
};

} // namespace erl
