#include "census.hpp"

#include "runtime/census.hpp"
#include "runtime/process_block.hpp"
#include "runtime/system.hpp"

#include <future>
#include <memory>

namespace soak {

using erl::runtime::process_block;
using erl::runtime::scheduler;

std::string to_string(const holdings& h) {
  const auto counted = [](std::uint64_t count, const char* what) {
    return std::to_string(count) + what;
  };
  return counted(h.processes, " processes, ") + counted(h.names, " names, ") +
         counted(h.links, " links, ") + counted(h.monitors, " monitors, ") +
         counted(h.aliases, " aliases, ") + counted(h.node_watches, " node watches, ") +
         counted(h.spawn_requests, " spawn requests, ") + counted(h.messages, " messages, ") +
         counted(h.early, " early signals, ") + counted(h.stopped, " stopped senders, ") +
         counted(h.timers, " timers, ") + counted(h.relations, " relations with other nodes, ") +
         counted(h.watchers, " watchers of dead letters");
}

erl::runtime::system& system_of(erl::node& node) {
  std::promise<erl::runtime::system*> found;
  auto result = found.get_future();
  node.spawn(
      [](erl::process& self, std::promise<erl::runtime::system*>* to) -> erl::task<> {
        auto& block = static_cast<process_block&>(self);
        to->set_value(&block.owner().owner());
        co_return;
      },
      &found);
  return *result.get();
}

std::optional<holdings> take_census(erl::runtime::system& system) {
  holdings total = erl::runtime::shared_holdings(system);
  for (std::size_t i = 0; i < system.size(); ++i) {
    // Shared: it may be answered when nobody waits any more.
    auto answer = std::make_shared<std::promise<holdings>>();
    auto counted = answer->get_future();
    scheduler& s = system.at(i);
    s.post([&s, answer] { answer->set_value(erl::runtime::held_by(s)); });
    if (counted.wait_for(std::chrono::minutes(1)) != std::future_status::ready)
      return std::nullopt;
    total += counted.get();
  }
  return total;
}

} // namespace soak
