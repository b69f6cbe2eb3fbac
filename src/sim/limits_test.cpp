/// What one peer may cost, between nodes.
#include <erl/sim.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace erl;
using namespace std::chrono_literals;

namespace {

task<> wait(process& self) {
  const auto m = co_await self.receive();
  static_cast<void>(m);
}

/// How many of a peer's monitors are made before its connection goes.
int monitors_made(const connection_limits& limits, int processes) {
  sim::world world;
  sim::node& here = world.add_node("here@sim", {.schedulers = 1, .limits = limits});
  sim::node& there = world.add_node("there@sim");
  std::vector<pid> all;
  for (int i = 0; i < processes; ++i)
    all.push_back(here.spawn(wait));
  sim::probe watcher(there);
  for (int made = 1;; ++made) {
    REQUIRE(made < 1000);
    watcher.act(
        [&](process& self) { self.monitor(all[static_cast<std::size_t>(made % processes)]); });
    world.run_for(1s);
    if (there.connected().empty())
      return made;
  }
}

} // namespace

TEST_CASE("a peer that makes too many monitors loses its connection") {
  CHECK(monitors_made({.relations = 20}, 10) == 21);
  CHECK(monitors_made({.relations_of_process = 20}, 1) == 21);
}
