#include "otp/rex.hpp"

#include "base/log.hpp"
#include "otp/gen.hpp"
#include "otp/steady_send.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

namespace erl {

namespace {

/// `{call, Module, Function, Arguments, GroupLeader}`
bool is_call(term_ref request) {
  static const atom block_call("block_call");
  return request.is_tuple(atoms::call, 5) || request.is_tuple(block_call, 5);
}

/// `{badrpc, {'EXIT', {undef, [{Module, Function, Arguments, []}]}}}`
term undefined_function(term_ref request) {
  log::limited("undef", log::level::warning, "rex", "a peer asked for ", brief(request.element(1)),
               ":", brief(request.element(2)), ", which is not served here");
  const term where = term::list(
      {term::tuple({request.element(1), request.element(2), request.element(3), term()})});
  return term::tuple(
      {atoms::badrpc, term::tuple({atoms::exit_signal, term::tuple({atoms::undef, where})})});
}

/// A message to a name here: `{sbcast, Name, Message}` says whether it went,
/// `{send, Name, Message}` only if it did not.
void pass_on(process& self, const pid& from, term_ref request) {
  static const atom sbcast("sbcast");
  static const atom nonexisting_name("nonexisting_name");
  const bool with_sender = !request.element(0).is(sbcast);
  const auto name = request.element(1).to_atom();
  const auto holder = name ? self.whereis(*name) : std::nullopt;
  if (holder)
    self.send(*holder, with_sender ? term::tuple({term(from), request.element(2)})
                                   : term::copy(request.element(2)));
  if (holder && with_sender)
    return;
  const term result =
      holder ? term(self.node()) : term::tuple({nonexisting_name, request.element(1)});
  send_if_connected(self, from, term::tuple({atoms::rex, self.node(), result}));
}

void handle(process& self, term_ref m) {
  static const atom sbcast("sbcast");
  static const atom send("send");
  if (const auto request = gen::parse(m)) {
    if (request->what == gen::request::kind::call && is_call(request->body))
      gen::reply(self, request->from, to_encode(undefined_function(request->body)));
    return;
  }
  if (!m.is_tuple(2) || !m.element(0).is_pid())
    return;
  const pid from = *m.element(0).to_pid();
  const term_ref request = m.element(1);
  if (request.is(atoms::features_request))
    send_if_connected(self, from, term::tuple({atoms::features_reply, self.node(), term()}));
  else if (request.is_tuple(atoms::call, 5))
    send_if_connected(self, from, term::tuple({atoms::rex, undefined_function(request)}));
  else if (request.is_tuple(sbcast, 3) || request.is_tuple(send, 3))
    pass_on(self, from, request);
}

task<> serve(process& self) {
  process& own = never_wait(self);
  for (;;) {
    auto m = co_await own.receive();
    handle(own, m.body());
  }
}

} // namespace

owned_body make_rex() { return make_body(serve); }

} // namespace erl
