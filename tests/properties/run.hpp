/// One run of the property test: commands given to puppets of a simulated cluster, and what must
/// hold meanwhile and afterwards.
#pragma once

#include "commands.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace properties {

/// What must hold.
enum class invariant : std::uint8_t {
  none,          ///< something else has gone wrong
  link_symmetry, ///< I1: once all is quiet, a link is there on both sides or on none
  one_end,       ///< I2: a monitor ends with one DOWN or a demonitor; a process with one EXIT
  link_end,      ///< I2: who is linked to a process hears of its end
  quiet_unlink,  ///< I3: no EXIT after unlink has returned
  order,         ///< I4: each pair's messages arrive in order, without gaps
  nothing_after, ///< I5: all messages of a pair before the DOWN or EXIT, and none after
  true_reasons,  ///< I6: the reasons are those that the ends had
  nothing_left,  ///< I7: when all have ended, nothing is left of them
  goes_on,       ///< once all is quiet, nobody waits for room or for an answer
  reproducible,  ///< I10: the same seed, the same run
};

const char* name_of(invariant which);

struct violation : std::runtime_error {
  violation(invariant what, const std::string& text)
      : std::runtime_error(std::string(name_of(what)) + ": " + text), which(what) {}
  invariant which;
};

/// What has come up in runs.
struct tally {
  std::uint64_t messages = 0;
  std::uint64_t large_messages = 0; ///< of another node
  std::uint64_t ends_heard = 0;
  std::uint64_t connections_lost = 0; ///< of one to which somebody had a relation
  std::uint64_t suspended = 0;        ///< senders that had to wait
  std::uint64_t nosuspend = 0;        ///< messages that were not sent for it
  std::uint64_t spawned_there = 0;    ///< processes that another node has started
  std::uint64_t not_spawned = 0;      ///< requests that were answered with an error
};

/// A kind of run, and a fault that is planted in it: the run tampers with the node, so that this
/// invariant does not hold.
struct kind {
  form size = form::small;
  invariant planted = invariant::none;
};

/// Runs the commands in the world of a seed. Throws `violation`. Returns the run's trace.
std::uint64_t run(std::uint64_t seed, const std::vector<command>& commands, const kind& what,
                  tally& counted);

} // namespace properties
