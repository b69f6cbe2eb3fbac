#include "run.hpp"

#include "actor.hpp"
#include "judge.hpp"
#include "scene.hpp"

#include <array>

namespace properties {

const char* name_of(invariant which) {
  constexpr std::array names{"unexpected",   "link_symmetry", "one_end",       "link_end",
                             "quiet_unlink", "order",         "nothing_after", "true_reasons",
                             "nothing_left", "goes_on",       "reproducible"};
  return names.at(static_cast<std::size_t>(which));
}

std::uint64_t run(std::uint64_t seed, const std::vector<command>& commands, const kind& what,
                  tally& counted) {
  static std::uint64_t runs = 0; // what the fault against reproducible is made of
  scene all(seed, what, counted);
  actor puppets(all);
  if (what.planted == invariant::reproducible && ++runs % 2 == 0)
    all.world.random();
  for (const command& c : commands)
    puppets.perform(c);
  judge_quiet(all);
  judge_end(all);
  return all.world.trace();
}

} // namespace properties
