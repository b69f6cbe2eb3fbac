#include "otp/gen.hpp"

#include "runtime/process_block.hpp"
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/builder.hpp>
#include <erl/etf/print.hpp>
#include <erl/gen_server.hpp>

namespace erl {

namespace {
const atom calling_self("calling_self");
} // namespace

namespace gen {

namespace {

const atom started("$started");

/// The alias in a call's tag: `[alias | Ref]`, or `[[alias | Ref] | _]` from a multi_call.
std::optional<reference> alias_of(term_ref tag) {
  if (!tag.is_cons())
    return std::nullopt;
  const term_ref inner = tag.head().is_cons() ? tag.head() : tag;
  return inner.head().is(atoms::alias) ? inner.tail().to_reference() : std::nullopt;
}

/// `[alias | Ref]`.
void add_tag(builder& into, const reference& alias) {
  into.begin_list_with_tail(1);
  into.add(atoms::alias);
  into.add(alias);
}

} // namespace

std::optional<request> parse(term_ref message) {
  if (message.is_tuple(atoms::gen_call, 3) && message.element(1).is_tuple(2) &&
      message.element(1).element(0).is_pid())
    return request{request::kind::call, message.element(1), message.element(2)};
  if (message.is_tuple(atoms::gen_cast, 2))
    return request{request::kind::cast, {}, message.element(1)};
  return std::nullopt;
}

/// Makes the answer to `from` and calls `send(to, answer)`, if it can go anywhere.
template <class Send> static void make_reply(term_ref from, encodable value, Send send) {
  if (!from.is_tuple(2))
    return;
  const term_ref tag = from.element(1);
  const auto alias = alias_of(tag);
  builder message;
  message.begin_tuple(2);
  if (alias && tag.head().is(atoms::alias)) // cheaper than a copy
    add_tag(message, *alias);
  else
    message.add(tag);
  sink to(message);
  value.write(to, value.value);
  if (alias)
    send(*alias, message.finish());
  else if (const auto client = from.element(0).to_pid())
    send(*client, message.finish());
}

void reply(process& server, term_ref from, encodable value) {
  make_reply(from, value,
             [&](const destination& to, term answer) { server.send(to, std::move(answer)); });
}

void reply(process& server, term_ref from, encodable value, const send_options& how) {
  make_reply(from, value,
             [&](const destination& to, term answer) { server.send(to, std::move(answer), how); });
}

void notify_started(process& self, const reference& tag) {
  if (tag.size != 0)
    self.send(tag, term::tuple({started, term(tag), atoms::ok}));
}

void notify_failed(process& self, const reference& tag, term_ref reason) {
  if (tag.size != 0)
    self.send(tag, term::tuple({started, term(tag), term::tuple({atoms::error, reason})}));
}

void introduce(process& self, const start_notice& notice, atom module) {
  if (!notice.ancestors.is_cons())
    return;
  self.put(term(atoms::ancestors), notice.ancestors);
  self.put(term(atoms::initial_call), term::tuple({module, atoms::init, term(1)}));
}

bool is_exit_of(term_ref message, const pid& who) {
  return message.is_tuple(atoms::exit_signal, 3) && message.element(1).to_pid() == who;
}

} // namespace gen

namespace detail {

term cast_message(term_ref request) { return term::tuple({atoms::gen_cast, request}); }

static std::string describe(const destination& server) {
  switch (server.which()) {
  case destination::kind::process:
    return to_string(term(server.process()));
  case destination::kind::alias:
    return to_string(term(server.alias()));
  case destination::kind::name:
    break;
  }
  if (server.node() == atom())
    return to_string(server.name());
  return to_string(term::tuple({server.name(), server.node()}));
}

call_error bad_reply(const destination& server, const decode_error& error) {
  static const atom tag("bad_reply");
  return {term::tuple({tag, term::text(error.message())}), describe(server)};
}

static bool is_itself(process& self, const destination& server) {
  switch (server.which()) {
  case destination::kind::process:
    return server.process() == self.self();
  case destination::kind::name:
    return (server.node() == atom() || server.node() == self.node()) &&
           self.whereis(server.name()) == self.self();
  case destination::kind::alias:
    break;
  }
  return false;
}

// The monitor's reference is also the alias that the reply comes to, and dies with it: nothing
// comes late.
outgoing_call::outgoing_call(process& self, const destination& server, encodable request)
    : self_(&self), mark_(self.mark()) {
  if (is_itself(self, server))
    return;
  ref_ = self.monitor(server, alias_mode::reply_demonitor);
  try {
    builder message;
    message.begin_tuple(3);
    message.add(atoms::gen_call);
    message.begin_tuple(2);
    message.add(self.self());
    gen::add_tag(message, ref_);
    sink to(message);
    request.write(to, request.value);
    self.send(server, message.finish());
  } catch (...) {
    self.demonitor(ref_, true, mark_);
    throw;
  }
}

bool outgoing_call::operator()(term_ref message) const {
  if (message.is_tuple(2))
    return gen::alias_of(message.element(0)) == ref_;
  return message.is_tuple(atoms::down, 5) && message.element(1).to_reference() == ref_;
}

std::expected<term_ref, call_error> outgoing_call::reply_in(const message& answer,
                                                            const destination& server) {
  if (to_itself())
    return std::unexpected(call_error{term(calling_self), describe(server)});
  if (!answer) {
    self_->demonitor(ref_, true, mark_);
    return std::unexpected(call_error{term(atoms::timeout), describe(server)});
  }
  const term& body = answer.body();
  if (body.is_tuple(2)) {
    self_->demonitor(ref_, true, mark_); // still there when the reply came to the pid
    return body.element(1);
  }
  term reason = body.share(body.element(4));
  if (reason.is(atoms::noconnection)) {
    atom node =
        server.which() == destination::kind::process ? server.process().node : server.node();
    if (node == atom())
      node = self_->node();
    reason = term::tuple({atoms::nodedown, node});
  }
  return std::unexpected(call_error{reason, describe(server)});
}

start_notice make_notice(process& self) {
  const atom name = static_cast<runtime::process_block&>(self).registered_name();
  const term known = name == atom() ? term(self.self()) : term(name);
  const term_ref first[] = {known};
  return {self.alias(alias_mode::reply_demonitor),
          term::list(first, self.get(term(atoms::ancestors)).value_or(term()))};
}

task<std::expected<pid, term>> start_linked(process& self, owned_body what, reference tag) {
  const pid child = self.spawn_body(std::move(what), {.link = true}).process;
  const bool trapping = self.trap_exit(true);
  const auto says = [&](term_ref message) {
    return (message.is_tuple(gen::started, 3) && message.element(1).to_reference() == tag) ||
           gen::is_exit_of(message, child);
  };
  auto notice = co_await self.receive(says);
  self.trap_exit(trapping);
  self.unalias(tag);
  const term& body = notice.body();
  const bool told = body.is_tuple(gen::started, 3);
  if (!told || !body.element(2).is(atoms::ok)) {
    // The child's exit is no news any more.
    self.unlink(child);
    static_cast<void>(self.take([&](term_ref message) { return gen::is_exit_of(message, child); }));
  }
  // Exits of others that came meanwhile would have ended a process that does not trap them.
  for (;;) {
    if (trapping)
      break;
    const message other =
        self.take([](term_ref message) { return message.is_tuple(atoms::exit_signal, 3); });
    if (!other)
      break;
    if (!other.body().element(2).is(atoms::normal))
      self.exit(other.body().share(other.body().element(2)));
  }
  if (!told)
    co_return std::unexpected(body.share(body.element(2)));
  if (!body.element(2).is(atoms::ok))
    co_return std::unexpected(body.share(body.element(2).element(1)));
  co_return child;
}

} // namespace detail

std::string call_error::message() const {
  if (reason.is(atoms::timeout))
    return "call to " + server + ": no reply in time";
  if (reason.is(atoms::noproc))
    return "call to " + server + ": there is no such process";
  if (reason.is(calling_self))
    return "call to " + server + ": a process cannot answer itself";
  if (reason.is_tuple(atoms::nodedown, 2))
    return "call to " + server + ": node " + brief(reason.element(1)) +
           " cannot be reached, or the connection was lost";
  return "call to " + server + ": " + brief(reason);
}

} // namespace erl
