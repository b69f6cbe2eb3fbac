#include "run.hpp"

#include "puppet.hpp"
#include "sim/world.hpp"
#include <erl/etf/print.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>
#include <utility>

namespace properties {

using namespace std::chrono_literals;
using erl::atom;
using erl::pid;
using erl::process;
using erl::reference;
using erl::term;

const char* name_of(invariant which) {
  constexpr std::array names{"unexpected",   "link_symmetry", "one_end",       "link_end",
                             "quiet_unlink", "order",         "nothing_after", "true_reasons",
                             "nothing_left", "reproducible"};
  return names.at(static_cast<std::size_t>(which));
}

namespace {

/// A numbered message from one puppet to another.
struct numbered {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t number = 0;
  erl::reference alias; ///< by which it was sent
  using erl_shape = erl::tagged_shape<"m">;
};
/// An exit reason that is used once.
struct unique_reason {
  std::int64_t number = 0;
  using erl_shape = erl::tagged_shape<"r">;
};
struct timer_message {
  std::int64_t number = 0;
  using erl_shape = erl::tagged_shape<"t">;
};

const atom noproc("noproc");
const atom noconnection("noconnection");
const atom normal("normal");
const atom kill("kill");

/// Few, so that they have much to do with each other.
constexpr std::size_t most_alive = 6;
constexpr std::size_t most_puppets = 40;
constexpr std::array<const char*, 3> names{"alpha", "beta", "gamma"};

class test {
public:
  test(std::uint64_t seed, invariant planted) : planted_(planted), world_(seed) {
    const std::uint64_t count = 1 + world_.random() % 3;
    for (std::uint64_t i = 0; i < count; ++i)
      nodes_.push_back({&world_.add_node("n" + std::to_string(i) + "@sim", {.tick_time = 4s}), 1});
    for (int i = 0; i < 4; ++i)
      spawn(static_cast<int>(world_.random() % count));
    if (planted_ == invariant::reproducible && ++runs_ % 2 == 0)
      world_.random();
  }

  void perform(const command& c);
  void finish();
  std::uint64_t trace() const { return world_.trace(); }

private:
  class puppet_body;
  struct home {
    erl::sim::node* node;
    std::uint32_t life;
  };

  // Doing.
  void spawn(int node);
  puppet& add(int node);
  /// Mostly one that lives.
  puppet& at(std::uint32_t number) {
    const std::size_t dead = puppets_.size() - alive_.size();
    if (alive_.empty() || (number % 8 == 0 && dead != 0))
      return *puppets_[number / 8 % puppets_.size()];
    return *puppets_[static_cast<std::size_t>(alive_[number / 8 % alive_.size()])];
  }
  home& node_at(std::uint32_t number) { return nodes_[number % nodes_.size()]; }
  void order(puppet& who, std::function<void(process&)> what);
  void send(puppet& from, puppet& to, const erl::destination& where, bool may_vanish,
            process& self);
  void spawn_child(puppet& parent, std::uint32_t how, process& self);
  void link(puppet& who, puppet& other, process& self);
  void unlink(puppet& who, puppet& other, process& self);
  void monitor(puppet& who, puppet& other, erl::alias_mode mode, process& self);
  /// What is in the mailbox already stays.
  static void close(const puppet& who, open_alias& alias) {
    if (!alias.closed)
      alias.closed = who.received + who.block->inbox.size();
  }
  static void add_alias(puppet& who, const reference& ref, erl::alias_mode mode);
  void demonitor(puppet& who, std::uint32_t which, bool flush, process& self);
  void cancel_timer(puppet& who, process& self);
  void on_nodes(const command& c);

  // Knowing.
  int number_of(const pid& who) const {
    const auto found = by_pid_.find(who);
    return found == by_pid_.end() ? -1 : found->second;
  }
  /// The life of the connection between two nodes, as the first one sees it.
  std::uint32_t epoch(int from, atom to) const {
    const auto& node = *nodes_[static_cast<std::size_t>(from)].node;
    return node.running() ? erl::sim::system_of(node).at(0).epoch_of(to) : 0;
  }
  atom name_of_node(const puppet& p) const {
    return nodes_[static_cast<std::size_t>(p.node)].node->name();
  }
  bool may_be_missing(const puppet& from, const sent_message& m, const puppet& to) const {
    return m.may_vanish || m.life != nodes_[static_cast<std::size_t>(from.node)].life ||
           m.epoch != epoch(from.node, name_of_node(to));
  }

  // Judging.
  void received(puppet& who, const term& m);
  void received_number(puppet& who, const numbered& m);
  static void received_by_alias(puppet& who, const reference& ref, open_alias& alias);
  void received_exit(puppet& who, const erl::exit_signal& m);
  void received_down(puppet& who, const term& body, const erl::down& m);
  void ended(puppet& who, int other, const term& reason);
  void all_have_arrived(puppet& to, int from, invariant which);
  void check_links();
  void check_watches();
  void check_nothing_left();
  [[noreturn]] static void violated(invariant which, const std::string& text) {
    throw violation(which, text);
  }
  static std::string text(const puppet& p) { return "puppet " + std::to_string(p.number); }

  invariant planted_;
  static inline std::uint64_t runs_ = 0; // what the fault against reproducible is made of
  std::vector<home> nodes_;
  std::vector<std::unique_ptr<puppet>> puppets_;
  std::vector<int> alive_;
  std::unordered_map<pid, int> by_pid_;
  std::map<std::int64_t, std::pair<int, int>> exit_signals_; ///< reason -> from, to
  std::int64_t reasons_ = 0;
  std::uint64_t timers_ = 0;
  std::optional<violation> first_; ///< found inside a puppet, where an exception would end it
  erl::sim::world world_;          // the last, so that its processes end before what they refer to
};

/// A puppet's process: carries out its orders and reports what it receives.
class test::puppet_body final : public erl::body {
public:
  puppet_body(test& owner, puppet& who) : owner_(owner), who_(who) {}
  puppet_body(const puppet_body&) = delete;
  puppet_body& operator=(const puppet_body&) = delete;
  ~puppet_body() override {
    who_.block = nullptr;
    who_.ended = true;
    std::erase(owner_.alive_, who_.number);
  }

  outcome run(process& self) override {
    who_.block = &static_cast<erl::runtime::process_block&>(self);
    while (!who_.orders.empty()) {
      const auto what = std::move(who_.orders.front());
      who_.orders.pop_front();
      judge([&] { what(self); });
      if (who_.block->pending_exit)
        return outcome::waiting;
    }
    while (const erl::message m = erl::detail::next_message(self)) {
      judge([&] {
        ++who_.received;
        if (const numbered* object = m.object<numbered>())
          owner_.received_number(who_, *object);
        else
          owner_.received(who_, m.body());
      });
    }
    return erl::detail::slice_is_over(self) ? outcome::yielded : outcome::waiting;
  }

private:
  /// Keeps what goes wrong, but for the exits of puppets: it would only end this one.
  template <class Action> void judge(Action action) {
    try {
      action();
    } catch (const violation& v) {
      if (!owner_.first_)
        owner_.first_ = v;
    } catch (const std::exception& unexpected) {
      if (!owner_.first_)
        owner_.first_ = violation(invariant::none, unexpected.what());
    }
  }

  test& owner_;
  puppet& who_;
};

// Doing.

puppet& test::add(int node) {
  puppets_.push_back(std::make_unique<puppet>());
  puppet& p = *puppets_.back();
  p.number = static_cast<int>(puppets_.size() - 1);
  p.node = node;
  p.life = nodes_[static_cast<std::size_t>(node)].life;
  alive_.push_back(p.number);
  return p;
}

void test::spawn(int node) {
  if (puppets_.size() >= most_puppets || alive_.size() >= most_alive)
    return;
  puppet& p = add(node);
  p.self = nodes_[static_cast<std::size_t>(node)].node->spawn_body(
      erl::owned_body(new puppet_body(*this, p)));
  by_pid_.emplace(p.self, p.number);
}

void test::spawn_child(puppet& parent, std::uint32_t how, process& self) {
  if (puppets_.size() >= most_puppets || alive_.size() >= most_alive)
    return;
  puppet& p = add(parent.node);
  const auto schedulers = parent.block->owner().owner().size();
  p.limited = how % 7 == 0;
  erl::mailbox_limit mailbox;
  if (p.limited)
    mailbox = {.messages = 3, .when_full = erl::full_mailbox::block_sender};
  const erl::spawned child = self.spawn_body(erl::owned_body(new puppet_body(*this, p)),
                                             {.link = (how & 1) != 0,
                                              .monitor = (how & 2) != 0,
                                              .mailbox = mailbox,
                                              .scheduler = static_cast<int>(how / 4 % schedulers)});
  p.self = child.process;
  by_pid_.emplace(p.self, p.number);
  if ((how & 1) != 0)
    parent.linked.insert(p.number);
  if ((how & 2) != 0) {
    parent.watches.emplace(child.monitor, watch{.target = p.number, .node = self.node()});
    parent.watch_order.push_back(child.monitor);
  }
  send(parent, p, p.self, false, self);
}

void test::order(puppet& who, std::function<void(process&)> what) {
  if (who.ended)
    return;
  who.orders.push_back(std::move(what));
  if (who.block != nullptr && who.block->run_state == erl::runtime::process_block::state::waiting)
    who.block->owner().make_runnable(*who.block);
}

void test::send(puppet& from, puppet& to, const erl::destination& where, bool may_vanish,
                process& self) {
  conversation& talk = to.from[from.number];
  const auto number = static_cast<std::int64_t>(talk.sent.size());
  may_vanish = may_vanish || (to.limited && from.node != to.node);
  talk.sent.push_back({.may_vanish = may_vanish,
                       .life = from.life,
                       .epoch = from.block->owner().epoch_of(name_of_node(to))});
  const reference alias =
      where.which() == erl::destination::kind::alias ? where.alias() : self.make_reference();
  if (planted_ == invariant::order && number % 4 == 2 && !may_vanish) {
    talk.sent.push_back(talk.sent.back());
    self.send(where, numbered{from.number, to.number, number + 1, alias});
  }
  const numbered m{from.number, to.number, number, alias};
  if (number % 3 == 0)
    self.send_object(where, m);
  else
    self.send(where, m);
}

void test::link(puppet& who, puppet& other, process& self) {
  who.silent.erase(other.number);
  other.silent.erase(who.number);
  self.link(other.self);
  who.asked.insert(other.number);
  if (!who.left_by.contains(other.number))
    who.linked.insert(other.number);
  if (planted_ == invariant::link_end && who.node == other.node && other.block != nullptr) {
    who.block->extras().links.erase(other.self);
    other.block->extras().links.erase(who.self);
  }
  if (planted_ == invariant::link_symmetry && !other.ended)
    who.block->extras().links.erase(other.self);
}

void test::unlink(puppet& who, puppet& other, process& self) {
  const auto* link = who.block->extras().links.find(other.self);
  const bool linked = link != nullptr && link->unlinking == 0;
  self.unlink(other.self);
  who.asked.erase(other.number);
  who.linked.erase(other.number);
  other.linked.erase(who.number);
  other.left_by.insert(who.number);
  if (!linked)
    return;
  // What is in the mailbox already stays.
  who.silent[other.number] = {.after = who.received + who.block->inbox.size(),
                              .epoch = who.block->owner().epoch_of(name_of_node(other))};
  if (planted_ == invariant::quiet_unlink)
    who.block->notify(erl::to_term(std::tuple(atom("EXIT"), other.self, atom("crossed"))));
}

void test::monitor(puppet& who, puppet& other, erl::alias_mode mode, process& self) {
  const atom node = name_of_node(other);
  const std::uint32_t before = who.block->owner().epoch_of(node);
  const reference ref = self.monitor(other.self, mode);
  if (&who == &other && mode == erl::alias_mode::none)
    return; // it watches nothing
  who.watches.emplace(ref, watch{.target = other.number, .node = node, .epoch = before});
  who.watch_order.push_back(ref);
  if (mode != erl::alias_mode::none)
    add_alias(who, ref, mode);
  if (planted_ == invariant::true_reasons && !other.ended)
    who.block->notify(
        erl::to_term(std::tuple(atom("DOWN"), ref, atom("process"), other.self, noproc)));
}

void test::add_alias(puppet& who, const reference& ref, erl::alias_mode mode) {
  who.aliases.emplace(ref, open_alias{.mode = mode});
  who.alias_order.push_back(ref);
}

void test::demonitor(puppet& who, std::uint32_t which, bool flush, process& self) {
  if (who.watch_order.empty())
    return;
  const reference ref = who.watch_order[which % who.watch_order.size()];
  const bool found = self.demonitor(ref, flush);
  watch& w = who.watches.at(ref);
  if (found && w.ended)
    violated(invariant::one_end, "demonitor found a monitor whose DOWN had come");
  w.stopped = w.stopped || found || flush;
  if (const auto alias = who.aliases.find(ref);
      found && alias != who.aliases.end() &&
      alias->second.mode != erl::alias_mode::explicit_unalias)
    close(who, alias->second);
}

void test::cancel_timer(puppet& who, process& self) {
  if (who.running_timers.empty())
    return;
  const auto [number, ref] = who.running_timers.back();
  who.running_timers.pop_back();
  if (self.cancel_timer(ref))
    who.timers[number] = true;
}

void test::perform(const command& c) {
  puppet& who = at(c.who);
  puppet& other = at(c.other);
  const atom name{std::string_view(names[c.other % names.size()])};
  switch (c.what) {
  case operation::spawn:
    if (node_at(c.other).node->running())
      spawn(static_cast<int>(c.other % nodes_.size()));
    break;
  case operation::spawn_child:
    order(who, [this, &who, c](process& self) { spawn_child(who, c.other, self); });
    break;
  case operation::send:
    order(who, [this, &who, &other](process& self) { send(who, other, other.self, false, self); });
    break;
  case operation::send_to_name:
    order(who, [this, &who, &other, name](process& self) {
      const atom node = name_of_node(other);
      // Whoever has the name there gets it; the numbers are those of that conversation.
      const auto& there = *nodes_[static_cast<std::size_t>(other.node)].node;
      const auto holder = there.running() ? there.whereis(name) : std::nullopt;
      if (const int number = holder ? number_of(*holder) : -1; number >= 0)
        send(who, *puppets_[static_cast<std::size_t>(number)], {name, node}, true, self);
    });
    break;
  case operation::send_to_alias:
    order(who, [this, &who, &other, c](process& self) {
      if (!other.alias_order.empty())
        send(who, other, other.alias_order[c.steps % other.alias_order.size()], true, self);
    });
    break;
  case operation::link:
    if (&who != &other)
      order(who, [this, &who, &other](process& self) { link(who, other, self); });
    break;
  case operation::unlink:
    if (&who != &other)
      order(who, [this, &who, &other](process& self) { unlink(who, other, self); });
    break;
  case operation::monitor:
    order(who, [this, &who, &other](process& self) {
      monitor(who, other, erl::alias_mode::none, self);
    });
    break;
  case operation::monitor_alias:
    order(who, [this, &who, &other, c](process& self) {
      monitor(who, other, static_cast<erl::alias_mode>(1 + c.steps % 3), self);
    });
    break;
  case operation::monitor_name:
    order(who, [this, &who, &other, name](process& self) {
      const atom node = name_of_node(other);
      const std::uint32_t before = who.block->owner().epoch_of(node);
      const bool own = node == self.node() && self.whereis(name) == self.self();
      const reference ref = self.monitor({name, node});
      if (own)
        return; // it watches nothing
      who.watches.emplace(ref, watch{.node = node, .epoch = before});
      who.watch_order.push_back(ref);
    });
    break;
  case operation::demonitor:
  case operation::demonitor_flush:
    order(who, [this, &who, c](process& self) {
      demonitor(who, c.other, c.what == operation::demonitor_flush, self);
    });
    break;
  case operation::alias:
    order(who, [&who, c](process& self) {
      const auto mode =
          c.other % 2 == 0 ? erl::alias_mode::explicit_unalias : erl::alias_mode::reply_demonitor;
      add_alias(who, self.alias(mode), mode);
    });
    break;
  case operation::unalias:
    order(who, [&who, c](process& self) {
      if (who.alias_order.empty())
        return;
      const reference ref = who.alias_order[c.other % who.alias_order.size()];
      self.unalias(ref);
      close(who, who.aliases.at(ref));
    });
    break;
  case operation::exit:
    order(who,
          [number = ++reasons_](process& self) { self.exit(erl::to_term(unique_reason{number})); });
    break;
  case operation::exit_other:
    order(who, [this, &who, &other, number = ++reasons_](process& self) {
      exit_signals_.emplace(number, std::pair(who.number, other.number));
      self.exit(other.self, erl::to_term(unique_reason{number}));
    });
    break;
  case operation::kill:
    if (&who != &other)
      order(who, [&other](process& self) { self.exit(other.self, kill); });
    break;
  case operation::exit_normal:
    if (c.steps % 2 == 0) {
      order(who, [&who](process& self) {
        who.ended_normally = true;
        self.exit(normal);
      });
    } else if (&who != &other) {
      order(who, [&who, &other](process& self) {
        ++other.normal_exits_sent_by[who.number];
        self.exit(other.self, normal);
      });
    }
    break;
  case operation::trap:
    order(who, [&who, on = c.other % 2 == 0](process& self) {
      self.trap_exit(on);
      who.linked.clear(); // what happens at an end depends on when it came
      who.traps = who.traps || on;
    });
    break;
  case operation::register_name:
    order(who, [name](process& self) { self.register_name(name); });
    break;
  case operation::unregister_name:
    order(who, [name](process& self) { self.unregister_name(name); });
    break;
  case operation::monitor_node:
    order(who, [this, &other](process& self) {
      if (self.node() != name_of_node(other))
        self.monitor_node(name_of_node(other));
    });
    break;
  case operation::start_timer:
    order(who, [this, &who, c](process& self) {
      const std::uint64_t number = ++timers_;
      who.timers[number] = false;
      who.running_timers.emplace_back(
          number, self.send_after(std::chrono::milliseconds(c.other % 3000), self.self(),
                                  timer_message{static_cast<std::int64_t>(number)}));
    });
    break;
  case operation::cancel_timer:
    order(who, [this, &who](process& self) { cancel_timer(who, self); });
    break;
  default:
    on_nodes(c);
  }
  for (std::uint32_t i = 0; i < c.steps; ++i)
    if (!world_.step())
      break;
  if (first_)
    throw violation(*first_);
}

void test::on_nodes(const command& c) {
  home& one = node_at(c.who);
  home& other = node_at(c.other);
  if (c.what == operation::pass_time)
    return world_.run_for(std::chrono::milliseconds(c.other % 2500));
  if (c.what == operation::restart) {
    one.node->restart();
    ++one.life;
    return;
  }
  if (one.node == other.node)
    return;
  switch (c.what) {
  case operation::cut:
    return world_.cut(*one.node, *other.node);
  case operation::partition:
    return world_.partition(*one.node, *other.node, true);
  case operation::heal:
    return world_.partition(*one.node, *other.node, false);
  case operation::stall:
    return world_.stall(*one.node, *other.node, true);
  default:
    return world_.delay(*one.node, *other.node, std::chrono::milliseconds(c.steps));
  }
}

// Judging.

void test::received(puppet& who, const term& m) {
  if (const auto number = erl::try_decode<numbered>(m))
    return received_number(who, *number);
  if (const auto exit = erl::try_decode<erl::exit_signal>(m))
    return received_exit(who, *exit);
  if (const auto down = erl::try_decode<erl::down>(m))
    return received_down(who, m, *down);
  if (const auto timer = erl::try_decode<timer_message>(m)) {
    if (who.timers.at(static_cast<std::uint64_t>(timer->number)))
      violated(invariant::one_end, "a timer fired that had been cancelled in time");
    return;
  }
  if (const auto lost = erl::try_decode<erl::nodedown>(m)) {
    if (epoch(who.node, lost->node) == 0)
      violated(invariant::true_reasons, "nodedown, but no connection was ever lost");
    return;
  }
  violated(invariant::order, "a message that nobody sent: " + erl::to_string(m));
}

void test::received_number(puppet& who, const numbered& m) {
  const auto from = static_cast<int>(m.from);
  const auto number = static_cast<std::size_t>(m.number);
  if (m.to != who.number)
    return; // the name went from one puppet to another meanwhile
  if (const auto alias = who.aliases.find(m.alias); alias != who.aliases.end())
    received_by_alias(who, m.alias, alias->second);
  if (who.end_seen.contains(from))
    violated(invariant::nothing_after, text(who) + " got a message of puppet " +
                                           std::to_string(from) + " after that one's end");
  conversation& talk = who.from[from];
  if (number < talk.arrived)
    violated(invariant::order, text(who) + " got message " + std::to_string(number) +
                                   " of puppet " + std::to_string(from) + " late or twice");
  // Of one life of the connection, only the end may be missing.
  const sent_message& came = talk.sent.at(number);
  for (std::size_t i = talk.arrived; i < number; ++i)
    if (const sent_message& lost = talk.sent[i];
        !lost.may_vanish && lost.life == came.life && lost.epoch == came.epoch)
      violated(invariant::order, text(who) + " has missed message " + std::to_string(i) +
                                     " of puppet " + std::to_string(from));
  talk.arrived = number + 1;
}

void test::received_by_alias(puppet& who, const reference& ref, open_alias& alias) {
  if (alias.closed && who.received > *alias.closed)
    violated(invariant::one_end, text(who) + " got a message by an alias that was closed");
  if (alias.mode != erl::alias_mode::reply_demonitor)
    return;
  alias.closed = 0;
  if (const auto its = who.watches.find(ref); its != who.watches.end())
    its->second.stopped = true;
}

void test::all_have_arrived(puppet& to, int from, invariant which) {
  conversation& talk = to.from[from];
  for (std::size_t i = talk.arrived; i < talk.sent.size(); ++i)
    if (!may_be_missing(*puppets_[static_cast<std::size_t>(from)], talk.sent[i], to))
      violated(which, text(to) + " has missed message " + std::to_string(i) + " of puppet " +
                          std::to_string(from));
}

/// `who` has heard that `other` has ended with a reason of its own.
void test::ended(puppet& who, int other, const term& reason) {
  puppet& p = *puppets_[static_cast<std::size_t>(other)];
  if (!p.ended)
    violated(invariant::true_reasons, text(p) + " is said to have ended, and lives");
  if (reason.is(kill))
    violated(invariant::true_reasons, text(p) + " ended with kill: it should be killed");
  if (reason.is(normal) && !p.ended_normally)
    violated(invariant::true_reasons, text(p) + " ended normally without being told to");
  if (p.reason && *p.reason != reason)
    violated(invariant::true_reasons, text(p) + " ended with " + erl::to_string(*p.reason) +
                                          " for one and " + erl::to_string(reason) +
                                          " for another");
  p.reason = reason;
  all_have_arrived(who, other, invariant::nothing_after);
  who.end_seen[other] = true;
  if (planted_ == invariant::nothing_after && who.block != nullptr)
    who.block->notify(
        erl::to_term(numbered{other, who.number, 1000, who.block->owner().make_reference()}));
}

void test::received_exit(puppet& who, const erl::exit_signal& m) {
  const int from = number_of(m.from);
  if (from < 0)
    violated(invariant::true_reasons, "an EXIT of nobody");
  if (!who.traps)
    violated(invariant::true_reasons, text(who) + " got an EXIT and does not trap exits");
  if (const auto unique = erl::try_decode<unique_reason>(m.reason)) {
    const auto sent = exit_signals_.find(unique->number);
    if (sent != exit_signals_.end() && sent->second == std::pair(from, who.number))
      return; // exit/2
  }
  who.linked.erase(from);
  if (m.reason.is(normal) && who.normal_exits_sent_by[from] > 0)
    return; // perhaps exit/2
  const puppet& p = *puppets_[static_cast<std::size_t>(from)];
  if (const auto silent = who.silent.find(from);
      silent != who.silent.end() && who.received > silent->second.after &&
      !(p.asked.contains(who.number) &&
        who.block->owner().epoch_of(name_of_node(p)) != silent->second.epoch))
    violated(invariant::quiet_unlink, text(who) + " got an EXIT of puppet " + std::to_string(from) +
                                          " after unlink had returned");
  if (m.reason.is(noconnection) && epoch(who.node, name_of_node(p)) != 0)
    return;
  if (m.reason.is(noproc)) {
    if (!p.ended)
      violated(invariant::true_reasons, "EXIT with noproc, and the process lives");
    return;
  }
  if (++who.exits[from] > 1)
    violated(invariant::one_end,
             text(who) + " got a second EXIT of puppet " + std::to_string(from));
  ended(who, from, m.reason);
}

void test::received_down(puppet& who, const term& body, const erl::down& m) {
  const auto found = who.watches.find(m.monitor);
  if (found == who.watches.end())
    violated(invariant::one_end, "a DOWN of a monitor that was never made");
  watch& w = found->second;
  if (w.stopped)
    violated(invariant::one_end, "a DOWN after demonitor");
  if (w.ended)
    violated(invariant::one_end, "a second DOWN of one monitor");
  w.ended = true;
  if (const auto alias = who.aliases.find(m.monitor);
      alias != who.aliases.end() && alias->second.mode != erl::alias_mode::explicit_unalias)
    alias->second.closed = 0;
  if (planted_ == invariant::one_end && who.block != nullptr)
    who.block->notify(body);
  // With no connection lost here it is what the process itself has died of.
  if (m.reason.is(noconnection) && epoch(who.node, w.node) != w.epoch)
    return;
  if (w.target < 0)
    return;
  const puppet& p = *puppets_[static_cast<std::size_t>(w.target)];
  if (m.reason.is(noproc)) {
    if (!p.ended)
      violated(invariant::true_reasons, "DOWN with noproc, and " + text(p) + " lives");
    return;
  }
  ended(who, w.target, m.reason);
}

void test::finish() {
  for (const home& one : nodes_)
    for (const home& other : nodes_)
      if (one.node != other.node)
        world_.partition(*one.node, *other.node, false);
  world_.run_for(30s); // all ticks, timers and attempts to connect are over
  world_.settle();
  if (first_)
    throw violation(*first_);
  for (const auto& p : puppets_)
    if (!p->ended)
      for (const auto& [from, talk] : p->from)
        all_have_arrived(*p, from, invariant::order);
  check_links();
  check_watches();
  check_nothing_left();
}

void test::check_links() {
  const auto linked = [](const puppet& one, const puppet& other) {
    auto* x = one.block->extras_if_any();
    const erl::runtime::link_state* link = x == nullptr ? nullptr : x->links.find(other.self);
    if (link != nullptr && link->unlinking != 0)
      violated(invariant::link_symmetry, "an unlink was never acknowledged");
    return link != nullptr;
  };
  for (const auto& one : puppets_)
    for (const auto& other : puppets_)
      if (one != other && !one->ended && linked(*one, *other) &&
          (other->ended || !linked(*other, *one)))
        violated(invariant::link_symmetry,
                 text(*one) + " is linked to " + text(*other) + ", which does not know of it");
  for (const auto& who : puppets_)
    for (const int number : who->linked) {
      const puppet& other = *puppets_[static_cast<std::size_t>(number)];
      const bool nothing_said = other.ended_normally && !who->block_traps();
      if (!who->ended && other.ended && !nothing_said)
        violated(invariant::link_end,
                 text(*who) + " was linked to " + text(other) + " and never heard of its end");
    }
}

static std::vector<std::pair<reference, erl::runtime::incoming_monitor>>
watchers_of(const puppet& who) {
  auto* x = who.block->extras_if_any();
  if (x == nullptr)
    return {};
  return {x->monitored_by.begin(), x->monitored_by.end()};
}

void test::check_watches() {
  for (const auto& who : puppets_) {
    if (who->ended)
      continue;
    for (const auto& [ref, w] : who->watches) {
      auto* x = who->block->extras_if_any();
      const bool active = x != nullptr && x->monitoring.find(ref) != nullptr;
      if (active == (w.ended || w.stopped))
        violated(invariant::one_end, text(*who) + (active ? " still has a monitor that has ended"
                                                          : " has lost a monitor without a DOWN"));
      if (active && w.target >= 0 && puppets_[static_cast<std::size_t>(w.target)]->ended)
        violated(invariant::one_end,
                 text(*who) + " never heard of the end of puppet " + std::to_string(w.target));
    }
    for (const auto& [ref, monitor] : watchers_of(*who)) {
      const int watcher = number_of(monitor.watcher);
      const auto& its = *puppets_.at(static_cast<std::size_t>(watcher));
      if (its.ended || its.block->extras().monitoring.find(ref) == nullptr)
        violated(invariant::one_end, text(*who) + " is still watched by " + text(its));
    }
  }
}

void test::check_nothing_left() {
  for (const auto& p : puppets_)
    if (!p->ended)
      nodes_[static_cast<std::size_t>(p->node)].node->exit(p->self, kill);
  world_.run_for(30s);
  for (const home& one : nodes_)
    for (const home& other : nodes_)
      world_.cut(*one.node, *other.node);
  world_.settle();
  for (const home& each : nodes_) {
    auto& system = erl::sim::system_of(*each.node);
    if (planted_ == invariant::nothing_left)
      system.at(0).each_process([&](erl::runtime::process_block& p) {
        p.extras().aliases.try_emplace(system.at(0).make_reference(), {});
      });
    const auto held = each.node->held();
    const auto none = [&](const char* what, std::uint64_t count) {
      if (count != 0)
        violated(invariant::nothing_left, std::to_string(count) + " " + what + " left on " +
                                              erl::to_string(each.node->name()));
    };
    none("processes", each.node->processes() - 2); // net_kernel and rex stay
    none("links", held.links);
    none("monitors", held.monitors);
    none("aliases", held.aliases);
    none("messages", held.messages);
    none("timers", held.timers);
    none("relations with other nodes", held.relations);
  }
}

} // namespace

std::uint64_t run(std::uint64_t seed, const std::vector<command>& commands, invariant planted) {
  test t(seed, planted);
  for (const command& c : commands)
    t.perform(c);
  t.finish();
  return t.trace();
}

} // namespace properties
