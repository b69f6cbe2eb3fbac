#include "otp/global_resolver.hpp"

#include "otp/steady_send.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/encode.hpp>

#include <optional>
#include <utility>

namespace erl {

namespace {

const atom global("global");
const atom none("none");
const atom conflict_tag("global_name_conflict");
const atom insert("insert");

/// The methods that OTP has ready; `global:random_exit_name/3` is the usual one. A closure of some
/// Erlang node cannot be run here.
std::optional<term> resolve_here(process& self, const name_conflict& c) {
  static const atom exit_name("random_exit_name");
  static const atom notify_name("random_notify_name");
  static const atom notify_all("notify_all_name");
  const auto method = c.our_method.to_external_fun();
  if (!method || method->module != global || method->arity != 3)
    return std::nullopt;
  const bool his_is_less = compare(c.his.node, c.ours.node) < 0;
  const pid stays = his_is_less ? c.his : c.ours;
  const pid goes = his_is_less ? c.ours : c.his;
  if (method->function == exit_name) {
    self.exit(goes, term(atoms::kill));
    return term(stays);
  }
  if (method->function == notify_name) {
    self.send(goes, term::tuple({conflict_tag, c.name}));
    return term(stays);
  }
  if (method->function == notify_all) {
    self.send(c.his, term::tuple({conflict_tag, c.name, term(c.ours)}));
    self.send(c.ours, term::tuple({conflict_tag, c.name, term(c.his)}));
    return term(none);
  }
  return std::nullopt;
}

/// Asks the node of the process that was registered here, as rpc:call does; nothing if it cannot
/// say.
task<std::optional<term>> resolve_there(process& self, const name_conflict& c) {
  static const atom erpc("erpc");
  static const atom execute_call("execute_call");
  static const atom resolve_it("resolve_it");
  static const atom return_tag("return");
  std::optional<term> result;
  if (c.ours.node == self.node())
    co_return result;
  const term tag(self.make_reference());
  const term arguments = term::list({c.our_method, c.name, term(c.his), term(c.ours)});
  const reference request =
      self.spawn_request(c.ours.node, erpc, execute_call,
                         term::list({tag, global, resolve_it, arguments}), {.monitor = true});
  const auto decides = [&](term_ref m) {
    return (m.is_tuple(4) && m.element(1).to_reference() == request &&
            m.element(2).is(atoms::error)) ||
           (m.is_tuple(atoms::down, 5) && m.element(1).to_reference() == request);
  };
  auto m = co_await self.receive(decides);
  const term& body = m.body();
  if (body.is_tuple(atoms::down, 5)) {
    const term_ref reason = body.element(4);
    if (reason.is_tuple(3) && reason.element(0) == tag && reason.element(1).is(return_tag))
      result = body.share(reason.element(2));
  }
  co_return result;
}

term insertion(const term& name, const pid& who, const term& method) {
  return term::tuple({insert, term::tuple({name, term(who), method})});
}

void settle(const name_conflict& c, const std::optional<term>& decision, name_changes& to) {
  static const atom delete_tag("delete");
  const auto winner = decision ? decision->to_pid() : std::optional(c.his);
  if (winner == c.his) {
    to.here.push_back(insertion(c.name, c.his, c.his_method));
  } else if (winner == c.ours) {
    to.there.push_back(insertion(c.name, c.ours, c.our_method));
  } else {
    to.here.push_back(term::tuple({delete_tag, c.name}));
    to.there.push_back(to.here.back());
  }
}

task<> resolve(process& self, const pid& server, atom node, const term& tag,
               const std::vector<name_conflict>& conflicts, name_changes& changes) {
  std::optional<term> decision;
  never_wait(self);
  for (const name_conflict& each : conflicts) {
    decision = resolve_here(self, each);
    if (!decision) {
      auto answer = co_await resolve_there(self, each);
      decision = std::move(answer);
    }
    settle(each, decision, changes);
  }
  self.send(server, exchange_ops(node, tag, changes));
}

} // namespace

std::vector<name_conflict> find_conflicts(const global_table& table, term_ref names, bool we_decide,
                                          name_changes& changes) {
  std::vector<name_conflict> conflicts;
  for (const term_ref each : names.items()) {
    if (!each.is_tuple(3) || !each.element(1).is_pid())
      continue;
    const pid his = *each.element(1).to_pid();
    const global_table::name* here = table.find(each.element(0));
    if (here == nullptr)
      changes.here.push_back(term::tuple({insert, each}));
    else if (here->holder != his && we_decide)
      conflicts.push_back({term::copy(each.element(0)), his, term::copy(each.element(2)),
                           here->holder, here->entry.share(here->entry.element(2))});
  }
  return conflicts;
}

term exchange_ops(atom node, const term& tag, const name_changes& changes) {
  static const atom name("exchange_ops");
  return term::tuple({atoms::gen_cast, term::tuple({name, node, tag, to_term(changes.here),
                                                    to_term(changes.there)})});
}

owned_body make_global_resolver(const pid& server, atom node, term tag,
                                std::vector<name_conflict> conflicts, name_changes changes) {
  return make_body(resolve, server, node, std::move(tag), std::move(conflicts), std::move(changes));
}

} // namespace erl
