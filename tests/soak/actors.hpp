/// Actors: a population that does anything to anybody, without a plan. Little can be said of what
/// must come of it, but for what each actor can judge by itself; the rest is for the sanitizers,
/// and for the count of what is left in the end.
#pragma once

#include "stage.hpp"

namespace soak {

/// Keeps a part of the population alive: `count` actors, from place `first` of the call board on.
/// Ends when all of them have ended, once the test is over.
task<> keep_actors(process& self, stage* all, std::uint64_t seed, std::size_t first,
                   std::size_t count);

} // namespace soak
