#include "otp/global.hpp"

#include "base/log.hpp"
#include "otp/gen.hpp"
#include "otp/global_locker.hpp"
#include "otp/global_resolver.hpp"
#include "otp/global_table.hpp"
#include "otp/steady_send.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <map>
#include <ranges>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace erl {

namespace {

constexpr std::int64_t version = 8;
constexpr std::size_t most_nodes = 10'000;
constexpr std::size_t most_losses = 10'000;
constexpr duration losses_last = std::chrono::hours(1);
constexpr duration short_break = std::chrono::milliseconds(20);
constexpr duration long_break = std::chrono::milliseconds(100);

/// The words of the protocol.
struct vocabulary {
  atom init_connect{"init_connect"};
  atom init_connect_ack{"init_connect_ack"};
  atom cancel_connect{"cancel_connect"};
  atom locker{"locker"};
  atom no_longer_a_pid{"no_longer_a_pid"};
  atom lock_set{"lock_set"};
  atom lock_is_set{"lock_is_set"};
  atom exchange{"exchange"};
  atom exchange_ops{"exchange_ops"};
  atom resolved{"resolved"};
  atom new_nodes{"new_nodes"};
  atom in_sync{"in_sync"};
  atom unused{"unused"};
  atom vsn{"vsn"};
  atom lock{"lock"};
  atom enter{"register"};
  atom unregister{"unregister"};
  atom register_ext{"register_ext"};
  atom set_lock{"set_lock"};
  atom del_lock{"del_lock"};
  atom get_known{"get_known"};
  atom get_synced{"get_synced"};
  atom get_names_ext{"get_names_ext"};
  atom get_protocol_version{"get_protocol_version"};
  atom whereis{"whereis"};
  atom lost_connection{"lost_connection"};
  atom remove_connection{"remove_connection"};
  atom meet_again{"$meet_again"};
};

const vocabulary& words() {
  static const vocabulary all;
  return all;
}

/// Of the elements of a list in `owner`.
std::vector<term> shares_of(const term& owner, term_ref list) {
  std::vector<term> result;
  for (const term_ref each : list.items())
    result.push_back(owner.share(each));
  return result;
}

using version_of = std::pair<atom, std::int64_t>;

/// `[{Node, Version}]`, or a list of nodes.
std::vector<version_of> nodes_in(term_ref list) {
  std::vector<version_of> result;
  for (const term_ref each : list.items()) {
    if (const auto node = each.to_atom())
      result.emplace_back(*node, 0);
    else if (each.is_tuple(2) && each.element(0).is_atom())
      result.emplace_back(*each.element(0).to_atom(), each.element(1).to_int64().value_or(0));
  }
  return result;
}

std::vector<atom> keys_of(const auto& versions) {
  const auto nodes = std::views::keys(versions);
  return {nodes.begin(), nodes.end()};
}

/// What is on its way between this node and another one, from the connection until both know each
/// other. There is a tag of ours while we wait for his names.
struct meeting {
  std::optional<term> my_tag;  ///< which the other side puts into its messages
  std::optional<term> his_tag; ///< which we put into ours
  std::int64_t again = 0;      ///< not 0: the number of the attempt that is to come
  pid resolver;                ///< compares the names, if there are conflicts
  std::optional<term> his_greeting;
  std::optional<term> his_names; ///< that came before our locker was ready
  bool locked = false;
  std::optional<term> lock;
  std::optional<std::vector<term>> changes; ///< what we have found
  std::optional<term> his_answer;           ///< what he has, before us
};

class name_server {
public:
  name_server(process& self, runtime::global_names& shown, const global_settings& settings,
              const pid& locker)
      : self_(self), settings_(settings), locker_(locker),
        table_(self, shown, settings.options.most_names) {}

  void handle(const term& message);

private:
  enum class loss { by_itself, asked_for, not_told };

  void handle_call(const gen::request& call);
  std::optional<term> answer_to(term_ref request, const pid& client);
  void handle_cast(const term& message, term_ref request);
  void handle_info(const term& message);
  void unexpected(const char* kind, term_ref what) const;

  void cast(atom node, const term& request);
  void tell(atom node, const term& message);

  void node_is_up(atom node);
  void node_is_lost(atom node, loss how);
  void meet(atom node);
  void meet_anew(atom node);
  void greeted(atom node, const term& greeting);
  void end(atom node, const std::vector<atom>& to = {}, const term& message = {});
  void cancel_with(atom node, const term& his_tag);
  void lock_is_set(atom node, const term& lock);
  void exchange(atom node, const term& names);
  void compare_names(atom node, const term& names);
  void compared(atom node, const term& here, const term& there);
  void resolved(atom node, const term& answer);
  void new_nodes(const term& message);
  void in_sync(atom node);
  std::vector<atom> add_known(const std::vector<version_of>& nodes);
  void introduce_to(const std::vector<atom>& nodes);
  void introduced(atom node);

  void lost_connection(const term& message);
  void remove_connection(atom node);
  void tell_of_loss(atom node);
  void tell_all(const term& message, atom but);
  bool is_known_loss(atom by, atom of, std::int64_t life, std::int64_t number);

  bool is_known(atom node) const { return known_.contains(node) || pending_.contains(node); }
  /// The meeting with `node`, if its messages have this tag.
  meeting* meeting_with(term_ref node, term_ref my_tag);
  term known_list() const;

  process& self_;
  const global_settings settings_;
  const pid locker_;
  global_table table_;
  std::int64_t numbers_ = 0;
  std::unordered_set<atom> up_;                  ///< visible nodes that are connected
  std::unordered_map<atom, meeting> meetings_;   ///< only with those
  std::unordered_map<atom, std::int64_t> known_; ///< nodes of our group, with their versions
  std::unordered_set<atom> pending_;             ///< nodes that have greeted us
  std::unordered_set<atom> removing_; ///< connections that are about to go, which is not our loss
  std::unordered_set<atom> synced_;
  std::unordered_set<atom> introducing_; ///< nodes that somebody else has told us of
  struct told_loss {
    std::int64_t number;
    time_point at;
  };
  /// By the index of both atoms and the life of the first node.
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::int64_t>, told_loss> losses_;
};

void name_server::cast(atom node, const term& request) {
  self_.send({atoms::global_name_server, node}, term::tuple({atoms::gen_cast, request}));
}

void name_server::tell(atom node, const term& message) {
  send_if_connected(self_, {atoms::global_name_server, node}, message);
}

void name_server::unexpected(const char* kind, term_ref what) const {
  log::limited("global", log::level::warning, "global", "an unexpected ", kind, ": ", brief(what));
}

void name_server::handle(const term& message) {
  const auto request = gen::parse(message);
  if (!request)
    handle_info(message);
  else if (request->what == gen::request::kind::call)
    handle_call(*request);
  else
    handle_cast(message, request->body);
}

void name_server::handle_call(const gen::request& call) {
  if (const auto answer = answer_to(call.body, *call.from.element(0).to_pid()))
    gen::reply(self_, call.from, to_encode(*answer));
  else
    unexpected("call", call.body);
}

std::optional<term> name_server::answer_to(term_ref request, const pid& client) {
  const vocabulary& w = words();
  if (request.is_tuple(w.enter, 4) && request.element(2).is_pid()) {
    table_.set_name(request.element(1), *request.element(2).to_pid(), request.element(3), {},
                    table_.is_locked_by(client));
    return term(atoms::yes);
  }
  if (request.is_tuple(w.register_ext, 5) && request.element(2).is_pid() &&
      request.element(4).is_atom()) {
    table_.set_name(request.element(1), *request.element(2).to_pid(), request.element(3),
                    *request.element(4).to_atom(), table_.is_locked_by(client));
    return term(atoms::yes);
  }
  if (request.is_tuple(w.unregister, 2)) {
    table_.erase_name(request.element(1));
    return term(atoms::ok);
  }
  if (request.is_tuple(w.set_lock, 2) && request.element(1).is_tuple(2)) {
    const term_ref id = request.element(1);
    return term(table_.set_lock(id.element(0), id.element(1), client));
  }
  if (request.is_tuple(w.del_lock, 2) && request.element(1).is_tuple(2)) {
    const term_ref id = request.element(1);
    table_.delete_lock(id.element(0), id.element(1), client);
    return term(atoms::true_);
  }
  if (request.is(w.get_known))
    return known_list();
  if (request.is(w.get_synced))
    return to_term(std::vector<atom>(synced_.begin(), synced_.end()));
  if (request.is(w.get_names_ext))
    return table_.external_names();
  if (request.is(w.get_protocol_version))
    return term(version);
  return std::nullopt;
}

meeting* name_server::meeting_with(term_ref node, term_ref my_tag) {
  const auto name = node.to_atom();
  const auto found = name ? meetings_.find(*name) : meetings_.end();
  return found != meetings_.end() && found->second.my_tag && *found->second.my_tag == my_tag
             ? &found->second
             : nullptr;
}

void name_server::handle_cast(const term& message, term_ref request) {
  const vocabulary& w = words();
  const auto node = request.arity() > 1 ? request.element(1).to_atom() : std::nullopt;
  // Messages of a meeting; those of an earlier one are late.
  const auto of_meeting = [&](atom name, std::size_t arity, std::size_t tag) {
    if (!node || !request.is_tuple(name, arity))
      return false;
    if (meeting_with(request.element(1), request.element(tag)) != nullptr)
      return true;
    self_.send(locker_,
               global_messages::cancel(*node, message.share(request.element(tag)), {}, {}));
    return false;
  };
  if (request.is_tuple(w.init_connect, 4) && request.element(2).is_atom()) {
    greeted(*request.element(2).to_atom(), message.share(request));
  } else if (request.is_tuple(w.lock_set, 5)) {
    const auto locker = request.element(1).to_pid();
    if (locker && meeting_with(locker->node, request.element(4)) != nullptr)
      self_.send(locker_, message.share(request));
  } else if (of_meeting(w.lock_is_set, 4, 2)) {
    lock_is_set(*node, message.share(request.element(3)));
  } else if (of_meeting(w.exchange, 5, 4)) {
    exchange(*node, message.share(request.element(2)));
  } else if (of_meeting(w.exchange_ops, 5, 2)) {
    compared(*node, message.share(request.element(3)), message.share(request.element(4)));
  } else if (of_meeting(w.resolved, 7, 6)) {
    meeting& m = meetings_[*node];
    if (m.changes)
      resolved(*node, message.share(request));
    else
      m.his_answer = message.share(request);
  } else if (request.is_tuple(w.new_nodes, 6) && node) {
    new_nodes(message.share(request));
  } else if (request.is_tuple(w.in_sync, 3) && node) {
    in_sync(*node);
  }
}

void name_server::handle_info(const term& m) {
  const vocabulary& w = words();
  const auto node = m.arity() > 1 ? m.element(1).to_atom() : std::nullopt;
  if (m.is_tuple(atoms::down, 5)) {
    if (const auto monitor = m.element(1).to_reference())
      table_.down(*monitor);
  } else if (m.is_tuple(atoms::nodeup, 3) && node) {
    node_is_up(*node);
  } else if (m.is_tuple(atoms::nodedown, 3) && node) {
    node_is_lost(*node, loss::by_itself);
    up_.erase(*node);
    meetings_.erase(*node);
  } else if (m.is_tuple(atoms::nodedown, 2) && node) {
    if (introducing_.erase(*node) != 0) {
      log::limited("global introduction", log::level::warning, "global", "no connection to ",
                   to_string(*node), ", which others are connected to");
      node_is_lost(*node, settings_.connects ? loss::by_itself : loss::not_told);
    }
  } else if (m.is_tuple(w.init_connect_ack, 4) && node) {
    if (const auto found = meetings_.find(*node); found != meetings_.end()) {
      const meeting& with = found->second;
      if (!with.my_tag || !with.his_tag || *with.my_tag != m.element(2) ||
          *with.his_tag != m.element(3)) {
        cancel_with(*node, m.share(m.element(3)));
        meet_anew(*node);
      }
    }
  } else if (m.is_tuple(w.cancel_connect, 3)) {
    if (meeting_with(m.element(1), m.element(2)) != nullptr)
      meet_anew(*node);
  } else if (m.is_tuple(w.meet_again, 3) && node) {
    const auto found = meetings_.find(*node);
    if (found != meetings_.end() && found->second.again != 0 &&
        m.element(2).to_int64() == found->second.again) {
      found->second.again = 0;
      meet(*node);
    }
  } else if (m.is_tuple(w.lost_connection, 5) && node && m.element(4).is_atom()) {
    lost_connection(m);
  } else if (m.is_tuple(w.remove_connection, 2) && node) {
    remove_connection(*node);
  } else if (m.is_tuple(w.whereis, 3)) {
    const global_table::name* found = table_.find(m.element(1));
    const term answer = found == nullptr ? term(atoms::undefined) : term(found->holder);
    gen::reply(self_, m.element(2), to_encode(answer));
  }
}

// Two nodes meet.

void name_server::node_is_up(atom node) {
  up_.insert(node);
  introduced(node);
  meet(node);
}

void name_server::meet(atom node) {
  meeting& m = meetings_[node];
  if (known_.contains(node) || m.my_tag)
    return;
  const auto greeting = std::exchange(m.his_greeting, std::nullopt);
  m.my_tag = term(++numbers_);
  const vocabulary& w = words();
  const term locker = term::tuple({w.locker, w.no_longer_a_pid, term::map({}), term(locker_)});
  cast(node, term::tuple(
                 {w.init_connect, term::tuple({term(version), *m.my_tag}), self_.node(), locker}));
  if (greeting)
    greeted(node, *greeting);
}

/// Something has gone wrong between us. Not at once: two sides that do so at the same time would
/// upset each other again, for ever.
void name_server::meet_anew(atom node) {
  const auto found = meetings_.find(node);
  if (found == meetings_.end())
    return;
  meeting& m = found->second;
  const bool began = m.my_tag || m.again != 0;
  end(node);
  pending_.erase(node);
  table_.forget(node);
  if (!began)
    return;
  m.again = ++numbers_;
  const bool mine_first = compare(self_.node(), node) < 0;
  self_.send_after(mine_first ? short_break : long_break, self_.self(),
                   term::tuple({words().meet_again, node, term(m.again)}));
}

/// `{init_connect, {Version, Tag, ...}, Node, {locker, _, _, Locker}}`
void name_server::greeted(atom node, const term& greeting) {
  const term_ref versions = greeting.element(1);
  const term_ref locker = greeting.element(3);
  if (!up_.contains(node) || versions.arity() < 2 || !locker.is_tuple(words().locker, 4) ||
      !locker.element(3).is_pid() || locker.element(3).to_pid()->node != node)
    return unexpected("greeting", greeting);
  if (versions.element(0).to_int64().value_or(0) < version) {
    log::limited("global version", log::level::warning, "global", to_string(node),
                 " speaks an old version of the protocol: ", brief(versions));
    return;
  }
  const term his_tag = term::copy(versions.element(1));
  if (pending_.contains(node)) {
    cancel_with(node, his_tag);
    return meet_anew(node);
  }
  meeting& m = meetings_[node];
  m.his_tag = his_tag;
  if (!m.my_tag) {
    m.his_greeting = greeting;
    return;
  }
  self_.send(locker_,
             global_messages::peer_is_ready(node, *locker.element(3).to_pid(), *m.my_tag, his_tag));
  tell(node, term::tuple({words().init_connect_ack, self_.node(), his_tag, *m.my_tag}));
  pending_.insert(node);
}

/// The meeting is over, or fails: the locker lets go, after `message` has gone to these nodes.
void name_server::end(atom node, const std::vector<atom>& to, const term& message) {
  const auto found = meetings_.find(node);
  if (found == meetings_.end())
    return;
  const meeting ended = std::exchange(found->second, {});
  if (!ended.my_tag)
    return;
  self_.send(locker_, global_messages::cancel(node, *ended.my_tag, to, message));
  if (pending_.contains(node) && ended.his_tag)
    cancel_with(node, *ended.his_tag);
  if (ended.resolver != pid{})
    self_.exit(ended.resolver, term(atoms::kill));
}

void name_server::cancel_with(atom node, const term& his_tag) {
  tell(node, term::tuple({words().cancel_connect, self_.node(), his_tag}));
}

/// Our side is locked, and so is his.
void name_server::lock_is_set(atom node, const term& lock) {
  meeting& m = meetings_[node];
  cast(node, term::tuple({words().exchange, self_.node(), table_.names(), term(),
                          m.his_tag.value_or(term(atoms::undefined))}));
  m.lock = lock;
  m.locked = true;
  if (const auto names = std::exchange(m.his_names, std::nullopt))
    exchange(node, *names);
}

void name_server::exchange(atom node, const term& names) {
  meeting& m = meetings_[node];
  if (std::exchange(m.locked, false))
    compare_names(node, names);
  else
    m.his_names = names;
}

/// Of two processes with one name one has to give it up. The node with the lesser name sees to it.
void name_server::compare_names(atom node, const term& names) {
  meeting& m = meetings_[node];
  name_changes changes;
  const bool we_decide = compare(self_.node(), node) < 0;
  std::vector<name_conflict> conflicts = find_conflicts(table_, names, we_decide, changes);
  if (conflicts.empty())
    self_.send(self_.self(), exchange_ops(node, *m.my_tag, changes));
  else
    m.resolver = self_
                     .spawn_body(make_global_resolver(self_.self(), node, *m.my_tag,
                                                      std::move(conflicts), std::move(changes)),
                                 {})
                     .process;
}

/// What has to change, here and there: he gets told, and when he has told us, both know all.
void name_server::compared(atom node, const term& here, const term& there) {
  meeting& m = meetings_[node];
  m.resolver = {};
  const vocabulary& w = words();
  cast(node, term::tuple({w.resolved, self_.node(), there, known_list(), w.unused,
                          table_.external_names(), m.his_tag.value_or(term(atoms::undefined))}));
  m.changes = shares_of(here, here);
  if (const auto answer = std::exchange(m.his_answer, std::nullopt))
    resolved(node, *answer);
}

/// `{resolved, Node, Changes, Known, _, ExternalNames, MyTag}`
void name_server::resolved(atom node, const term& answer) {
  const vocabulary& w = words();
  meeting& m = meetings_[node];
  std::vector<term> changes = std::move(*std::exchange(m.changes, std::nullopt));
  for (term& each : shares_of(answer, answer.element(2)))
    changes.push_back(std::move(each));
  std::vector<version_of> his = nodes_in(answer.element(3));
  const std::vector<atom> his_nodes = keys_of(his);
  his.insert(his.begin(), {node, version});

  const term lock = m.lock.value_or(term());
  introduce_to(his_nodes);
  table_.apply(changes, answer.element(5), lock);
  // Nodes that he knows are of one group with us now.
  for (const atom each : his_nodes) {
    pending_.erase(each);
    end(each);
  }
  // Our own group hears of his from our locker, before it is unlocked.
  const term extra = term::list({term::tuple({w.vsn, term(version)}), term::tuple({w.lock, lock})});
  const term news = term::tuple(
      {w.new_nodes, self_.node(), to_term(changes), answer.element(5), to_term(his), extra});
  pending_.erase(node);
  end(node, keys_of(known_), term::tuple({atoms::gen_cast, news}));
  self_.send(locker_, global_messages::known(add_known(his)));
  synced_.insert(node);
}

/// `{new_nodes, From, Changes, ExternalNames, Nodes, [{vsn, _}, {lock, Lock}]}`: one of our group
/// has met others.
void name_server::new_nodes(const term& message) {
  const std::vector<atom> added = add_known(nodes_in(message.element(4)));
  introduce_to(added);
  term_ref lock;
  for (const term_ref each : message.element(5).items())
    if (each.is_tuple(words().lock, 2))
      lock = each.element(1);
  table_.apply(shares_of(message, message.element(2)), message.element(3), lock);
  self_.send(locker_, global_messages::known(added));
}

void name_server::in_sync(atom node) {
  if (!up_.contains(node))
    return;
  pending_.erase(node);
  synced_.insert(node);
  end(node);
}

std::vector<atom> name_server::add_known(const std::vector<version_of>& nodes) {
  std::vector<atom> added;
  for (const auto& [node, vsn] : nodes) {
    if (node == self_.node())
      continue;
    if (known_.size() >= most_nodes) {
      log::limited("global nodes", log::level::warning, "global", "more than ", most_nodes,
                   " nodes");
      break;
    }
    const auto [place, is_new] = known_.emplace(node, vsn);
    if (is_new)
      added.push_back(node);
    else
      place->second = std::max(place->second, vsn);
  }
  return added;
}

term name_server::known_list() const {
  return to_term(std::vector<version_of>(known_.begin(), known_.end()));
}

/// Connects to nodes that others have met, and says that we know each other.
void name_server::introduce_to(const std::vector<atom>& nodes) {
  const term greeting = term::tuple({words().in_sync, self_.node(), atoms::true_});
  for (const atom node : nodes) {
    if (node == self_.node())
      continue;
    if (!up_.contains(node) && !introducing_.contains(node)) {
      if (introducing_.size() >= most_nodes)
        continue;
      introducing_.insert(node);
      self_.monitor_node(node);
    }
    cast(node, greeting);
  }
}

void name_server::introduced(atom node) {
  if (introducing_.erase(node) != 0)
    self_.demonitor_node(node);
}

// Nodes are lost.

void name_server::node_is_lost(atom node, loss how) {
  end(node);
  self_.send(locker_, global_messages::unknown(node));
  if (how == loss::asked_for)
    removing_.insert(node);
  else if (removing_.erase(node) == 0 && how == loss::by_itself)
    tell_of_loss(node);
  pending_.erase(node);
  known_.erase(node);
  synced_.erase(node);
}

void name_server::tell_of_loss(atom node) {
  if (!settings_.options.prevent_overlapping_partitions)
    return;
  tell_all(term::tuple({words().lost_connection, self_.node(), term(settings_.creation),
                        term(++numbers_), node}),
           node);
}

void name_server::tell_all(const term& message, atom but) {
  for (const auto& [node, vsn] : known_)
    if (node != but)
      tell(node, message);
  for (const atom node : pending_)
    if (node != but && !known_.contains(node))
      tell(node, message);
}

/// Of each life of a node for itself: messages of two lives that are under way at once would else
/// be passed on for ever.
bool name_server::is_known_loss(atom by, atom of, std::int64_t life, std::int64_t number) {
  const time_point now = self_.now();
  if (losses_.size() >= most_losses)
    std::erase_if(losses_, [&](const auto& each) { return each.second.at + losses_last < now; });
  if (losses_.size() >= most_losses)
    losses_.clear(); // at worst something is told twice
  const auto [place, is_new] = losses_.try_emplace({by.index(), of.index(), life});
  told_loss& last = place->second;
  if (!is_new && now - last.at < losses_last && number <= last.number)
    return true;
  last = {number, now};
  return false;
}

/// `{lost_connection, A, Life, Number, B}`: A has lost B. So that no two nodes see different
/// clusters, everybody parts from B (and B from A).
void name_server::lost_connection(const term& message) {
  const atom by = *message.element(1).to_atom();
  const atom of = *message.element(4).to_atom();
  const auto life = message.element(2).to_int64();
  const auto number = message.element(3).to_int64();
  if (!settings_.options.prevent_overlapping_partitions || by == self_.node() || !life || !number ||
      is_known_loss(by, of, *life, *number))
    return;
  tell_all(message, by);
  const atom goes = of == self_.node() ? by : of;
  if (!is_known(goes))
    return;
  log::limited("global disconnect", log::level::warning, "global", "asking ", to_string(goes),
               " to disconnect, as ", to_string(by), " has lost ", to_string(of),
               ": two nodes must not see different clusters");
  tell(goes, term::tuple({words().remove_connection, self_.node()}));
  node_is_lost(goes, loss::asked_for);
}

void name_server::remove_connection(atom node) {
  if (!up_.contains(node))
    return;
  log::limited("global disconnect", log::level::warning, "global", "disconnecting from ",
               to_string(node),
               ", which has asked for it: two nodes must not see different clusters");
  self_.disconnect_node(node);
  node_is_lost(node, loss::asked_for);
}

task<> serve(process& self, runtime::global_names* shown, const global_settings& settings) {
  const pid locker =
      self.spawn_body(make_global_locker(self.self(), settings.creation), {.link = true}).process;
  self.trap_exit(true);
  self.monitor_nodes(node_kind::visible);
  name_server state(never_wait(self), *shown, settings, locker);
  for (;;) {
    auto m = co_await self.receive();
    if (gen::is_exit_of(m.body(), locker))
      self.exit(term(atoms::killed));
    state.handle(m.body());
  }
}

} // namespace

owned_body make_global_name_server(runtime::global_names& shown, const global_settings& settings) {
  return make_body(serve, &shown, settings);
}

} // namespace erl
