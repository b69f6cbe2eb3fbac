#include "otp/node_processes.hpp"

#include "otp/global.hpp"
#include "otp/net_kernel.hpp"
#include "otp/pg.hpp"
#include "otp/rex.hpp"
#include "otp/user.hpp"
#include "runtime/process_block.hpp"
#include <erl/etf/atoms.hpp>

#include <utility>

namespace erl {

void start_node_processes(runtime::system& system, const node_process_options& options) {
  runtime::scheduler& home = system.at(0);
  // Their names from the beginning: a peer's first message may come before their bodies run.
  system.set_group_leader(home.spawn(make_user(), pid{}, {.name = atoms::user}).id());
  home.spawn(make_net_kernel(), pid{}, {.name = atoms::net_kernel});
  home.spawn(make_rex(), pid{}, {.name = atoms::rex});
  if (!options.visible)
    return;
  const global_settings global{.options = options.global,
                               .connects = options.connects == auto_connect::always,
                               .creation = system.self().creation};
  // They watch from the beginning, whatever comes first: their body or a connection.
  const auto start = [&](owned_body what, atom name) {
    const pid process = home.spawn(std::move(what), pid{}, {.name = name}).id();
    system.nodes().watch(process, node_kind::visible);
  };
  start(make_global_name_server(system.names_everywhere(), global), atoms::global_name_server);
  start(make_pg(), atoms::pg);
}

} // namespace erl
