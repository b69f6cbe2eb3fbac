#include "runtime/census.hpp"

#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"

namespace erl {

holdings& holdings::operator+=(const holdings& more) {
  processes += more.processes;
  names += more.names;
  links += more.links;
  monitors += more.monitors;
  aliases += more.aliases;
  node_watches += more.node_watches;
  spawn_requests += more.spawn_requests;
  messages += more.messages;
  early += more.early;
  stopped += more.stopped;
  timers += more.timers;
  relations += more.relations;
  for_peers += more.for_peers;
  watchers += more.watchers;
  return *this;
}

namespace runtime {

holdings held_by(const scheduler& s) {
  holdings result{.spawn_requests = s.ended_askers(),
                  .early = s.early(),
                  .timers = s.timers().size(),
                  .relations = s.relations()};
  s.each_process([&](process_block& p) {
    ++result.processes;
    result.messages += p.inbox.size();
    if (const auto* x = p.extras_if_any()) {
      result.links += x->links.size();
      result.monitors += x->monitoring.size() + x->monitored_by.size();
      result.aliases += x->aliases.size();
      result.node_watches += x->watched_nodes.size();
      result.spawn_requests += x->spawn_requests.size();
      result.stopped += x->blocked_senders.size();
    }
  });
  return result;
}

holdings shared_holdings(system& node) {
  return {.names = node.names().size(), .watchers = node.dead_letter_watchers().size()};
}

} // namespace runtime
} // namespace erl
