/// What a simulated world and its nodes consist of, for this layer and for tests that look inside.
#pragma once

#include "base/memory_driver.hpp"
#include "node/peers.hpp"
#include "runtime/system.hpp"
#include <erl/sim.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace erl::sim {

/// A running node's schedulers, for tests that look inside.
runtime::system& system_of(const node& n);
/// What other nodes may start there, also with bodies of one's own.
served_functions& served_by(const node& n);

struct node::impl {
  impl(world::impl& owner, std::string full_name, const node_options& chosen);

  ~impl();
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  void start();
  void crash();
  runtime::scheduler& any_scheduler();
  runtime::system& running() const;

  world::impl& in;
  const std::string name;
  const std::string host; ///< an address of its own, so that wires are between nodes
  const atom node;
  node_options options;
  std::uint32_t creation = 0;
  sim::node* const handle; ///< what users have
  // While it runs.
  std::vector<memory_driver*> drivers; ///< of the schedulers
  std::unique_ptr<runtime::system> system;
  served_functions served;
  std::unique_ptr<peers> others;
  std::unique_ptr<listener> listening;
};

struct world::impl {
  explicit impl(std::uint64_t from);

  bool step();
  void settle();
  bool run_until(bool (*condition)(void*), void* context, duration limit);
  template <std::predicate Condition> bool run_until(Condition condition, duration limit) {
    return run_until([](void* context) -> bool { return (*static_cast<Condition*>(context))(); },
                     &condition, limit);
  }
  /// The next moment at which something can happen, time_point::max() if none.
  time_point next_event();
  void note(std::uint64_t what) { trace = (trace ^ what) * 0x100000001b3U; }
  static constexpr std::uint16_t port = 1; ///< where every node listens
  known_peer address_of(const node::impl& n) const { return {n.name, n.host, port}; }

  const std::uint64_t seed;
  memory_network network;
  const time_point begun;
  std::uint64_t trace = 0xcbf29ce484222325U;
  std::vector<std::unique_ptr<node::impl>> nodes;
  std::vector<runtime::scheduler*> busy; ///< of the step under way

  /// The nodes' own processes and connections are destroyed before the network.
  ~impl();
};

} // namespace erl::sim
