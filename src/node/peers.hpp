/// The other nodes: who is connected, who is being connected to, and what waits for them.
///
/// Lives on scheduler 0 and on its thread only, so everything about one peer happens in one order;
/// `keep_alive` is for the watchdog, who has borrowed it (runtime/loan.hpp).
/// A connection has a life (an epoch, counted by the runtime): when it ends, every scheduler is
/// told, and signals that were sent for the ended life are dropped when they arrive here, because
/// their senders hear `noconnection` instead.
#pragma once

#include "base/driver.hpp"
#include "dist/link.hpp"
#include "node/lookup.hpp"
#include "node/served_functions.hpp"
#include "runtime/system.hpp"
#include <erl/node.hpp>

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace erl {

class peers final : public runtime::distribution, public accept_events, private runtime::flushable {
public:
  using outcome = std::function<void(std::expected<void, std::string>)>;

  /// `served` outlives it.
  peers(dist::link_options options, std::vector<known_peer> known, bool use_epmd,
        const served_functions& served, auto_connect when = auto_connect::always);
  ~peers();

  /// One more peer that is not looked up.
  void know(known_peer one) { known_.push_back(std::move(one)); }
  /// Before anything else happens: the schedulers that it serves.
  void bind(runtime::system& owner);

  /// Who this node is from now on. Before it is called this node has no process.
  using named = std::function<void(const std::string& name, std::uint32_t creation)>;
  /// Instead of a first `connect`: asks for a name. `take` is called before anything else comes
  /// from there.
  void connect_for_name(const std::string& name, named take, outcome done);
  /// Calls `done` when `name` is connected, or cannot be.
  void connect(const std::string& name, outcome done);
  std::vector<std::string> connected(node_kind which = node_kind::all) const;
  std::vector<connection_info> connections() const;
  const connection_history& history() const { return history_; }
  /// How much is kept for peers: signals, stopped senders, and their monitors by name.
  std::size_t held() const;
  /// Writes out what is queued, as far as the sockets take it, and closes everything. Nothing
  /// connects any more.
  void shut_down();

  // runtime::distribution
  void outgoing(runtime::signal&& s) override;
  void too_many_relations(atom node) override;
  void keep_alive() override;
  // accept_events
  void incoming_connection(std::unique_ptr<incoming> connection) override;

private:
  struct peer;
  class connection;
  friend connection;

  // runtime::flushable
  void flush() override;

  peer& get(atom name);
  peer* find(atom name) const;
  peer* find(std::string_view name) const;
  peer* find_connected(atom name) const;
  bool may_connect_to_send(atom name) const;
  void connect_to_send(peer& p);
  void disconnect(atom node);
  void begin(peer& p);
  void looked_up(atom name, std::expected<endpoint, std::string> where);
  void dial(peer& p, const endpoint& where);
  void dial_now(peer& p);
  void go_on_without(peer& p);
  bool is_coming_in(std::string_view name) const;
  void transmit(peer& p, runtime::signal&& s);
  void transmit(peer& p, dist::control_message&& m);
  void flush_later(peer& p);
  void is_full(peer& p);
  void has_room(peer& p);
  void look_after_stopped(peer& p);
  bool must_wait(const peer& p, const pid& sender) const;
  void wants_room(const pid& sender, atom node);
  void tell_of_room(const pid& sender, atom node);
  void fail(peer& p, const std::string& why);
  void lose(peer& p, atom why);
  void replace(peer& p);
  void announce(const peer& p, const term& message);
  void tell(peer& p, const std::expected<void, std::string>& result);

  dist::handshake_decision decide(const dist::peer_info& info);
  dist::handshake_decision name_peer(const std::string& host);
  bool is_used(const std::string& name) const;
  void take_name(const dist::peer_info& info);
  void lose_name();
  void up(connection& c, const dist::peer_info& info);
  void received(peer& p, dist::control_message&& m);
  void monitored_by_name(peer& p, const dist::control_message& m);
  void spawn_requested(peer& p, dist::control_message&& m);
  void ended(connection& c, const dist::link_closed& how);
  std::unique_ptr<connection> take_half_open(connection& c);

  dist::link_options options_;
  std::vector<known_peer> known_;
  const served_functions& served_;
  auto_connect auto_connect_;
  std::unordered_set<atom> lost_; // nodes that were connected once
  dist::challenge_set challenges_;
  runtime::system* system_ = nullptr;
  runtime::scheduler* home_ = nullptr;
  std::unique_ptr<lookup_service> lookup_;
  std::unordered_map<atom, std::unique_ptr<peer>> peers_;
  std::vector<std::unique_ptr<connection>> half_open_; // incoming, not proved
  std::vector<atom> dirty_;                            // peers with something to flush
  connection_history history_;
  std::vector<std::string> given_names_; // to peers, to be given again
  named take_name_;                      // set: this node asks for a name
  atom named_by_;                        // with whom this node's name goes
  bool nameless_ = false;                // it has gone
  bool stopping_ = false;
};

} // namespace erl
