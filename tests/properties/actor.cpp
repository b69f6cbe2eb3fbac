#include "actor.hpp"

#include "puppet_body.hpp"

#include <array>
#include <utility>

namespace properties {

using namespace std::chrono_literals;
using erl::atom;
using erl::process;

namespace {

/// In small runs. Few, so that they have much to do with each other.
constexpr std::size_t most_alive = 6;
constexpr std::size_t most_puppets = 40;
constexpr std::array<const char*, 3> names{"alpha", "beta", "gamma"};

/// In large runs: how far apart those are that have to do with each other.
constexpr std::size_t neighbours = 16;

} // namespace

actor::actor(scene& all) : all_(all) {
  for (const home& each : all_.nodes)
    serve_puppets(all_, *each.node);
  if (all_.is_large())
    for (int node = 0; node < static_cast<int>(all_.nodes.size()); ++node)
      fill(node);
  else
    for (int i = 0; i < 4; ++i)
      spawn(static_cast<int>(all_.world.random() % all_.nodes.size()));
}

// Puppets.

bool actor::has_room(int node) const {
  if (!all_.is_large())
    return all_.puppets.size() < most_puppets && all_.alive.size() < most_alive;
  for (auto i = static_cast<std::size_t>(node); i < all_.places.size(); i += all_.nodes.size())
    if (all_.places[i] < 0)
      return true;
  return false;
}

puppet& actor::add(int node) {
  puppet& p = all_.add(node);
  // Or one end would be that of nearly all.
  if (all_.is_large() && p.number % 8 != 0)
    p.orders.emplace_back([&p](process& self) { trap(p, true, self); });
  return p;
}

void actor::spawn(int node) {
  if (!has_room(node))
    return;
  puppet& p = add(node);
  all_.enters(p);
  all_.begins(p, all_.node_of(p).node->spawn_body(make_puppet_body(all_, p)));
}

void actor::fill(int node) {
  while (has_room(node))
    spawn(node);
}

/// Mostly one that lives.
puppet& actor::picked(std::uint32_t number) {
  const std::size_t dead = all_.puppets.size() - all_.alive.size();
  if (all_.alive.empty() || (number % 8 == 0 && dead != 0))
    return *all_.puppets[number / 8 % all_.puppets.size()];
  return all_.at(all_.alive[number / 8 % all_.alive.size()]);
}

void actor::order(puppet& who, order_to what) {
  using state = erl::runtime::process_block::state;
  if (!who.lives())
    return;
  who.orders.push_back(std::move(what));
  if (who.block == nullptr || who.block->run_state != state::waiting)
    return;
  if (all_.planted == invariant::goes_on && ++wakes_ % 64 == 0)
    who.block->run_state = state::blocked;
  else
    who.block->owner().make_runnable(*who.block);
}

// Commands.

void actor::perform(const command& c) {
  if (!act_on_nodes(c)) {
    if (all_.is_large())
      act_in_crowd(c);
    else
      act(c, picked(c.who), picked(c.other));
  }
  for (std::uint32_t i = 0; i < c.steps; ++i)
    if (!all_.world.step())
      break;
  if (all_.first)
    throw violation(*all_.first);
}

void actor::act_in_crowd(const command& c) {
  const std::size_t count = all_.places.size();
  // Many large messages go the same way, or there would never be too many.
  const bool one_way = c.what == operation::send_large;
  const std::size_t away =
      1 + (one_way ? c.other / 8 % neighbours / 2 * 2 : c.other / 8 % neighbours);
  for (std::uint32_t i = 0; i < c.crowd; ++i) {
    const std::size_t place = c.who + (one_way ? i * 2 : i);
    const int who = all_.places[place % count];
    int other = all_.places[(place + away) % count];
    if (c.other % 8 == 0) // often one that has ended
      other = static_cast<int>((c.other / 8 + i) % all_.puppets.size());
    if (who < 0 || other < 0 || !all_.at(other).begun)
      continue;
    command its = c;
    its.other += i;
    act(its, all_.at(who), all_.at(other));
  }
}

void actor::act(const command& c, puppet& who, puppet& other) {
  const atom name{std::string_view(names[c.other % names.size()])};
  switch (c.what) {
  case operation::spawn_child:
    return order(who, [this, &who, c](process& self) { spawn_child(who, c.other, self); });
  case operation::spawn_there:
    return order(who, [this, &who, c](process& self) { spawn_there(who, c.other, self); });
  case operation::send:
    return order(who,
                 [this, &who, &other](process& self) { send(who, other, other.self, {}, self); });
  case operation::send_nosuspend:
    return order(who, [this, &who, &other](process& self) {
      send(who, other, other.self, {.suspend = false}, self);
    });
  case operation::send_large:
    return order(who, [this, &who, &other, c](process& self) {
      constexpr std::uint32_t least = 70'000; // more than one fragment
      send(who, other, other.self, {.size = least + c.other * 7919 % (most_carried - least)}, self);
    });
  case operation::send_to_name:
    return order(
        who, [this, &who, &other, name](process& self) { send_to_name(who, other, name, self); });
  case operation::send_to_alias:
    return order(who, [this, &who, &other, c](process& self) {
      if (!other.alias_order.empty())
        send(who, other, other.alias_order[c.steps % other.alias_order.size()],
             {.may_vanish = true}, self);
    });
  case operation::link:
    if (&who != &other)
      order(who, [this, &who, &other](process& self) { link(who, other, self); });
    return;
  case operation::unlink:
    if (&who != &other)
      order(who, [this, &who, &other](process& self) { unlink(who, other, self); });
    return;
  case operation::monitor:
    return order(who, [this, &who, &other](process& self) {
      monitor(who, other, erl::alias_mode::none, self);
    });
  case operation::monitor_alias:
    return order(who, [this, &who, &other, c](process& self) {
      monitor(who, other, static_cast<erl::alias_mode>(1 + c.steps % 3), self);
    });
  case operation::monitor_name:
    return order(
        who, [this, &who, &other, name](process& self) { monitor_name(who, other, name, self); });
  case operation::demonitor:
  case operation::demonitor_flush:
    return order(who, [this, &who, c](process& self) {
      demonitor(who, c.other, c.what == operation::demonitor_flush, self);
    });
  case operation::alias:
    return order(who, [&who, c](process& self) {
      const auto mode =
          c.other % 2 == 0 ? erl::alias_mode::explicit_unalias : erl::alias_mode::reply_demonitor;
      add_alias(who, self.alias(mode), mode);
    });
  case operation::unalias:
    return order(who, [&who, c](process& self) { unalias(who, c.other, self); });
  case operation::exit:
    return order(who, [number = ++all_.reasons](process& self) {
      self.exit(erl::to_term(unique_reason{number}));
    });
  case operation::exit_other:
    return order(who, [this, &who, &other, number = ++all_.reasons](process& self) {
      all_.exit_signals.emplace(number, std::pair(who.number, other.number));
      self.exit(other.self, erl::to_term(unique_reason{number}));
    });
  case operation::kill:
    if (&who != &other)
      order(who, [&other](process& self) { self.exit(other.self, kill); });
    return;
  case operation::exit_normal:
    if (c.steps % 2 == 0)
      order(who, [&who](process& self) {
        who.ended_normally = true;
        self.exit(normal);
      });
    else if (&who != &other)
      order(who, [&who, &other](process& self) {
        ++other.normal_exits_sent_by[who.number];
        self.exit(other.self, normal);
      });
    return;
  case operation::trap:
    return order(who, [&who, on = c.other % 2 == 0](process& self) { trap(who, on, self); });
  case operation::register_name:
    return order(who, [name](process& self) { self.register_name(name); });
  case operation::unregister_name:
    return order(who, [name](process& self) { self.unregister_name(name); });
  case operation::monitor_node:
    return order(who, [this, &other](process& self) {
      if (self.node() != all_.name_of_node(other))
        self.monitor_node(all_.name_of_node(other));
    });
  case operation::start_timer:
    return order(who, [this, &who, c](process& self) { start_timer(who, c.other % 3000, self); });
  case operation::cancel_timer:
    return order(who, [&who](process& self) { cancel_timer(who, self); });
  default:
    return;
  }
}

/// False: it is for puppets.
bool actor::act_on_nodes(const command& c) {
  const std::size_t count = all_.nodes.size();
  home& one = all_.nodes[c.who % count];
  home& other = all_.nodes[(all_.is_large() ? c.who + 1 : c.other) % count];
  switch (c.what) {
  case operation::spawn:
    if (all_.is_large())
      fill(static_cast<int>(c.other % count));
    else
      spawn(static_cast<int>(c.other % count));
    return true;
  case operation::restart:
    one.node->restart();
    ++one.life;
    if (all_.is_large())
      fill(static_cast<int>(c.who % count));
    return true;
  case operation::pass_time:
    all_.world.run_for(std::chrono::milliseconds(c.other % 2500));
    return true;
  case operation::cut:
    if (one.node != other.node)
      all_.world.cut(*one.node, *other.node);
    return true;
  case operation::partition:
  case operation::heal:
    if (one.node != other.node)
      all_.world.partition(*one.node, *other.node, c.what == operation::partition);
    return true;
  case operation::stall:
    if (one.node != other.node)
      all_.world.stall(*one.node, *other.node, true);
    return true;
  case operation::delay:
    if (one.node != other.node)
      all_.world.delay(*one.node, *other.node, std::chrono::milliseconds(c.steps % 16));
    return true;
  default:
    return false;
  }
}

} // namespace properties
