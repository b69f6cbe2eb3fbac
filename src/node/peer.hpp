/// What `peers` knows of one peer, and its connections. For the sources of `peers` only.
#pragma once

#include "node/peers.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace erl {

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
  std::vector<runtime::signal> waiting;
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
  node_kind kind() const { return visible ? node_kind::visible : node_kind::hidden; }
  /// Of one that is connected.
  connection_info info(time_point now) const;
};

} // namespace erl
