#include "node/peers.hpp"

#include "base/log.hpp"
#include "node/connection_counts.hpp"
#include "node/node_name.hpp"
#include "node/peer.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <utility>

namespace erl {

using runtime::signal;
using runtime::signal_kind;

namespace {
constexpr duration longest_hold = std::chrono::milliseconds(500);
constexpr duration between_attempts = std::chrono::milliseconds(100);

/// What those who monitor nodes are told.
struct vocabulary {
  atom visible{"visible"};
  atom hidden{"hidden"};
  atom connection_closed{"connection_closed"};
  atom disconnect{"disconnect"};
  atom net_tick_timeout{"net_tick_timeout"};
};
const vocabulary& words() {
  static const vocabulary all;
  return all;
}
atom type_of(bool visible) { return visible ? words().visible : words().hidden; }
} // namespace

peers::peers(dist::link_options options, std::vector<known_peer> known, bool use_epmd,
             const served_functions& served, auto_connect when)
    : options_(std::move(options)), known_(std::move(known)), served_(served), auto_connect_(when),
      lookup_(use_epmd ? std::make_unique<lookup_service>() : nullptr) {}

peers::~peers() = default;

void peers::bind(runtime::system& owner) {
  system_ = &owner;
  home_ = &owner.at(0);
  options_.creation = owner.self().creation;
  owner.set_distribution(this, {.of_node = options_.limits.relations,
                                .of_process = options_.limits.relations_of_process});
}

peers::peer& peers::get(atom name) {
  auto& slot = peers_[name];
  if (slot == nullptr)
    slot = std::make_unique<peer>(*this, name);
  return *slot;
}

peers::peer* peers::find(atom name) const {
  const auto found = peers_.find(name);
  return found == peers_.end() ? nullptr : found->second.get();
}

peers::peer* peers::find_connected(atom name) const {
  peer* const p = find(name);
  return p != nullptr && p->up != nullptr ? p : nullptr;
}

/// By a name that need not be anybody's, and makes no atom.
peers::peer* peers::find(std::string_view name) const {
  const auto known = atom::find(name);
  return known ? find(*known) : nullptr;
}

// Going out.

bool peers::may_connect_to_send(atom name) const {
  return auto_connect_ == auto_connect::always ||
         (auto_connect_ == auto_connect::once && !lost_.contains(name));
}

void peers::connect_to_send(peer& p) {
  if (may_connect_to_send(p.node))
    return begin(p);
  fail(p, auto_connect_ == auto_connect::never
              ? "auto_connect is never: node::connect connects"
              : "auto_connect is once, and the connection was lost: node::connect connects");
}

void peers::connect(const std::string& name, outcome done) {
  peer& p = get(atom(std::string_view(name)));
  if (p.up != nullptr)
    return done({});
  p.on_outcome.push_back(std::move(done));
  if (!p.connecting())
    begin(p);
}

void peers::connect_for_name(const std::string& name, named take, outcome done) {
  options_.flags |= dist::flags::name_me;
  take_name_ = std::move(take);
  connect(name, std::move(done));
}

void peers::disconnect(atom node) {
  if (peer* const p = find_connected(node))
    p->up->link.flush_all(); // which may end it
  if (peer* const p = find_connected(node)) {
    log::limited(p->name, log::level::info, "dist", "disconnecting from ", p->name);
    ++history_.lost.disconnected;
    lose(*p, words().disconnect);
  }
}

void peers::begin(peer& p) {
  if (nameless_)
    return fail(p, "this node has lost its name with the connection to " +
                       std::string(named_by_.text()) + "; a new one gets a new name");
  if (const auto known = std::find_if(known_.begin(), known_.end(),
                                      [&](const auto& k) { return k.name == p.name; });
      known != known_.end())
    return dial(p, {known->address, known->port});
  const auto name = parse_node_name(p.name);
  if (!name) {
    ++history_.failed.bad_name;
    return fail(p, name.error());
  }
  if (lookup_ == nullptr) {
    ++history_.failed.unreachable;
    return fail(p, p.name + " is not among the known peers, and the port mapper is switched off in "
                            "the node's options");
  }
  p.looking_up = true;
  lookup_->find(name->name, name->host,
                [this, full = p.node](std::expected<endpoint, std::string> where) {
                  home_->post([this, full, where = std::move(where)] { looked_up(full, where); });
                });
}

void peers::looked_up(atom name, std::expected<endpoint, std::string> where) {
  peer* const found = find(name);
  if (stopping_ || found == nullptr || !std::exchange(found->looking_up, false))
    return;
  peer& p = *found;
  if (p.up != nullptr)
    return;
  if (!where) {
    ++history_.failed.unreachable;
    return fail(p, where.error());
  }
  dial(p, *where);
}

/// An attempt that is being let in would cross with ours, and messages be lost with the one that
/// goes. OTP waits, too. Here not for long, since anybody can use a name.
void peers::dial(peer& p, const endpoint& where) {
  p.address = where;
  if (!is_coming_in(p.name))
    return dial_now(p);
  p.held = true;
  home_->timers().arm(p.waiting_for_peer, home_->world().now() + longest_hold);
}

/// The peer's own attempt, which ours has been waiting for, does not come or has failed. A peer
/// that refused ours may have meant an earlier one of ours that it had not seen the end of (OTP
/// does not ask whose the attempt is that it knows of), so ours begins again.
void peers::go_on_without(peer& p) {
  const auto time = home_->world().now();
  home_->timers().cancel(p.waiting_for_peer);
  const bool held = std::exchange(p.held, false);
  // First, since anybody can use the peer's name to be coming in.
  if (p.refused_until != time_point{} && time >= p.refused_until)
    fail(p, p.name + " refused our connection in favour of its own, which never came");
  else if (!held && is_coming_in(p.name))
    home_->timers().arm(p.waiting_for_peer, time + between_attempts);
  else
    dial_now(p);
}

bool peers::is_coming_in(std::string_view name) const {
  return std::any_of(half_open_.begin(), half_open_.end(),
                     [&](const auto& c) { return c->admitted == name; });
}

void peers::dial_now(peer& p) {
  p.yields = false;
  p.out = std::make_unique<connection>(*this);
  p.out->owner = &p;
  p.out->link.dial(p.address, p.name);
}

// Ends.

void peers::tell(peer& p, const std::expected<void, std::string>& result) {
  for (const outcome& done : std::exchange(p.on_outcome, {}))
    done(result);
}

/// The attempt to connect has failed: everybody who waits for it hears so.
void peers::fail(peer& p, const std::string& why) {
  log::limited(p.name, log::level::warning, "dist", "no connection to ", p.name, ": ", why);
  const std::unique_ptr<peer> keep = std::move(peers_.extract(p.node).mapped());
  home_->timers().cancel(p.waiting_for_peer);
  tell(p, std::unexpected(why));
  has_room(p);
  home_->lose_node_everywhere(p.node, home_->epoch_of(p.node));
}

/// The connection is gone: so is everything that depended on it.
void peers::lose(peer& p, atom why) {
  const std::unique_ptr<peer> keep = std::move(peers_.extract(p.node).mapped());
  // First of all: who waits for this connection waits no more.
  const std::unique_ptr<connection> gone = std::move(p.up);
  system_->nodes().set_connected(p.node, false);
  if (auto_connect_ == auto_connect::once)
    lost_.insert(p.node);
  has_room(p);
  home_->lose_node_everywhere(p.node, home_->epoch_of(p.node));
  announce(p, to_term(node_lost{p.node, {type_of(p.visible), why}}));
  if (p.out != nullptr && why != words().disconnect) {
    peer& next = get(p.node);
    next.address = p.address;
    next.out = std::move(p.out);
    next.out->owner = &next;
  }
  if (p.node == named_by_)
    lose_name();
}

/// The peer has a new connection.
void peers::replace(peer& p) {
  ++history_.lost.replaced;
  lose(p, words().connection_closed);
}

void peers::too_many_relations(atom node) {
  peer* const p = find_connected(node);
  if (p == nullptr)
    return;
  log::limited(p->name, log::level::warning, "dist", "the connection to ", p->name,
               " is closed: it has made more links and monitors than it may "
               "(connection_limits::relations, relations_of_process)");
  ++history_.lost.too_many_relations;
  p->out.reset();
  lose(*p, words().connection_closed);
}

void peers::keep_alive() {
  for (const auto& [name, p] : peers_)
    if (p->up != nullptr)
      p->up->link.keep_alive();
}

/// Tells those who monitor nodes.
void peers::announce(const peer& p, const term& message) {
  for (const pid& watcher : system_->nodes().watchers_of(p.kind()))
    home_->send({}, watcher, message);
}

void peers::ended(connection& c, const dist::link_closed& how) {
  if (stopping_)
    return;
  if (c.owner == nullptr) {
    log::limited("refused", log::level::warning, "dist",
                 "an incoming connection failed: ", how.text);
    ++count_of(history_.refused, how);
    const auto keep = take_half_open(c);
    if (peer* const p = find(c.admitted);
        p != nullptr && p->waiting_for_peer.armed() && !is_coming_in(c.admitted))
      go_on_without(*p);
    return;
  }
  peer& p = *c.owner;
  if (p.up.get() == &c) {
    log::limited(p.name, log::level::info, "dist", "lost the connection to ", p.name, ": ",
                 how.text);
    ++count_of(history_.lost, how.reason);
    return lose(p, how.reason == dist::close_reason::tick_timeout ? words().net_tick_timeout
                                                                  : words().connection_closed);
  }
  if (p.up != nullptr) {
    ++history_.failed.given_up;
    const auto keep = std::move(p.out);
    return;
  }
  if (how.reason == dist::close_reason::handshake_failed &&
      (how.handshake == dist::handshake_errc::simultaneous || p.yields)) {
    ++history_.failed.given_up;
    const auto keep = std::move(p.out);
    const auto time = home_->world().now();
    if (p.refused_until == time_point{})
      p.refused_until = time + options_.limits.handshake_time;
    home_->timers().arm(p.waiting_for_peer, time + between_attempts);
    return;
  }
  ++count_of(history_.failed, how);
  if (how.reason == dist::close_reason::unreachable)
    return fail(p, how.text + " at " + p.address.address + ", port " +
                       std::to_string(p.address.port) +
                       ": either the node has just stopped, or a firewall is in the way");
  fail(p, how.text);
}

// Coming in.

void peers::incoming_connection(std::unique_ptr<incoming> connection_in) {
  const std::string address = connection_in->peer().address;
  const auto of_this_address =
      std::count_if(half_open_.begin(), half_open_.end(),
                    [&](const auto& c) { return c->link.peer_address().address == address; });
  if (stopping_ || half_open_.size() >= options_.limits.handshakes ||
      of_this_address >= options_.limits.handshakes_of_address) {
    history_.refused.over_limit += stopping_ ? 0 : 1;
    log::limited("half open", log::level::warning, "dist",
                 "too many unfinished handshakes: a connection from ", address,
                 " is refused (connection_limits::handshakes, handshakes_of_address)");
    return;
  }
  half_open_.push_back(std::make_unique<connection>(*this));
  half_open_.back()->link.accept(*connection_in);
}

std::unique_ptr<peers::connection> peers::take_half_open(connection& c) {
  const auto found = std::find_if(half_open_.begin(), half_open_.end(),
                                  [&](const auto& each) { return each.get() == &c; });
  if (found == half_open_.end())
    return nullptr;
  std::unique_ptr<connection> taken = std::move(*found);
  half_open_.erase(found);
  return taken;
}

bool peers::is_used(const std::string& name) const {
  return name == options_.name || find(std::string_view(name)) != nullptr || is_coming_in(name);
}

/// A name for a node on `host` that has none. One that has been given and is free again if there is
/// one, since names stay in the atom table; the creation tells its owners apart.
dist::handshake_decision peers::name_peer(const std::string& host) {
  constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const auto draw = [&]<class T>(T number) {
    home_->world().random(std::as_writable_bytes(std::span(&number, 1)));
    return number;
  };
  dist::handshake_decision decision{.status = dist::handshake_status::named};
  decision.creation = std::max<std::uint32_t>(draw(std::uint32_t{}), 4);
  const auto free = std::ranges::find_if(given_names_, [&](const std::string& name) {
    return dist::host_part(name) == host && !is_used(name);
  });
  if (free != given_names_.end()) {
    decision.name = *free;
    return decision;
  }
  do {
    decision.name.clear();
    for (auto number = draw(std::uint64_t{}); number != 0; number /= digits.size())
      decision.name += digits[number % digits.size()];
    decision.name += '@' + host;
  } while (is_used(decision.name));
  return decision;
}

/// This node asked for a name, and has one.
void peers::take_name(const dist::peer_info& info) {
  options_.name = info.assigned_name;
  options_.creation = info.assigned_creation;
  options_.flags &= ~(dist::flags::name_me | dist::flags::published);
  named_by_ = atom(std::string_view(info.name));
  std::exchange(take_name_, {})(options_.name, options_.creation);
}

/// The node that named this one may give the name to others: nobody must know this one by it.
void peers::lose_name() {
  nameless_ = true;
  log::put(log::level::warning, "dist", "this node's name has gone with the connection to ",
           named_by_.text(), ": it has no connections any more");
  std::vector<atom> all;
  all.reserve(peers_.size());
  for (const auto& [name, p] : peers_)
    all.push_back(name);
  for (const atom name : all)
    if (peer* const p = find(name); p == nullptr)
      continue;
    else if (p->up != nullptr)
      lose(*p, words().connection_closed);
    else
      fail(*p, "this node has lost its name");
}

/// The answer to a node that has given its name and proved nothing yet.
dist::handshake_decision peers::decide(const dist::peer_info& info) {
  using status = dist::handshake_status;
  if (info.named_by_us) // what it has given is its host
    return name_peer(info.name);
  if (info.name == options_.name)
    return {.status = status::not_allowed, .reason = "it has the same name as this node"};
  peer* const p = find(info.name);
  if (p == nullptr)
    return {.status = status::ok};
  if (p->up != nullptr)
    return {.status = status::alive};
  if (p->out == nullptr)
    return {.status = status::ok};
  // Both sides dial at once: the attempt of the node with the greater name stands. Ours goes on
  // until the other one has proved itself, so that nobody can stop it by merely using a name.
  const bool ours_stands = compare(atom(std::string_view(options_.name)), p->node) > 0;
  p->yields = p->yields || !ours_stands;
  return {.status = ours_stands ? status::nok : status::ok_simultaneous};
}

void peers::up(connection& c, const dist::peer_info& info) {
  const bool is_incoming = c.owner == nullptr;
  if (c.owner == nullptr) {
    auto taken = take_half_open(c);
    const atom name = c.link.peer_name();
    if (peer* const old = find_connected(name))
      replace(*old);
    peer& p = get(name);
    // An attempt that was let in before ours began: of two that cross, that of the greater name
    // stands.
    if (p.out != nullptr && !p.yields && compare(system_->self().node, p.node) > 0) {
      ++history_.refused.given_up;
      return;
    }
    ++history_.accepted;
    c.owner = &p;
    p.up = std::move(taken);
    if (info.named_by_us && std::ranges::find(given_names_, info.name) == given_names_.end())
      given_names_.push_back(info.name);
  } else {
    if (c.owner->up != nullptr) // not for the peer any more
      replace(*c.owner);
    if (take_name_)
      take_name(info);
    c.owner->up = std::move(c.owner->out);
    ++history_.dialled;
  }
  peer& p = *c.owner;
  p.incoming = is_incoming;
  p.up_since = home_->world().now();
  p.creation = info.creation;
  p.visible = info.visible();
  p.looking_up = false;
  p.yields = false;
  p.held = false;
  p.refused_until = {};
  home_->timers().cancel(p.waiting_for_peer);
  log::limited(p.name, log::level::info, "dist", "connected to ", p.name);
  system_->nodes().set_connected(p.node, true);
  lost_.erase(p.node);
  announce(p, to_term(node_up{p.node, {type_of(p.visible)}}));
  p.waiting_bytes = 0;
  for (signal& s : std::exchange(p.waiting, {}))
    transmit(p, std::move(s));
  if (!p.up->link.congested())
    has_room(p);
  tell(p, {});
}

// The operator's side.

std::vector<std::string> peers::connected(node_kind which) const {
  std::vector<std::string> names;
  for (const auto& [name, p] : peers_)
    if (p->up != nullptr && (which == node_kind::all || which == p->kind()))
      names.emplace_back(name.text());
  return names;
}

std::vector<connection_info> peers::connections() const {
  std::vector<connection_info> all;
  const time_point now = home_->world().now();
  for (const auto& [name, p] : peers_)
    if (p->up != nullptr)
      all.push_back(p->info(now));
  std::ranges::sort(all, {}, &connection_info::name);
  return all;
}

std::size_t peers::held() const {
  std::size_t total = 0;
  for (const auto& [name, p] : peers_)
    total += p->waiting.size() + p->blocked.size() + p->named_monitors.size();
  return total;
}

void peers::shut_down() {
  stopping_ = true;
  lookup_.reset();
  half_open_.clear();
  auto all = std::move(peers_); // a flush may find its link lost
  peers_.clear();
  for (auto& [name, p] : all) {
    if (p->up != nullptr)
      p->up->link.flush_all();
    tell(*p, std::unexpected("the node is stopping"));
  }
  home_->cancel_flush(*this);
}

} // namespace erl
