#include "node/peers.hpp"

#include "base/log.hpp"
#include "node/node_name.hpp"
#include "node/signals.hpp"
#include "node/spawn_options.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace erl {

using runtime::signal;
using runtime::signal_kind;

namespace {
constexpr std::size_t most_waiting_bytes = std::size_t{256} << 20U;
constexpr std::size_t signal_size = 128; // in the count of waiting bytes
constexpr duration longest_hold = std::chrono::milliseconds(500);
constexpr duration between_attempts = std::chrono::milliseconds(100);

/// What those who monitor nodes are told.
struct vocabulary {
  atom visible{"visible"};
  atom hidden{"hidden"};
  atom connection_closed{"connection_closed"};
  atom disconnect{"disconnect"};
  atom net_tick_timeout{"net_tick_timeout"};
  atom system_limit{"system_limit"};
};
const vocabulary& words() {
  static const vocabulary all;
  return all;
}

/// The count of such a failure.
std::uint64_t& count_of(connection_failures& all, const dist::link_closed& how) {
  using enum dist::handshake_errc;
  if (how.reason == dist::close_reason::unreachable)
    return all.unreachable;
  if (how.reason != dist::close_reason::handshake_failed)
    return all.other;
  switch (how.handshake) {
  case malformed:
  case message_too_long:
    return all.malformed;
  case bad_name:
  case wrong_peer:
  case name_not_assigned:
    return all.bad_name;
  case flags_missing:
    return all.flags_missing;
  case not_allowed:
    return all.not_allowed;
  case simultaneous:
  case abandoned:
    return all.given_up;
  case wrong_cookie:
    return all.wrong_cookie;
  case reflected:
    return all.reflected;
  case refused: // see `peers::decide`
    return all.same_name;
  case peer_closed:
    return all.hung_up;
  case timed_out:
    return all.timed_out;
  case digest_unavailable:
    break;
  }
  return all.other;
}

/// The count of connections that were up and ended so.
std::uint64_t& count_of(connection_losses& all, dist::close_reason why) {
  using enum dist::close_reason;
  switch (why) {
  case peer_closed:
    return all.closed_by_peer;
  case tick_timeout:
    return all.silent;
  case protocol_error:
    return all.illegal_frame;
  case frame_too_long:
    return all.frame_too_long;
  case too_many_atoms:
    return all.too_many_atoms;
  case output_overflow:
    return all.output_overflow;
  case connection_lost:
  case unreachable:
  case handshake_failed:
    break;
  }
  return all.network;
}
} // namespace

/// One link and whose it is.
class peers::connection final : private dist::link_events {
public:
  explicit connection(peers& table)
      : link(table.home_->world(), table.home_->timers(), table.challenges_, table.options_, *this),
        table_(table) {}

  peer* owner = nullptr; ///< null while half open
  std::string admitted;  ///< who the peer says it is, once it has been let in
  dist::link link;

private:
  dist::handshake_decision name_received(dist::link&, const dist::peer_info& info) override {
    auto decision = table_.decide(info);
    if (decision.status != dist::handshake_status::nok &&
        decision.status != dist::handshake_status::not_allowed)
      admitted = info.named_by_us ? decision.name : info.name;
    return decision;
  }
  bool still_wanted(dist::link&) override;
  void replace_old(dist::link& source) override;
  void up(dist::link&, const dist::peer_info& info) override { table_.up(*this, info); }
  void message(dist::link&, dist::control_message&& m) override {
    table_.received(*owner, std::move(m));
  }
  void drained(dist::link&) override { table_.has_room(*owner); }
  void written(dist::link&) override { table_.look_after_stopped(*owner); }
  void unfinished(dist::link&) override {
    if (owner != nullptr)
      table_.flush_later(*owner);
  }
  void closed(dist::link&, const dist::link_closed& how) override { table_.ended(*this, how); }

  peers& table_;
};

struct peers::peer {
  /// The peer's own attempt is on its way: ours is held back, or the peer has refused it.
  class patience final : public timer {
  public:
    patience(peers& table, peer& p) : table_(table), peer_(p) {}

  private:
    void expired() override { table_.go_on_without(peer_); }
    peers& table_;
    peer& peer_;
  };

  peer(peers& table, atom full_name)
      : name(full_name.text()), node(full_name), waiting_for_peer(table, *this) {}

  std::string name;
  atom node;
  std::uint32_t creation = 0;
  bool visible = false;
  endpoint address; ///< where it was dialled
  std::unique_ptr<connection> up;
  /// Our attempt. It goes on beside the peer's own that has overtaken it, until the peer has
  /// refused it: one that vanished would stay what OTP takes for the connection to be, if this one
  /// ends.
  std::unique_ptr<connection> out;
  bool looking_up = false;
  bool yields = false; ///< the peer has been told that its attempt stands instead of ours
  bool held = false;   ///< our attempt waits for the end of the peer's
  /// When the peer has refused ours in favour of its own: how long we wait for that one. Otherwise
  /// 0.
  time_point refused_until{};
  bool dirty = false;
  patience waiting_for_peer;
  std::vector<signal> waiting;
  std::size_t waiting_bytes = 0;
  bool busy = false; ///< so much waits that senders are stopped
  time_point busy_since{};
  duration busy_time{}; ///< before that
  std::uint64_t times_busy = 0;
  std::uint64_t stops = 0; ///< of senders
  time_point up_since{};
  bool incoming = false;
  std::vector<pid> blocked; ///< senders that have stopped
  std::vector<outcome> on_outcome;
  /// By-name monitors that this peer holds: the process that had the name when the monitor came.
  std::unordered_map<reference, pid> named_monitors;

  bool connecting() const { return out != nullptr || looking_up || waiting_for_peer.armed(); }
};

node_kind peers::kind_of(const peer& p) {
  return p.visible ? node_kind::visible : node_kind::hidden;
}
atom peers::type_of(const peer& p) { return p.visible ? words().visible : words().hidden; }

void peers::connection::replace_old(dist::link&) {
  if (peer* const p = table_.find(link.peer().name); p != nullptr && p->up) {
    ++table_.history_.lost.replaced;
    table_.lose(*p, words().connection_closed);
  }
}

/// The peer has a connection, and asks whether this attempt is meant to replace it.
bool peers::connection::still_wanted(dist::link&) {
  return owner == nullptr || owner->up == nullptr;
}

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

/// By a name that need not be anybody's, and makes no atom.
peers::peer* peers::find(std::string_view name) const {
  const auto known = atom::find(name);
  return known ? find(*known) : nullptr;
}

// Going out.

void peers::outgoing(signal&& s) {
  const atom node = runtime::receiving_node(s);
  if (s.kind == signal_kind::room_wanted)
    return wants_room(s.from, node);
  if (stopping_ || s.epoch < home_->epoch_of(node))
    return;
  peer* const known = find(node);
  if (s.kind == signal_kind::disconnect)
    return disconnect(node);
  if (known != nullptr && known->up != nullptr)
    return transmit(*known, std::move(s));
  if ((s.kind == signal_kind::message || s.kind == signal_kind::alias_message) &&
      !may_connect_to_send(node) && known == nullptr)
    return; // nobody is told of a lost message
  peer& p = get(node);
  p.waiting_bytes += signal_size + encode_into(s.body, {});
  p.waiting.push_back(std::move(s));
  if (p.waiting_bytes > most_waiting_bytes) {
    ++history_.failed.over_limit;
    return fail(p, "more than 256 MB wait for the connection to " + p.name);
  }
  if (p.waiting_bytes >= options_.limits.high_water)
    is_full(p);
  if (!p.connecting())
    connect_to_send(p);
}

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
  const auto connection_to = [&] {
    peer* const p = find(node);
    return p != nullptr && p->up != nullptr ? p : nullptr;
  };
  if (peer* p = connection_to())
    p->up->link.flush_all(); // which may end it
  if (peer* p = connection_to()) {
    log::put(log::level::info, "dist", "disconnecting from ", p->name);
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

void peers::transmit(peer& p, signal&& s) {
  if (s.kind == signal_kind::connect)
    return;
  if (s.kind == signal_kind::spawn_request && (p.up->link.peer().common & dist::flags::spawn) == 0)
    return home_->route({.kind = signal_kind::spawn_reply,
                         .from = {.node = p.node},
                         .to = s.from,
                         .object = atoms::notsup,
                         .ref = s.ref});
  // OTP closes the connection over an exit or unlink to a pid of an earlier life of its node.
  if ((s.kind == signal_kind::link_exit || s.kind == signal_kind::unlink ||
       s.kind == signal_kind::exit) &&
      s.to.creation != p.creation) {
    if (s.kind == signal_kind::unlink)
      home_->route({.kind = signal_kind::unlink_ack, .from = s.to, .to = s.from, .id = s.id});
    return;
  }
  if (s.kind == signal_kind::down && s.object != atom())
    p.named_monitors.erase(s.ref);
  const pid sender = s.from;
  transmit(p, to_control(std::move(s)));
  // One that sends much more than others waits for itself.
  if (p.up->link.waiting_bytes(sender) >= options_.limits.high_water)
    home_->route({.kind = signal_kind::way_is_full, .from = {.node = p.node}, .to = sender});
}

void peers::transmit(peer& p, dist::control_message&& m) {
  p.up->link.send(std::move(m));
  if (p.up->link.congested()) [[unlikely]]
    is_full(p);
  flush_later(p);
}

void peers::flush_later(peer& p) {
  if (std::exchange(p.dirty, true))
    return;
  if (dirty_.empty())
    home_->flush_later(*this);
  dirty_.push_back(p.node);
}

// Senders that stop while too much waits.

void peers::is_full(peer& p) {
  if (std::exchange(p.busy, true))
    return;
  ++p.times_busy;
  p.busy_since = home_->world().now();
  system_->nodes().set_busy(p.node, true);
}

void peers::has_room(peer& p) {
  if (std::exchange(p.busy, false)) {
    p.busy_time += home_->world().now() - p.busy_since;
    system_->nodes().set_busy(p.node, false);
  }
  look_after_stopped(p);
}

/// Those for whom there is room go on.
void peers::look_after_stopped(peer& p) {
  if (p.busy || p.blocked.empty())
    return;
  std::vector<pid> free;
  std::erase_if(p.blocked, [&](const pid& sender) {
    if (must_wait(p, sender))
      return false;
    free.push_back(sender);
    return true;
  });
  for (const pid& sender : free)
    tell_of_room(sender, p.node);
}

bool peers::must_wait(const peer& p, const pid& sender) const {
  return p.busy ||
         (p.up != nullptr && p.up->link.waiting_bytes(sender) > options_.limits.low_water);
}

void peers::wants_room(const pid& sender, atom node) {
  peer* const p = find(node);
  if (p == nullptr || !must_wait(*p, sender))
    return tell_of_room(sender, node);
  ++p->stops;
  p->blocked.push_back(sender);
}

void peers::tell_of_room(const pid& sender, atom node) {
  home_->route({.kind = signal_kind::room, .from = {.node = node}, .to = sender});
}

void peers::flush() {
  for (const atom name : std::exchange(dirty_, {}))
    if (peer* const p = find(name)) {
      p->dirty = false;
      if (p->up != nullptr)
        p->up->link.flush();
    }
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
  announce(p, to_term(node_lost{p.node, {type_of(p), why}}));
  if (p.out != nullptr && why != words().disconnect) {
    peer& next = get(p.node);
    next.address = p.address;
    next.out = std::move(p.out);
    next.out->owner = &next;
  }
  if (p.node == named_by_)
    lose_name();
}

void peers::too_many_relations(atom node) {
  peer* const p = find(node);
  if (p == nullptr || p->up == nullptr)
    return;
  log::put(log::level::warning, "dist", "the connection to ", p->name,
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
  for (const pid& watcher : system_->nodes().watchers_of(kind_of(p)))
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
    log::put(log::level::info, "dist", "lost the connection to ", p.name, ": ", how.text);
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
    if (peer* const old = find(name); old != nullptr && old->up != nullptr) {
      ++history_.lost.replaced;
      lose(*old, words().connection_closed);
    }
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
    if (c.owner->up != nullptr) { // not for the peer any more
      ++history_.lost.replaced;
      lose(*c.owner, words().connection_closed);
    }
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
  log::put(log::level::info, "dist", "connected to ", p.name);
  system_->nodes().set_connected(p.node, true);
  lost_.erase(p.node);
  announce(p, to_term(node_up{p.node, {type_of(p)}}));
  p.waiting_bytes = 0;
  for (signal& s : std::exchange(p.waiting, {}))
    transmit(p, std::move(s));
  if (!p.up->link.congested())
    has_room(p);
  tell(p, {});
}

void peers::received(peer& p, dist::control_message&& m) {
  const atom self = system_->self().node;
  switch (m.kind) {
  case dist::signal_kind::spawn_request:
    return spawn_requested(p, std::move(m));
  case dist::signal_kind::spawn_reply:
    if (m.spawn_failed)
      m.spawned.node = p.node; // no process, and yet an answer of this node
    break;
  case dist::signal_kind::monitor:
    if (m.target == dist::target_kind::name)
      return monitored_by_name(p, m);
    break;
  case dist::signal_kind::demonitor:
    if (m.target == dist::target_kind::name) {
      const auto found = p.named_monitors.find(m.ref);
      if (found == p.named_monitors.end())
        return;
      m.to = found->second;
      m.target = dist::target_kind::process;
      p.named_monitors.erase(found);
    }
    break;
  default:
    break;
  }
  signal s = to_signal(std::move(m));
  if (s.kind == signal_kind::down)
    s.from.node = p.node; // a down by name has no pid
  // Only to this node: nothing is relayed to a third one.
  if (s.to_name == atom() &&
      (s.kind == signal_kind::alias_message ? s.ref.node : s.to.node) != self)
    return;
  home_->route(std::move(s));
}

/// A peer wants a process. The answer goes out before anything that the process sends.
void peers::spawn_requested(peer& p, dist::control_message&& m) {
  dist::control_message reply{.kind = dist::signal_kind::spawn_reply, .to = m.from, .ref = m.ref};
  const auto wishes = read_spawn_options(m.options);
  if (!wishes) {
    reply.spawn_failed = true;
    reply.failure = wishes.error();
    return transmit(p, std::move(reply));
  }
  reply.linked = wishes->link;
  reply.monitored = wishes->monitor;
  try {
    reply.spawned = system_->at(system_->next_scheduler()).reserve();
  } catch (const std::length_error&) { // as many processes as there can be
    reply.spawn_failed = true;
    reply.failure = words().system_limit;
    return transmit(p, std::move(reply));
  }
  const pid process = reply.spawned;
  reply.from = process; // in one order with what it sends
  transmit(p, std::move(reply));
  home_->route({.kind = signal_kind::spawn,
                .from = m.from,
                .to = process,
                .ref = wishes->monitor ? m.ref : reference(),
                .body = term(m.group_leader),
                .what = served_.body_for(m.module, m.function, m.payload),
                .link = wishes->link,
                .urgency = wishes->priority});
}

void peers::monitored_by_name(peer& p, const dist::control_message& m) {
  const auto holder = system_->whereis(m.name);
  if (!holder)
    return home_->route({.kind = signal_kind::down,
                         .to = m.from,
                         .object = m.name,
                         .ref = m.ref,
                         .body = term(atoms::noproc)});
  p.named_monitors.try_emplace(m.ref, *holder);
  home_->route({.kind = signal_kind::monitor,
                .from = m.from,
                .to = *holder,
                .object = m.name,
                .ref = m.ref});
}

// The operator's side.

std::vector<std::string> peers::connected(node_kind which) const {
  std::vector<std::string> names;
  for (const auto& [name, p] : peers_)
    if (p->up != nullptr && (which == node_kind::all || which == kind_of(*p)))
      names.emplace_back(name.text());
  return names;
}

std::vector<connection_info> peers::connections() const {
  std::vector<connection_info> all;
  const time_point now = home_->world().now();
  for (const auto& [name, p] : peers_) {
    if (p->up == nullptr)
      continue;
    const dist::link& link = p->up->link;
    const dist::link_counters counts = link.counters();
    const endpoint where = link.peer_address();
    all.push_back({.name = p->name,
                   .address = where.address,
                   .port = where.port,
                   .incoming = p->incoming,
                   .visible = p->visible,
                   .age = now - p->up_since,
                   .flags = link.peer().common,
                   .flag_names = dist::flag_names(link.peer().common),
                   .received = {.bytes = link.bytes_read(),
                                .frames = counts.frames_read,
                                .ticks = counts.ticks_read,
                                .fragments = counts.fragments_read,
                                .messages = counts.messages_read},
                   .sent = {.bytes = link.bytes_written(),
                            .frames = counts.frames_written,
                            .ticks = counts.ticks_written,
                            .fragments = counts.fragments_written,
                            .messages = counts.messages_written},
                   .waiting_bytes = link.queued_bytes(),
                   .stopped_senders = p->blocked.size(),
                   .stops = p->stops,
                   .times_busy = p->times_busy,
                   .busy_time = p->busy_time + (p->busy ? now - p->busy_since : duration{}),
                   .unfinished_messages = counts.unfinished,
                   .unfinished_bytes = counts.unfinished_bytes,
                   .new_atoms = counts.new_atoms});
  }
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
