/// Judges what puppets receive while a run goes on.
#pragma once

#include "scene.hpp"

namespace properties {

/// Throw `violation`.
void judge(scene& all, puppet& who, const erl::term& received);
void judge(scene& all, puppet& who, const numbered& received);

/// Once all is quiet: links, monitors, and that everybody has what it waits for.
void judge_quiet(scene& all);
/// Ends all processes and connections, and looks for what is left.
void judge_end(scene& all);

/// All messages of `from` to `to` that cannot be lost have come.
void all_have_arrived(scene& all, puppet& to, int from, invariant which);

} // namespace properties
