/// What must hold when a run is over.
#include "judge.hpp"
#include "runtime/process_block.hpp"
#include "sim/world.hpp"
#include <erl/etf/print.hpp>

#include <string>

namespace properties {

using namespace std::chrono_literals;
using erl::runtime::process_block;

namespace {

/// A link of one that lives is known to the other one too.
void check_links(scene& all) {
  const auto link_to = [](const puppet& who, const erl::pid& other) {
    auto* x = who.block->extras_if_any();
    return x == nullptr ? nullptr : x->links.find(other);
  };
  for (const auto& one : all.puppets) {
    if (!one->lives())
      continue;
    if (auto* x = one->block->extras_if_any())
      for (const auto& [other, link] : x->links) {
        if (link.unlinking != 0)
          violated(invariant::link_symmetry, "an unlink was never acknowledged");
        const int number = all.number_of(other);
        if (number < 0 || all.at(number).ended || link_to(all.at(number), one->self) == nullptr)
          violated(invariant::link_symmetry,
                   text(*one) + " is linked to " + erl::to_string(erl::term(other)) + ", puppet " +
                       std::to_string(number) + ", which does not know of it");
      }
    for (const int number : one->linked) {
      const puppet& other = all.at(number);
      const bool nothing_said =
          other.ended_normally && (one->block == nullptr || !one->block->traps_exit);
      if (other.ended && !nothing_said)
        violated(invariant::link_end,
                 text(*one) + " was linked to " + text(other) + " and never heard of its end");
    }
  }
}

void check_watches(scene& all) {
  for (const auto& who : all.puppets) {
    if (!who->lives())
      continue;
    auto* x = who->block->extras_if_any();
    for (const auto& [ref, w] : who->watches) {
      const bool active = x != nullptr && x->monitoring.find(ref) != nullptr;
      if (active == (w.ended || w.stopped))
        violated(invariant::one_end, text(*who) + (active ? " still has a monitor that has ended"
                                                          : " has lost a monitor without a DOWN"));
      if (active && w.target >= 0 && all.at(w.target).ended)
        violated(invariant::one_end,
                 text(*who) + " never heard of the end of puppet " + std::to_string(w.target));
    }
    if (x == nullptr)
      continue;
    for (const auto& [ref, monitor] : x->monitored_by) {
      const int watcher = all.number_of(monitor.watcher);
      if (watcher < 0 || all.at(watcher).ended ||
          all.at(watcher).block->extras().monitoring.find(ref) == nullptr)
        violated(invariant::one_end,
                 text(*who) + " is still watched by puppet " + std::to_string(watcher));
    }
  }
}

/// Nobody waits for what has come, or cannot come any more.
void check_all_go_on(const scene& all) {
  for (const auto& who : all.puppets) {
    if (!who->lives())
      continue;
    if (who->block == nullptr || who->block->must_wait || !who->orders.empty() ||
        !who->block->inbox.empty() || who->block->run_state != process_block::state::waiting)
      violated(invariant::goes_on, text(*who) + " stands still");
    for (const auto& [ref, asked] : who->requests)
      if (!asked.answered)
        violated(invariant::goes_on, text(*who) + " has got no answer to a spawn request");
  }
}

} // namespace

void judge_quiet(scene& all) {
  for (const home& one : all.nodes)
    for (const home& other : all.nodes)
      if (one.node != other.node)
        all.world.partition(*one.node, *other.node, false);
  all.world.run_for(30s); // all ticks, timers and attempts to connect are over
  all.world.settle();
  if (all.first)
    throw violation(*all.first);
  check_all_go_on(all);
  for (const auto& p : all.puppets)
    if (p->lives())
      for (const auto& [from, talk] : p->from)
        all_have_arrived(all, *p, from, invariant::order);
  check_links(all);
  check_watches(all);
}

void judge_end(scene& all) {
  for (const auto& p : all.puppets)
    if (p->lives())
      all.node_of(*p).node->exit(p->self, kill);
  all.world.run_for(30s);
  for (const home& each : all.nodes)
    if (const auto kept = each.node->held().for_peers; kept != 0)
      violated(invariant::nothing_left, std::to_string(kept) + " things are kept for a connection");
  for (const home& one : all.nodes)
    for (const home& other : all.nodes)
      all.world.cut(*one.node, *other.node);
  all.world.settle();
  for (const home& each : all.nodes) {
    auto& system = erl::sim::system_of(*each.node);
    if (all.planted == invariant::nothing_left)
      system.at(0).each_process([&](process_block& p) {
        p.extras().aliases.try_emplace(system.at(0).make_reference(), {});
      });
    const erl::holdings held = each.node->held();
    const auto none = [&](const char* what, std::uint64_t count) {
      if (count != 0)
        violated(invariant::nothing_left, std::to_string(count) + " " + what + " left on " +
                                              erl::to_string(each.node->name()));
    };
    none("processes", held.processes - 3); // net_kernel, rex and user stay
    none("names", held.names - 3);
    none("links", held.links);
    none("monitors", held.monitors);
    none("aliases", held.aliases);
    none("watches of nodes", held.node_watches);
    none("spawn requests", held.spawn_requests);
    none("messages", held.messages);
    none("early signals", held.early);
    none("stopped senders", held.stopped);
    none("timers", held.timers);
    none("relations with other nodes", held.relations);
  }
}

} // namespace properties
