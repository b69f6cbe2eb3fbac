/// Two processes have the same global name: who keeps it?
#pragma once

#include "otp/global_table.hpp"
#include <erl/process.hpp>

#include <vector>

namespace erl {

/// What comes of a comparison with the names of another node.
struct name_changes {
  std::vector<term> here;  ///< `{insert, {Name, Pid, Method}}`, `{delete, Name}`
  std::vector<term> there; ///< what the other node has to do beside that
};

struct name_conflict {
  term name;
  pid his;
  term his_method;
  pid ours;
  term our_method;
};

/// Compares `names` of another node, `[{Name, Pid, Method}]`, with those of `table`. New ones
/// become `changes`; those that two processes have come back if it is for us to decide.
std::vector<name_conflict> find_conflicts(const global_table& table, term_ref names, bool we_decide,
                                          name_changes& changes);

/// The body of a process that decides all of `conflicts` by the methods that the processes here
/// were registered with, and then tells `server` as a cast
/// `{exchange_ops, Node, Tag, Here, There}`.
owned_body make_global_resolver(const pid& server, atom node, term tag,
                                std::vector<name_conflict> conflicts, name_changes changes);

/// That cast.
term exchange_ops(atom node, const term& tag, const name_changes& changes);

} // namespace erl
