#include "scenes.hpp"

#include <erl/etf/print.hpp>

namespace soak {

task<> repeat(process& self, stage* all, std::uint64_t seed, scene what, unsigned scheduler) {
  dice d(seed);
  const setting at{self, *all, d, std::string(what.name) + " " + std::to_string(scheduler)};
  self.trap_exit(true);
  while (!all->over()) {
    co_await what.play(at);
    all->rounds.add();
    auto left = co_await self.receive(duration::zero());
    at.expect(!left, "is left with a message");
    // So that those which are quick leave time for the others.
    auto pause = co_await self.receive(d.up_to(std::chrono::milliseconds(2)));
    at.expect(!pause, "got a late message");
  }
}

} // namespace soak
