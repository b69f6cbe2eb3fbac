#include "commands.hpp"

#include <array>
#include <random>

namespace properties {

namespace {

struct frequency {
  operation what;
  const char* name;
  unsigned weight;
};

constexpr std::array frequencies{
    frequency{operation::spawn, "spawn", 8},
    frequency{operation::spawn_child, "spawn_child", 8},
    frequency{operation::send, "send", 40},
    frequency{operation::send_to_name, "send_to_name", 6},
    frequency{operation::send_to_alias, "send_to_alias", 8},
    frequency{operation::link, "link", 14},
    frequency{operation::unlink, "unlink", 12},
    frequency{operation::monitor, "monitor", 14},
    frequency{operation::monitor_alias, "monitor_alias", 6},
    frequency{operation::monitor_name, "monitor_name", 4},
    frequency{operation::demonitor, "demonitor", 4},
    frequency{operation::demonitor_flush, "demonitor_flush", 4},
    frequency{operation::alias, "alias", 3},
    frequency{operation::unalias, "unalias", 2},
    frequency{operation::exit, "exit", 3},
    frequency{operation::exit_other, "exit_other", 5},
    frequency{operation::kill, "kill", 2},
    frequency{operation::exit_normal, "exit_normal", 2},
    frequency{operation::trap, "trap", 4},
    frequency{operation::register_name, "register_name", 4},
    frequency{operation::unregister_name, "unregister_name", 2},
    frequency{operation::monitor_node, "monitor_node", 2},
    frequency{operation::start_timer, "start_timer", 2},
    frequency{operation::cancel_timer, "cancel_timer", 2},
    frequency{operation::cut, "cut", 2},
    frequency{operation::partition, "partition", 1},
    frequency{operation::heal, "heal", 3},
    frequency{operation::stall, "stall", 2},
    frequency{operation::delay, "delay", 2},
    frequency{operation::restart, "restart", 1},
    frequency{operation::pass_time, "pass_time", 3},
};

} // namespace

std::vector<command> generate(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(~seed); // another stream than the world's
  unsigned total = 0;
  for (const frequency& each : frequencies)
    total += each.weight;
  std::vector<command> result(count);
  for (command& c : result) {
    auto place = static_cast<unsigned>(random() % total);
    const frequency* chosen = frequencies.data();
    for (; place >= chosen->weight; ++chosen)
      place -= chosen->weight;
    const std::uint64_t bits = random();
    c = {.what = chosen->what,
         .who = static_cast<std::uint32_t>(bits & 0xffff),
         .other = static_cast<std::uint32_t>(bits >> 16 & 0xffff),
         // Often none, so that much is under way at the same time.
         .steps = (bits >> 32 & 1) != 0 ? 0 : static_cast<std::uint32_t>(bits >> 33 & 15)};
  }
  return result;
}

std::string to_string(const command& c) {
  const char* name = "?";
  for (const frequency& each : frequencies)
    if (each.what == c.what)
      name = each.name;
  return std::string(name) + " " + std::to_string(c.who) + " " + std::to_string(c.other) +
         ", then " + std::to_string(c.steps) + " steps";
}

} // namespace properties
