/// What a run of the property test does: a list of commands, made from a seed.
///
/// Operands are plain numbers that are taken modulo what there is, so a command means something
/// whatever was left out before it: that is how failing runs are made shorter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace properties {

/// How large a run is.
enum class form : std::uint8_t {
  small, ///< one to three nodes of a few processes, which have much to do with each other
  large, ///< two nodes of 200 processes each, of which many do the same at the same time
};

enum class operation : std::uint8_t {
  spawn,
  spawn_child,
  spawn_there,
  send,
  send_nosuspend,
  send_large,
  send_to_name,
  send_to_alias,
  link,
  unlink,
  monitor,
  monitor_alias,
  monitor_name,
  demonitor,
  demonitor_flush,
  alias,
  unalias,
  exit,
  exit_other,
  kill,
  exit_normal,
  trap,
  register_name,
  unregister_name,
  monitor_node,
  start_timer,
  cancel_timer,
  cut,
  partition,
  heal,
  stall,
  delay,
  restart,
  pass_time,
};

struct command {
  operation what = operation::spawn;
  std::uint32_t who = 0;   ///< the puppet that does it
  std::uint32_t other = 0; ///< the puppet, name, node or monitor it is done to
  std::uint32_t steps = 0; ///< how many steps of the world follow
  std::uint32_t crowd = 1; ///< so many puppets do it, each to another one
};

std::vector<command> generate(std::uint64_t seed, std::size_t count, form size);
std::string to_string(const command& c);

} // namespace properties
