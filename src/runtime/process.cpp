/// What a body can do with its process.
#include "runtime/exit_reason.hpp"
#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/process.hpp>

#include <stdexcept>
#include <utility>

namespace erl {

using process_block = runtime::process_block;
using runtime::signal_kind;

namespace {
process_block& own(process& p) { return static_cast<process_block&>(p); }
const process_block& own(const process& p) { return static_cast<const process_block&>(p); }

/// The receiver of a message has its trace token.
inline void note(process_block& p, const message& taken) {
  if (p.traced) [[unlikely]]
    p.note_received(taken);
}

/// Takes a reduction. False: the slice is over, because it is used up or has lasted long enough.
inline bool goes_on(process_block& p) {
  if (--p.budget <= 0)
    return false;
  if (!p.owner().watch().time_is_up()) [[likely]]
    return true;
  p.budget = 0;
  return false;
}
} // namespace

pid process::self() const noexcept { return own(*this).id(); }
pid process::parent() const noexcept { return own(*this).parent_pid; }
pid process::group_leader() const noexcept { return own(*this).group_leader(); }
void process::set_group_leader(const pid& leader) { own(*this).set_group_leader(leader); }
void process::set_group_leader(const pid& leader, const pid& of) {
  if (of == self())
    return set_group_leader(leader);
  own(*this).owner().route({.kind = signal_kind::group_leader, .from = leader, .to = of});
}
atom process::node() const noexcept { return self().node; }
time_point process::now() const { return own(*this).owner().world().now(); }

/// The same with a trace token. An object, if there is one, stays one within this node.
static void send_traced(process_block& p, const destination& to, term message,
                        owned<detail::native_object> object, runtime::token_with_message token) {
  runtime::signal s{.from = p.id(),
                    .body = std::move(message),
                    .native = std::move(object),
                    .token = std::move(token)};
  switch (to.which()) {
  case destination::kind::alias:
    s.kind = signal_kind::alias_message;
    s.ref = to.alias();
    break;
  case destination::kind::process:
    s.to = to.process();
    break;
  case destination::kind::name:
    s.to_name = to.name();
    s.to_node = to.node();
    break;
  }
  const atom node = runtime::receiving_node(s);
  const bool stays = node == atom() || node == p.id().node;
  const bool to_alias = to.which() == destination::kind::alias;
  if (s.native && (!stays || to_alias))
    s.body = owned<detail::native_object>(std::move(s.native))->encode();
  auto& here = p.owner();
  auto& all = here.owner();
  pid target = s.to;
  if (stays && s.to_name != atom())
    target = all.whereis(s.to_name).value_or(pid{});
  here.route(std::move(s));
  if (stays && !to_alias && all.is_here(target))
    if (const runtime::scheduler& other = all.owner_of(target); &other != &here)
      here.respect_limit(other, target);
}

void process::send(const destination& to, term message) {
  auto& p = own(*this);
  --p.budget;
  if (p.traced) [[unlikely]]
    if (auto token = p.next_token())
      return send_traced(p, to, std::move(message), {}, std::move(token));
  p.owner().send(p.id(), to, std::move(message));
}

send_result process::send(const destination& to, term message, const send_options& how) {
  auto& p = own(*this);
  const atom receiver = to.which() == destination::kind::process ? to.process().node
                        : to.which() == destination::kind::name  ? to.node()
                                                                 : to.alias().node;
  if (receiver != atom() && receiver != node()) {
    const auto& nodes = p.owner().owner().nodes();
    if (!how.connect && !nodes.is_connected(receiver))
      return send_result::noconnect;
    if (!how.suspend && nodes.is_busy(receiver))
      return send_result::nosuspend;
  }
  const bool waited = p.must_wait;
  send(to, std::move(message));
  if (!how.suspend && !waited)
    p.do_not_wait();
  return send_result::ok;
}

void process::send_native(const destination& to, owned<detail::native_object> object) {
  auto& p = own(*this);
  --p.budget;
  if (p.traced) [[unlikely]]
    if (auto token = p.next_token())
      return send_traced(p, to, {}, std::move(object), std::move(token));
  p.owner().send(p.id(), to, std::move(object));
}

void process::send(const reference& alias, term message, message_priority urgency) {
  auto& p = own(*this);
  --p.budget;
  p.owner().route({.kind = signal_kind::alias_message,
                   .from = p.id(),
                   .ref = alias,
                   .body = std::move(message),
                   .token = p.traced ? p.next_token() : runtime::token_with_message(),
                   .urgent = urgency == message_priority::high});
}

// Links, monitors, aliases: the local side first, then the signal.

void process::link(const pid& other, message_priority of_exit) {
  auto& p = own(*this);
  if (other == p.id())
    return;
  const bool urgent = of_exit == message_priority::high;
  const auto [link, added] = p.extras().links.try_emplace(other, {.urgent = urgent});
  link->urgent = urgent;
  if (!added && link->unlinking == 0)
    return;
  link->unlinking = 0;
  if (added)
    p.owner().relate(p.id(), other.node, 1);
  p.owner().route({.kind = signal_kind::link, .from = p.id(), .to = other});
}

void process::unlink(const pid& other) {
  auto& p = own(*this);
  auto* x = p.extras_if_any();
  if (x == nullptr)
    return;
  runtime::link_state* link = x->links.find(other);
  if (link == nullptr || link->unlinking != 0)
    return;
  const std::uint64_t id = link->unlinking = ++x->unlink_count;
  p.owner().route({.kind = signal_kind::unlink, .from = p.id(), .to = other, .id = id});
}

reference process::monitor(const destination& target, alias_mode mode, message_priority of_down) {
  auto& p = own(*this);
  runtime::outgoing_monitor monitor{.alias = mode, .urgent = of_down == message_priority::high};
  bool unknown = false;
  if (target.which() == destination::kind::name) {
    monitor.name = target.name();
    monitor.node = target.node() == atom() ? node() : target.node();
    if (monitor.node == node()) { // a name stands for the process that has it now
      const auto holder = whereis(monitor.name);
      monitor.target = holder.value_or(pid{});
      unknown = !holder;
    }
  } else if (target.which() == destination::kind::process) {
    monitor.target = target.process();
    monitor.node = target.process().node;
  } else {
    throw std::invalid_argument(
        "monitor: an alias cannot be monitored; use the process's pid or name");
  }
  if (monitor.target == p.id() && mode == alias_mode::none)
    return p.owner().make_reference(); // nothing to watch: a process does not see its own end
  const reference ref = mode == alias_mode::none ? p.owner().make_reference()
                                                 : p.owner().make_alias_reference(p.id());
  p.extras().monitoring.try_emplace(ref, monitor);
  p.owner().relate(p.id(), monitor.node, 1);
  if (unknown)
    p.owner().route(
        {.kind = signal_kind::down, .to = p.id(), .ref = ref, .body = term(atoms::noproc)});
  else if (auto* here = p.owner().find(monitor.target);
           here != nullptr && here->run_state != process_block::state::ending) // without a signal
    here->extras().monitored_by.try_emplace(ref, runtime::incoming_monitor{p.id(), monitor.name});
  else
    p.owner().route(monitor.signal_from(signal_kind::monitor, p.id(), ref));
  return ref;
}

bool process::demonitor(const reference& monitor, bool flush, receive_mark since) {
  const bool found = own(*this).stop_monitoring(monitor);
  if (!found && flush && !own(*this).inbox.empty())
    static_cast<void>(take(
        [&](term_ref body) {
          return body.is_tuple(5) && body.element(0).is(atoms::down) &&
                 body.element(1).to_reference() == monitor;
        },
        since));
  return found;
}

void process::monitor_node(atom node) {
  auto& p = own(*this);
  ++*p.extras().watched_nodes.try_emplace(node, 0).first;
  p.owner().relate(p.id(), node, 1);
  p.owner().route({.kind = signal_kind::connect, .from = p.id(), .to_node = node});
}

void process::disconnect_node(atom node) {
  own(*this).owner().route({.kind = signal_kind::disconnect, .from = self(), .to_node = node});
}

void process::demonitor_node(atom node) {
  auto& p = own(*this);
  auto& watched = p.extras().watched_nodes;
  std::uint32_t* count = watched.find(node);
  if (count == nullptr)
    return;
  if (--*count == 0)
    watched.erase(node);
  p.owner().relate(p.id(), node, -1);
}

reference process::alias(alias_mode mode, message_priority allowed) {
  auto& p = own(*this);
  const reference ref = p.owner().make_alias_reference(p.id());
  p.extras().aliases.try_emplace(
      ref, runtime::plain_alias{.mode = mode, .urgent = allowed == message_priority::high});
  return ref;
}

bool process::unalias(const reference& alias) {
  auto* x = own(*this).extras_if_any();
  if (x == nullptr)
    return false;
  if (auto* monitor = x->monitoring.find(alias))
    return std::exchange(monitor->alias, alias_mode::none) != alias_mode::none;
  return x->aliases.erase(alias);
}

bool process::trap_exit(bool on) { return std::exchange(own(*this).traps_exit, on); }
priority process::set_priority(priority p) { return std::exchange(own(*this).priority, p); }

void process::exit(const term& reason) { throw exit_exception{reason}; }

void process::exit(const pid& to, term reason) {
  auto& p = own(*this);
  // To oneself it has happened when this returns.
  if (to == p.id() && reason.is(atoms::kill))
    exit(term(atoms::killed));
  if (to == p.id() && !p.traps_exit)
    exit(reason);
  p.owner().route({.kind = signal_kind::exit, .from = p.id(), .to = to, .body = std::move(reason)});
}

// Processes and names.

/// The scheduler that options ask for.
static runtime::scheduler& chosen(const spawn_options& options, runtime::scheduler& parents) {
  auto& all = parents.owner();
  if (options.scheduler == same_scheduler)
    return parents;
  if (options.scheduler == any_scheduler)
    return all.at(all.next_scheduler());
  if (options.scheduler < 0 || static_cast<std::size_t>(options.scheduler) >= all.size())
    throw std::out_of_range("spawn: there is no scheduler " + std::to_string(options.scheduler));
  return all.at(static_cast<std::size_t>(options.scheduler));
}

reference process::spawn_request(atom node, atom module, atom function, term arguments,
                                 const remote_spawn_options& how) {
  auto& p = own(*this);
  std::vector<term_ref> options;
  if (how.link)
    options.emplace_back(atoms::link);
  if (how.monitor)
    options.emplace_back(atoms::monitor);
  const reference request = p.owner().make_reference();
  p.extras().spawn_requests.try_emplace(request, node);
  p.owner().relate(p.id(), node, 1);
  if (p.traced) // OTP counts the start of a process and what asks for it
    p.next_token();
  p.owner().route({.kind = signal_kind::spawn_request,
                   .from = p.id(),
                   .to = {.node = node},
                   .ref = request,
                   .body = term::tuple({term(module), term(function), std::move(arguments),
                                        term::list(std::span<const term_ref>(options)),
                                        term(p.group_leader())}),
                   .token = p.traced ? p.next_token() : runtime::token_with_message()});
  return request;
}

spawned process::spawn_body(owned_body what, const spawn_options& options) {
  auto& p = own(*this);
  auto& here = p.owner();
  auto& there = chosen(options, here);
  const pid leader = p.own_group_leader();
  const bool has_leader = leader.node != atom();
  spawned result;
  auto token = p.traced ? p.next_token() : runtime::token_with_message();
  if (options.monitor)
    result.monitor = here.make_reference();
  if (&there == &here) {
    process_block& child = here.spawn(std::move(what), p.id(), options);
    result.process = child.id();
    if (has_leader)
      child.set_group_leader(leader);
    if (token) [[unlikely]]
      child.begin_trace(std::move(token), false);
    if (options.link)
      child.extras().links.try_emplace(p.id(), {});
    if (options.monitor)
      child.extras().monitored_by.try_emplace(result.monitor,
                                              runtime::incoming_monitor{p.id(), {}});
  } else {
    result.process = there.reserve(options.name);
    here.route({.kind = signal_kind::spawn,
                .from = p.id(),
                .to = result.process,
                .object = options.name,
                .ref = result.monitor,
                .body = has_leader ? term(leader) : term(),
                .what = std::move(what),
                .token = std::move(token),
                .mailbox = options.mailbox,
                .link = options.link,
                .urgency = options.priority});
  }
  if (options.link)
    p.extras().links.try_emplace(result.process, {});
  if (options.monitor)
    p.extras().monitoring.try_emplace(
        result.monitor, runtime::outgoing_monitor{.target = result.process, .node = node()});
  return result;
}

bool process::register_name(atom name, const pid& who) {
  return own(*this).owner().register_name(name, who);
}
bool process::unregister_name(atom name) { return own(*this).owner().unregister_name(name); }
std::optional<pid> process::whereis(atom name) const {
  return own(*this).owner().owner().whereis(name);
}

std::optional<pid> process::global_whereis(term_ref name) const {
  return own(*this).owner().owner().names_everywhere().find(name);
}

// Timers and references.

reference process::send_after(duration delay, const destination& to, term message) {
  return own(*this).owner().later().start(runtime::message_timers::form::plain, delay, self(), to,
                                          std::move(message));
}
reference process::start_timer(duration delay, const destination& to, term message) {
  return own(*this).owner().later().start(runtime::message_timers::form::timeout, delay, self(), to,
                                          std::move(message));
}
reference process::send_interval(duration period, const destination& to, term message) {
  if (period <= duration::zero())
    throw std::invalid_argument("send_interval: the period must be positive");
  return own(*this).owner().later().start(runtime::message_timers::form::interval, period, self(),
                                          to, std::move(message));
}
std::optional<duration> process::cancel_timer(const reference& timer) {
  return own(*this).owner().later().cancel(timer);
}
std::optional<duration> process::read_timer(const reference& timer) const {
  return own(*this).owner().later().left(timer);
}
void process::limit_mailbox(const mailbox_limit& limit) noexcept { own(*this).set_limit(limit); }

void process::watch_mailboxes(std::uint32_t long_at, std::uint32_t short_at) {
  auto& p = own(*this);
  if (short_at > long_at)
    throw std::invalid_argument("watch_mailboxes: short_at is more than long_at");
  p.extras().watches_mailboxes = long_at != 0;
  p.owner().owner().watch_mailboxes({p.id(), long_at, short_at});
}

void process::watch_dead_letters(bool on) {
  auto& p = own(*this);
  auto& x = p.extras();
  if (std::exchange(x.watches_dead_letters, on) != on)
    p.owner().owner().watch_dead_letters(p.id(), on);
}

void process::monitor_nodes(node_kind which) {
  auto& p = own(*this);
  p.extras().watches_nodes = which != node_kind::none;
  p.owner().owner().nodes().watch(p.id(), which);
}

void process::set_label(term label) { own(*this).extras().set_label(std::move(label)); }

std::optional<term> process::put(const term& key, term value) {
  const auto [place, added] = own(*this).extras().dictionary.try_emplace(key, value);
  if (added)
    return std::nullopt;
  return std::exchange(*place, std::move(value));
}

std::optional<term> process::get(const term& key) const {
  auto* x = const_cast<process_block&>(own(*this)).extras_if_any();
  const term* found = x == nullptr ? nullptr : x->dictionary.find(key);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::optional<term> process::erase(const term& key) {
  auto old = get(key);
  if (old)
    own(*this).extras().dictionary.erase(key);
  return old;
}

reference process::make_reference() { return own(*this).owner().make_reference(); }

// Receiving.

receive_awaiter process::wait_for(match_function match, const void* context, duration timeout) {
  auto& p = own(*this);
  p.inbox.rewind();
  p.pattern = {match, context};
  p.receive_limit = timeout;
  return receive_awaiter(*this);
}

receive_mark process::mark() noexcept {
  receive_mark result;
  result.number_ = own(*this).inbox.mark();
  return result;
}

void process::skip_to(receive_mark from) noexcept { own(*this).inbox.skip_to(from.number_); }

message process::take_now(match_function match, const void* context, receive_mark from) {
  auto& inbox = own(*this).inbox;
  inbox.rewind();
  inbox.skip_to(from.number_);
  // Not rewound: what it has refused is no reason to run a body again that waits.
  message taken = inbox.take({match, context});
  note(own(*this), taken);
  return taken;
}

bool receive_awaiter::await_ready() {
  auto& p = own(*self_);
  if (p.pending_exit || !goes_on(p))
    return false;
  p.received = p.inbox.take(p.pattern);
  note(p, p.received);
  return static_cast<bool>(p.received) || p.receive_limit <= duration::zero();
}

void receive_awaiter::await_suspend(std::coroutine_handle<> waiting) noexcept {
  auto& p = own(*self_);
  p.resume_at = waiting;
  p.awaits = process_block::awaited::message;
  if (p.receive_limit == infinity || p.receive_limit <= duration::zero())
    return;
  if (p.timeout == nullptr)
    p.timeout = std::make_unique<process_block::receive_timer>(p);
  p.owner().timers().arm_in(*p.timeout, p.receive_limit); // mostly the message comes in this round
}

message receive_awaiter::await_resume() { return std::exchange(own(*self_).received, {}); }

bool yield_awaiter::await_ready() const noexcept {
  auto& p = own(*self_);
  return goes_on(p) && !p.pending_exit;
}

void yield_awaiter::await_suspend(std::coroutine_handle<> waiting) const noexcept {
  auto& p = own(*self_);
  p.resume_at = waiting;
  p.awaits = process_block::awaited::turn;
}

void process_block::receive_timer::expired() {
  process_->timed_out = true;
  if (process_->run_state == state::waiting)
    process_->owner().make_runnable(*process_);
}

void detail::coroutine_runner::start(process& self, task<> what) {
  task_ = std::move(what);
  auto& p = own(self);
  p.resume_at = task_.handle();
  p.awaits = process_block::awaited::turn;
}

body::outcome detail::coroutine_runner::step(process& self) {
  auto& p = own(self);
  if (p.awaits == process_block::awaited::message) {
    p.received = p.inbox.take(p.pattern);
    note(p, p.received);
    if (!p.received && !p.timed_out && p.receive_limit > duration::zero())
      return body::outcome::waiting;
    if (p.timeout != nullptr)
      p.owner().timers().cancel(*p.timeout);
    p.timed_out = false;
  }
  p.awaits = process_block::awaited::turn; // unless it says otherwise
  p.resume_at.resume();
  if (task_.handle().done()) {
    const task<> ended = std::move(task_);
    ended.handle().promise().rethrow();
    return body::outcome::finished;
  }
  if (p.awaits == process_block::awaited::job)
    return body::outcome::blocked;
  return p.budget <= 0 ? body::outcome::yielded : body::outcome::waiting;
}

body::outcome detail::coroutine_body_base::run(process& self) {
  if (!runner_.active())
    runner_.start(self, start(self));
  return runner_.step(self);
}

term detail::exit_reason_of_exception(const process& self) {
  return runtime::reason_of_current_exception(self.self());
}

bool detail::is_ending(const process& self) noexcept {
  return own(self).run_state == process_block::state::ending;
}

message detail::next_message(process& self) {
  auto& p = own(self);
  if (p.pending_exit || !goes_on(p))
    return {};
  p.inbox.rewind();
  message taken = p.inbox.take({});
  note(p, taken);
  return taken;
}

bool detail::slice_is_over(const process& self) noexcept { return own(self).budget <= 0; }

} // namespace erl
