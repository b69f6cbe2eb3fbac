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
  reproducible,  ///< I10: the same seed, the same run
};

const char* name_of(invariant which);

struct violation : std::runtime_error {
  violation(invariant what, const std::string& text)
      : std::runtime_error(std::string(name_of(what)) + ": " + text), which(what) {}
  invariant which;
};

/// Runs the commands in the world of a seed. Throws `violation`. With a fault planted the run
/// tampers with the node, so that this invariant does not hold. Returns the run's trace.
std::uint64_t run(std::uint64_t seed, const std::vector<command>& commands,
                  invariant planted = invariant::none);

} // namespace properties
