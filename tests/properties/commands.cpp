#include "commands.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace properties {

namespace {

struct frequency {
  operation what;
  const char* name;
  unsigned small;          ///< how often in small runs
  unsigned large;          ///< and in large ones
  std::uint32_t crowd = 1; ///< how many do it together there at most
};

constexpr std::array frequencies{
    frequency{operation::spawn, "spawn", 8, 8},
    frequency{operation::spawn_child, "spawn_child", 8, 16, 16},
    frequency{operation::spawn_there, "spawn_there", 0, 16, 16},
    frequency{operation::send, "send", 40, 80, 64},
    frequency{operation::send_nosuspend, "send_nosuspend", 0, 12, 64},
    frequency{operation::send_large, "send_large", 0, 6, 8},
    frequency{operation::send_to_name, "send_to_name", 6, 16, 64},
    frequency{operation::send_to_alias, "send_to_alias", 8, 16, 64},
    frequency{operation::link, "link", 14, 28, 64},
    frequency{operation::unlink, "unlink", 12, 24, 64},
    frequency{operation::monitor, "monitor", 14, 28, 64},
    frequency{operation::monitor_alias, "monitor_alias", 6, 12, 64},
    frequency{operation::monitor_name, "monitor_name", 4, 12, 64},
    frequency{operation::demonitor, "demonitor", 4, 8, 64},
    frequency{operation::demonitor_flush, "demonitor_flush", 4, 8, 64},
    frequency{operation::alias, "alias", 3, 6, 64},
    frequency{operation::unalias, "unalias", 2, 4, 64},
    frequency{operation::exit, "exit", 3, 6, 16},
    frequency{operation::exit_other, "exit_other", 5, 10, 16},
    frequency{operation::kill, "kill", 2, 4, 16},
    frequency{operation::exit_normal, "exit_normal", 2, 4, 16},
    frequency{operation::trap, "trap", 4, 4, 4},
    frequency{operation::register_name, "register_name", 4, 12, 4},
    frequency{operation::unregister_name, "unregister_name", 2, 4, 4},
    frequency{operation::monitor_node, "monitor_node", 2, 4, 16},
    frequency{operation::start_timer, "start_timer", 2, 4, 64},
    frequency{operation::cancel_timer, "cancel_timer", 2, 4, 64},
    frequency{operation::cut, "cut", 2, 2},
    frequency{operation::partition, "partition", 1, 1},
    frequency{operation::heal, "heal", 3, 5},
    frequency{operation::stall, "stall", 2, 4},
    frequency{operation::delay, "delay", 2, 2},
    frequency{operation::restart, "restart", 1, 1},
    frequency{operation::pass_time, "pass_time", 3, 3},
};

constexpr std::array<std::uint32_t, 6> crowds{1, 1, 4, 4, 16, 64};

} // namespace

std::vector<command> generate(std::uint64_t seed, std::size_t count, form size) {
  const auto weight = [size](const frequency& each) {
    return size == form::small ? each.small : each.large;
  };
  std::mt19937_64 random(~seed); // another stream than the world's
  unsigned total = 0;
  for (const frequency& each : frequencies)
    total += weight(each);
  std::vector<command> result(count);
  for (command& c : result) {
    auto place = static_cast<unsigned>(random() % total);
    const frequency* chosen = frequencies.data();
    for (; place >= weight(*chosen); ++chosen)
      place -= weight(*chosen);
    const std::uint64_t bits = random();
    c = {.what = chosen->what,
         .who = static_cast<std::uint32_t>(bits & 0xffff),
         .other = static_cast<std::uint32_t>(bits >> 16 & 0xffff),
         // Often none, so that much is under way at the same time.
         .steps = (bits >> 32 & 1) != 0 ? 0 : static_cast<std::uint32_t>(bits >> 33 & 15)};
    if (size == form::large) {
      c.crowd = std::min(chosen->crowd, crowds.at((bits >> 40 & 0xff) % crowds.size()));
      c.steps *= 1 + c.crowd / 2;
    }
  }
  return result;
}

std::string to_string(const command& c) {
  const char* name = "?";
  for (const frequency& each : frequencies)
    if (each.what == c.what)
      name = each.name;
  return std::string(name) + " " + std::to_string(c.who) + " " + std::to_string(c.other) +
         (c.crowd == 1 ? "" : " by " + std::to_string(c.crowd)) + ", then " +
         std::to_string(c.steps) + " steps";
}

} // namespace properties
