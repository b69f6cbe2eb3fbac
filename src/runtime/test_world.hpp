/// A node's schedulers on one thread and in virtual time, for tests.
#pragma once

#include "base/memory_driver.hpp"
#include "runtime/system.hpp"
#include <erl/process.hpp>

#include <memory>
#include <utility>

namespace erl::test {

class world {
public:
  explicit world(std::uint32_t schedulers = 1)
      : system({}, schedulers, [this] { return std::make_unique<memory_driver>(network); }) {}

  /// Starts a process from outside, on a scheduler.
  template <class Function, class... Arguments>
  pid spawn_on(std::size_t scheduler, Function function, Arguments... arguments) {
    auto& owner = system.at(scheduler);
    return owner.spawn(make_body(std::move(function), std::move(arguments)...), pid{}).id();
  }
  template <class Function, class... Arguments>
  pid spawn(Function function, Arguments... arguments) {
    return spawn_on(0, std::move(function), std::move(arguments)...);
  }
  /// Runs all schedulers in turn until nobody has anything to do. Time stands still.
  void settle() {
    for (bool busy = true; busy;) {
      busy = false;
      for (std::size_t i = 0; i < system.size(); ++i)
        busy = system.at(i).round() || busy;
    }
  }
  /// Lets time pass, and settles.
  void pass(duration time) {
    settle();
    network.advance(time);
    settle();
  }
  bool alive(const pid& who) { return system.owner_of(who).find(who) != nullptr; }

  memory_network network;
  runtime::system system;
};

} // namespace erl::test
