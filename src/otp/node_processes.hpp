/// The processes that every node has, because others rely on them.
#pragma once

#include "runtime/system.hpp"
#include <erl/runtime_options.hpp>

namespace erl {

struct node_process_options {
  bool visible = false;
  global_options global;
  auto_connect connects = auto_connect::always;
};

/// Starts them on scheduler 0, by its thread or before it runs, before there is a connection: on
/// all nodes `net_kernel` and `rex`, on visible ones `global_name_server` and `pg`, which hidden
/// ones are not asked for.
void start_node_processes(runtime::system& system, const node_process_options& options);

} // namespace erl
