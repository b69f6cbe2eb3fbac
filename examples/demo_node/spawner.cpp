#include "spawner.hpp"

#include "puppet.hpp"

namespace demo {

erl::task<erl::pid> spawner::handle_call(spawn request) { return start(request.what, {}); }

erl::task<erl::pid> spawner::handle_call(spawn_at request) {
  return start(request.what, {.scheduler = request.scheduler});
}

erl::task<erl::pid> spawner::start(kind what, erl::spawn_options options) {
  const auto ready = self().make_reference();
  const auto is_ready = [&](erl::term_ref m) { return m.to_reference() == ready; };
  const auto puppet =
      self().spawn_body(make_puppet(*node_, what == kind::trap, ready), options).process;
  auto told = co_await self().receive(is_ready);
  co_return puppet;
}

} // namespace demo
