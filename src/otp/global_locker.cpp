#include "otp/global_locker.hpp"

#include "otp/steady_send.hpp"
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/encode.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace erl {

namespace {

const atom global("global");
const atom peer_is_ready_tag("his_the_locker");
const atom cancel_tag("cancel");
const atom add_to_known("add_to_known");
const atom remove_from_known("remove_from_known");
const atom lock_set("lock_set");
const atom lock_is_set("lock_is_set");
const atom set_lock_tag("set_lock");
const atom del_lock_tag("del_lock");

std::vector<atom> atoms_in(term_ref list) {
  std::vector<atom> result;
  for (const term_ref each : list.items())
    if (const auto node = each.to_atom())
      result.push_back(*node);
  return result;
}

/// One node at a time, so that all ask the same one first.
atom boss_of(const std::vector<atom>& nodes) {
  return *std::ranges::max_element(nodes, [](atom a, atom b) { return compare(a, b) < 0; });
}

std::vector<atom> without(std::vector<atom> nodes, atom which) {
  std::erase(nodes, which);
  return nodes;
}

struct him {
  atom node;
  pid locker;
  term my_tag;
  term his_tag;
};

class locker {
public:
  locker(process& self, const pid& server, std::uint32_t seed)
      : self_(self), server_(server), choose_(seed) {}
  task<> run();

private:
  duration patience();
  void note(const term& message);
  him* find(atom node, term_ref my_tag);
  void forget(atom node, const term& my_tag);
  std::vector<atom> partition() const;
  term lock_with(const pid& other) const;
  void tell(const him& other, bool is_set);

  task<> answer(term request);
  task<> try_one();
  task<> hold(him other, term lock, std::vector<atom> nodes);
  task<bool> lock_all(term lock, std::vector<atom> extra);
  task<bool> lock_on(term lock, std::vector<atom> nodes);
  task<> unlock(term lock, std::vector<atom> nodes);
  task<std::vector<std::pair<atom, term>>> ask(std::vector<atom> nodes, term request);
  void finish(const term& cancelled);

  process& self_;
  const pid server_;
  std::minstd_rand choose_;
  std::vector<him> others_; ///< nodes that wait for an exchange with us
  std::vector<atom> known_; ///< our own group, without this node
  bool just_synced_ = false;
};

bool is_cancel_of(term_ref m, const him& other) {
  return m.is_tuple(cancel_tag, 5) && m.element(1).is(other.node) && m.element(2) == other.my_tag;
}

/// The fifth element, a tag, is not there when the other locker does not know us any more.
bool is_lock_set_by(term_ref m, const him& other) {
  const bool is_it =
      m.is_tuple(lock_set, 4) || (m.is_tuple(lock_set, 5) && m.element(4) == other.my_tag);
  return is_it && m.element(1).to_pid().value_or(pid{}).node == other.node;
}

task<> locker::run() {
  term body;
  for (;;) {
    const duration time = patience();
    auto m = co_await self_.receive(time);
    just_synced_ = false;
    if (!m) {
      co_await try_one();
    } else {
      body = m.body();
      if (body.is_tuple(lock_set, 5) && body.element(2).is(atoms::true_))
        co_await answer(body);
      else
        note(body);
    }
  }
}

/// How long to wait until we begin. Not the same everywhere, or all would try at once for ever.
duration locker::patience() {
  if (others_.empty())
    return infinity;
  if (just_synced_)
    return duration::zero();
  const auto base =
      known_.empty()
          ? std::int64_t{200}
          : std::min<std::int64_t>(1000 + 100 * static_cast<std::int64_t>(known_.size()), 3000);
  return std::chrono::milliseconds(base + static_cast<std::int64_t>(choose_()) % (base / 2));
}

void locker::note(const term& m) {
  if (m.is_tuple(peer_is_ready_tag, 5)) {
    const auto node = m.element(1).to_atom();
    const auto his = m.element(2).to_pid();
    if (node && his)
      others_.push_back({*node, *his, term::copy(m.element(3)), term::copy(m.element(4))});
  } else if (m.is_tuple(cancel_tag, 5)) {
    finish(m);
    if (const auto node = m.element(1).to_atom())
      forget(*node, m.share(m.element(2)));
  } else if (m.is_tuple(add_to_known, 2)) {
    for (const atom node : atoms_in(m.element(1)))
      if (std::ranges::find(known_, node) == known_.end())
        known_.push_back(node);
  } else if (m.is_tuple(remove_from_known, 2)) {
    if (const auto node = m.element(1).to_atom())
      std::erase(known_, *node);
  }
}

him* locker::find(atom node, term_ref my_tag) {
  const auto found = std::ranges::find_if(
      others_, [&](const him& each) { return each.node == node && each.my_tag == my_tag; });
  return found == others_.end() ? nullptr : &*found;
}

void locker::forget(atom node, const term& my_tag) {
  std::erase_if(others_,
                [&](const him& each) { return each.node == node && each.my_tag == my_tag; });
}

std::vector<atom> locker::partition() const {
  std::vector<atom> all = known_;
  all.push_back(self_.node());
  return all;
}

/// The same on both sides, so that they do not refuse each other.
term locker::lock_with(const pid& other) const {
  const term mine(self_.self());
  const term his(other);
  const bool mine_first = compare(mine, his) < 0;
  return term::tuple({global, mine_first ? term::list({mine, his}) : term::list({his, mine})});
}

void locker::tell(const him& other, bool is_set) {
  const term request =
      term::tuple({lock_set, term(self_.self()), term(is_set), to_term(known_), other.his_tag});
  send_if_connected(self_, {atoms::global_name_server, other.node},
                    term::tuple({atoms::gen_cast, request}));
}

/// The other side holds its lock, and asks us for ours.
task<> locker::answer(term request) {
  const auto who = request.element(1).to_pid();
  const him* found = who ? find(who->node, request.element(4)) : nullptr;
  if (found == nullptr) { // we have met meanwhile
    if (who)
      send_if_connected(self_, *who,
                        term::tuple({lock_set, term(self_.self()), atoms::false_, term()}));
    co_return;
  }
  const him other = *found;
  const term lock = lock_with(*who);
  const std::vector<atom> nobody;
  const bool is_set = co_await lock_all(lock, nobody);
  tell(other, is_set);
  if (is_set) {
    const std::vector<atom> nodes = partition();
    co_await hold(other, lock, nodes);
  }
}

task<> locker::try_one() {
  [[maybe_unused]] const auto met = std::erase_if(others_, [&](const him& each) {
    return std::ranges::find(known_, each.node) != known_.end();
  });
  if (others_.empty())
    co_return;
  const him other = others_[choose_() % others_.size()];
  const term lock = lock_with(other.locker);
  const std::vector<atom> with_him{other.node};
  const bool is_set = co_await lock_all(lock, with_him);
  if (!is_set)
    co_return;
  tell(other, true);
  std::vector<atom> nodes = partition();
  nodes.push_back(other.node);
  const auto decides = [&](term_ref m) {
    return is_cancel_of(m, other) || is_lock_set_by(m, other);
  };
  auto m = co_await self_.receive(decides);
  if (is_lock_set_by(m.body(), other) && m.body().element(2).is(atoms::true_)) {
    co_await hold(other, lock, nodes);
    co_return;
  }
  if (is_cancel_of(m.body(), other)) {
    finish(m.body());
    forget(other.node, other.my_tag);
  }
  co_await unlock(lock, nodes);
}

/// Both sides are locked: the name servers exchange their names, and ours says when that is over.
task<> locker::hold(him other, term lock, std::vector<atom> nodes) {
  const auto over = [&](term_ref m) { return is_cancel_of(m, other); };
  self_.send(server_, term::tuple({atoms::gen_cast,
                                   term::tuple({lock_is_set, other.node, other.my_tag, lock})}));
  auto m = co_await self_.receive(over);
  finish(m.body());
  co_await unlock(lock, nodes);
  just_synced_ = true;
  forget(other.node, other.my_tag);
}

void locker::finish(const term& cancelled) {
  for (const atom node : atoms_in(cancelled.element(3)))
    send_if_connected(self_, {atoms::global_name_server, node},
                      cancelled.share(cancelled.element(4)));
}

/// Our whole group and `extra`: first the node that all begin with.
task<bool> locker::lock_all(term lock, std::vector<atom> extra) {
  const std::vector<atom> first{boss_of(partition())};
  const bool has_first = co_await lock_on(lock, first);
  if (!has_first)
    co_return false;
  extra.push_back(self_.node());
  const std::vector<atom> second = without(extra, first[0]);
  const bool has_second = co_await lock_on(lock, second);
  if (!has_second) {
    co_await unlock(lock, first);
    co_return false;
  }
  const std::vector<atom> rest = without(known_, first[0]);
  const bool has_rest = co_await lock_on(lock, rest);
  if (!has_rest) {
    std::vector<atom> so_far = second;
    so_far.push_back(first[0]);
    co_await unlock(lock, so_far);
  }
  co_return has_rest;
}

/// Nodes that cannot be reached do not count.
task<bool> locker::lock_on(term lock, std::vector<atom> nodes) {
  const term request = term::tuple({set_lock_tag, lock});
  const auto answers = co_await ask(nodes, request);
  std::vector<atom> granted;
  for (const auto& [node, reply] : answers)
    if (reply.is(atoms::true_))
      granted.push_back(node);
  const bool all = granted.size() == answers.size();
  if (!all) {
    const term back = term::tuple({del_lock_tag, lock});
    const auto ignored = co_await ask(granted, back);
  }
  co_return all;
}

task<> locker::unlock(term lock, std::vector<atom> nodes) {
  const term request = term::tuple({del_lock_tag, lock});
  const atom boss = boss_of(nodes);
  const std::vector<atom> others = without(nodes, boss);
  const std::vector<atom> last{boss};
  const auto ignored = co_await ask(others, request);
  const auto also_ignored = co_await ask(last, request);
}

/// The replies of those that reply.
task<std::vector<std::pair<atom, term>>> locker::ask(std::vector<atom> nodes, term request) {
  std::vector<std::pair<atom, term>> replies;
  std::vector<std::pair<detail::outgoing_call, destination>> waiting;
  for (const atom node : nodes) {
    const destination server{atoms::global_name_server, node};
    waiting.emplace_back(detail::outgoing_call(self_, server, to_encode(request)), server);
  }
  const auto found = [&](term_ref m) {
    return std::ranges::find_if(waiting, [&](const auto& each) { return each.first(m); });
  };
  const auto answers = [&](term_ref m) { return found(m) != waiting.end(); };
  while (!waiting.empty()) {
    auto m = co_await self_.receive(answers);
    const auto from = found(m.body());
    if (const auto reply = from->first.reply_in(m, from->second))
      replies.emplace_back(from->second.node(), term::copy(*reply));
    waiting.erase(from);
  }
  co_return replies;
}

task<> run_locker(process& self, const pid& server, std::uint32_t seed) {
  locker state(never_wait(self), server, seed);
  co_await state.run();
}

} // namespace

namespace global_messages {
term peer_is_ready(atom node, const pid& locker, const term& my_tag, const term& his_tag) {
  return term::tuple({peer_is_ready_tag, node, term(locker), my_tag, his_tag});
}
term cancel(atom node, const term& my_tag, const std::vector<atom>& to, const term& message) {
  return term::tuple({cancel_tag, node, my_tag, to_term(to), message});
}
term known(const std::vector<atom>& nodes) { return term::tuple({add_to_known, to_term(nodes)}); }
term unknown(atom node) { return term::tuple({remove_from_known, node}); }
} // namespace global_messages

owned_body make_global_locker(const pid& server, std::uint32_t seed) {
  return make_body(run_locker, server, seed);
}

} // namespace erl
