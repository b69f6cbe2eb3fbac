/// For tests: whole nodes against each other, on one thread, in virtual time and without sockets.
#pragma once

#include "base/memory_driver.hpp"
#include "node/peers.hpp"
#include <erl/gen_server.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace erl::test_only {

using namespace std::chrono_literals;

struct add {
  std::int64_t a, b;
  using erl_shape = tagged_shape<"add">;
};

struct adder : gen_server<adder> {
  using calls = messages<add, is<"stop">, is<"silence">>;
  std::int64_t handle_call(add q) { return q.a + q.b; }
  void handle_call(is<"stop">) { stop_server(term(atom("stopped"))); }
  void handle_call(is<"silence">, caller from) { kept.push_back(std::move(from)); }
  std::vector<caller> kept;
};

inline const std::vector<known_peer> everybody{
    {"a@sim", "10.0.0.1", 1}, {"b@sim", "10.0.0.2", 1}, {"c@sim", "10.0.0.3", 1}};

struct sim_node {
  sim_node(memory_network& network, const dist::link_options& options, std::uint32_t creation,
           std::optional<endpoint> where = {})
      : others(options, everybody, false, served),
        system({atom(std::string_view(options.name)), creation}, 2,
               [&] { return std::make_unique<memory_driver>(network); }) {
    others.bind(system);
    const auto at = std::find_if(everybody.begin(), everybody.end(),
                                 [&](const auto& k) { return k.name == options.name; });
    std::error_code error;
    listening =
        system.at(0).world().listen(where.value_or(endpoint{at->address, at->port}), others, error);
    REQUIRE_FALSE(error);
  }
  ~sim_node() {
    system.stop();
    listening.reset();
    others.shut_down();
  }
  static dist::link_options options(const std::string& name, const std::string& cookie = "cookie") {
    dist::link_options o;
    o.name = name;
    o.cookie = cookie;
    o.ticks.time = 4s;
    return o;
  }
  template <class Function> pid spawn(Function f, std::size_t scheduler = 0) {
    return system.at(scheduler).spawn(make_body(std::move(f)), pid{}).id();
  }
  void serve(std::size_t scheduler = 0) {
    auto* server = new adder;
    server->set_start({.name = "adder"}, {});
    system.at(scheduler).spawn(owned_body(server), pid{});
  }
  bool round() {
    bool busy = false;
    for (std::size_t i = 0; i < system.size(); ++i)
      busy = system.at(i).round() || busy;
    return busy;
  }

  served_functions served;
  peers others;
  runtime::system system;
  std::unique_ptr<listener> listening;
};

struct cluster {
  explicit cluster(std::uint64_t seed = 1) : network({.seed = seed, .random_splits = true}) {}
  sim_node& start(const std::string& name, std::uint32_t creation = 5,
                  const std::string& cookie = "cookie") {
    return start(sim_node::options(name, cookie), creation);
  }
  sim_node& start(const dist::link_options& options, std::uint32_t creation = 5) {
    nodes.push_back(std::make_unique<sim_node>(network, options, creation));
    return *nodes.back();
  }
  void stop(sim_node& n) {
    std::erase_if(nodes, [&](const auto& each) { return each.get() == &n; });
  }
  void pass(duration time) {
    const time_point end = network.now() + time;
    for (;;) {
      for (int idle = 0; idle < 3;) { // bytes on their way are not visible to a round
        bool busy = false;
        for (auto& n : nodes)
          busy = n->round() || busy;
        idle = busy ? 0 : idle + 1;
      }
      if (network.now() >= end)
        return;
      network.advance(10ms);
    }
  }
  memory_network network;
  std::vector<std::unique_ptr<sim_node>> nodes;
};

} // namespace erl::test_only
