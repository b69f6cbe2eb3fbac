#include "otp/pg.hpp"

#include "otp/steady_send.hpp"
#include <erl/etf/atoms.hpp>

#include <unordered_map>
#include <unordered_set>

namespace erl {

namespace {

class scope {
public:
  explicit scope(process& self) : self_(self) {}
  void handle(term_ref message);

private:
  void discovered(const pid& peer);

  struct known_scope {
    pid process;
    reference monitor;
  };
  process& self_;
  std::unordered_set<atom> up_;
  std::unordered_map<atom, known_scope> peers_; ///< of nodes that are up
};

void scope::handle(term_ref m) {
  static const atom discover("discover");
  const auto node = m.arity() > 1 ? m.element(1).to_atom() : std::nullopt;
  if (m.is_tuple(atoms::nodeup, 3) && node) {
    up_.insert(*node);
  } else if (m.is_tuple(atoms::nodedown, 3) && node) {
    up_.erase(*node);
    peers_.erase(*node);
  } else if (m.is_tuple(atoms::down, 5)) {
    const auto monitor = m.element(1).to_reference();
    std::erase_if(peers_, [&](const auto& each) { return each.second.monitor == monitor; });
  } else if (m.is_tuple(discover, 2) || m.is_tuple(discover, 3)) { // OTP 28 says its version
    if (const auto peer = m.element(1).to_pid(); peer && up_.contains(peer->node))
      discovered(*peer);
  }
}

/// In the form that all versions understand.
void scope::discovered(const pid& peer) {
  static const atom sync("sync");
  static const atom discover("discover");
  const term self(self_.self());
  send_if_connected(self_, peer, term::tuple({atoms::gen_cast, term::tuple({sync, self, term()})}));
  known_scope& known = peers_[peer.node];
  if (known.process == peer)
    return;
  if (known.monitor.size != 0)
    self_.demonitor(known.monitor, true);
  known = {peer, self_.monitor(peer)};
  send_if_connected(self_, peer, term::tuple({discover, self}));
}

task<> serve(process& self) {
  scope state(never_wait(self));
  self.monitor_nodes(node_kind::visible);
  for (;;) {
    auto m = co_await self.receive();
    state.handle(m.body());
  }
}

} // namespace

owned_body make_pg() { return make_body(serve); }

} // namespace erl
