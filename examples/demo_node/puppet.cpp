/// A puppet keeps every message in order, exit signals, downs and nodedowns included, but for `{do,
/// From, Ref, Command}`, which it obeys; `{Ref, Result}` goes back to From.
#include "puppet.hpp"

#include <erl/erl.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace test_node {
namespace {

using erl::is;
using erl::tagged_shape;

/// A pid, a name here, a name on another node, or an alias.
using address = std::variant<erl::pid, erl::atom, std::tuple<erl::atom, erl::atom>, erl::reference>;

erl::destination destination_of(const address& where) {
  struct converter {
    erl::destination operator()(const erl::pid& who) const { return who; }
    erl::destination operator()(erl::atom name) const { return name; }
    erl::destination operator()(const std::tuple<erl::atom, erl::atom>& remote) const {
      return {std::get<0>(remote), std::get<1>(remote)};
    }
    erl::destination operator()(const erl::reference& alias) const { return alias; }
  };
  return std::visit(converter{}, where);
}

struct exit_now {
  erl::term reason;
  using erl_shape = tagged_shape<"exit">;
};
struct exit_other {
  erl::pid who;
  erl::term reason;
  using erl_shape = tagged_shape<"exit2">;
};
struct trap {
  bool on;
  using erl_shape = tagged_shape<"trap">;
};
struct link_to {
  erl::pid who;
  using erl_shape = tagged_shape<"link">;
};
struct unlink_from {
  erl::pid who;
  using erl_shape = tagged_shape<"unlink">;
};
struct monitor {
  address who;
  using erl_shape = tagged_shape<"monitor">;
};
struct demonitor {
  erl::reference which;
  using erl_shape = tagged_shape<"demonitor">;
};
struct demonitor_flush {
  erl::reference which;
  using erl_shape = tagged_shape<"demonitor_flush">;
};
struct monitor_node {
  erl::atom node;
  using erl_shape = tagged_shape<"monitor_node">;
};
struct register_as {
  erl::atom name;
  using erl_shape = tagged_shape<"register">;
};
struct unregister {
  erl::atom name;
  using erl_shape = tagged_shape<"unregister">;
};
struct unalias {
  erl::reference alias;
  using erl_shape = tagged_shape<"unalias">;
};
struct send_to {
  address who;
  erl::term message;
  using erl_shape = tagged_shape<"send">;
};
struct cast_to {
  address who;
  erl::term request;
  using erl_shape = tagged_shape<"cast">;
};
struct call_to {
  address who;
  erl::term request;
  std::int64_t milliseconds;
  using erl_shape = tagged_shape<"call">;
};
/// Asks another node for a process; the result is the request's reference.
struct spawn_request {
  erl::atom node;
  erl::atom module;
  erl::atom function;
  erl::term arguments;
  bool link;
  bool monitor;
  using erl_shape = tagged_shape<"spawn_request">;
};
/// Sends `{Tag, 1}`, `{Tag, 2}` ... `{Tag, Count}`.
struct flood {
  address who;
  erl::term tag;
  std::int64_t count;
  using erl_shape = tagged_shape<"flood">;
};
/// That many processes make that many calls `{echo, {Caller, Number}}` each; the result counts the
/// right replies.
struct call_many {
  address who;
  std::int64_t callers;
  std::int64_t calls;
  using erl_shape = tagged_shape<"call_many">;
};
/// So many times: waits until the connection to a node is lost, and at once sends `{bounced,
/// Number}` to a name there.
struct bounce {
  erl::atom name;
  erl::atom node;
  std::int64_t times;
  using erl_shape = tagged_shape<"bounce">;
};

using command = std::variant<is<"mailbox">, is<"self">, is<"alias">, exit_now, exit_other, trap,
                             link_to, unlink_from, monitor, demonitor, demonitor_flush,
                             monitor_node, register_as, unregister, unalias, send_to, cast_to,
                             call_to, spawn_request, flood, call_many, bounce>;

/// A request whose command is still a term, since it may be none that is known.
struct order {
  erl::pid from;
  erl::reference tag;
  erl::term what;
  using erl_shape = tagged_shape<"do">;
};

struct finished {
  std::int64_t right;
  using erl_shape = tagged_shape<"$finished">;
};

erl::task<> call_repeatedly(erl::process& self, erl::pid& parent, call_many& job,
                            std::int64_t& number) {
  auto right = std::int64_t{0};
  using question = std::tuple<std::int64_t, std::int64_t>;
  for (std::int64_t i = 0; i < job.calls; ++i) {
    const question q{number, i};
    auto answer = co_await erl::call<question>(
        self, destination_of(job.who), std::tuple(is<"echo">{}, q), std::chrono::seconds(60));
    right += answer && *answer == q ? 1 : 0;
  }
  self.send(parent, finished{right});
}

/// Sends once for each loss of the connection. A process of its own, so that its puppet goes on
/// obeying.
erl::task<> bounce_back(erl::process& self, bounce& job) {
  auto number = std::int64_t{0};
  while (number < job.times) {
    self.monitor_node(job.node);
    auto lost = co_await self.receive(erl::any_of<erl::nodedown>);
    self.send({job.name, job.node}, std::tuple(is<"bounced">{}, ++number));
  }
}

class puppet {
public:
  explicit puppet(erl::process& self) : self_(self) {}

  erl::task<> run() {
    const auto ok = erl::atom("ok");
    for (;;) {
      auto m = co_await self_.receive();
      auto request = m.as<order>();
      if (!request) {
        kept_.push_back(m.body());
        continue;
      }
      auto what = erl::decode<command>(request->what);
      if (!what) {
        self_.send(request->from, std::tuple(request->tag, std::tuple(is<"bad_command">{},
                                                                      what.error().message())));
        continue;
      }
      if (auto* last = std::get_if<exit_now>(&*what)) {
        self_.send(request->from, std::tuple(request->tag, ok));
        self_.exit(last->reason);
      }
      auto result = co_await obey(std::move(*what));
      self_.send(request->from, std::tuple(request->tag, std::move(result)));
    }
  }

private:
  static erl::term ok() { return erl::atom("ok"); }
  static erl::task<erl::term> ready(erl::term value) {
    auto result = std::move(value);
    co_return result;
  }

  erl::task<erl::term> obey(command what) {
    return std::visit(
        [&]<class T>(T& each) {
          if constexpr (std::same_as<decltype(perform(std::move(each))), erl::term>)
            return ready(perform(std::move(each)));
          else
            return perform(std::move(each));
        },
        what);
  }

  erl::term perform(is<"mailbox">) { return erl::to_term(std::exchange(kept_, {})); }
  erl::term perform(is<"self">) { return self_.self(); }
  erl::term perform(is<"alias">) { return self_.alias(); }
  erl::term perform(exit_now c) { self_.exit(c.reason); }
  erl::term perform(exit_other c) {
    self_.exit(c.who, c.reason);
    return ok();
  }
  erl::term perform(trap c) { return self_.trap_exit(c.on); }
  erl::term perform(link_to c) {
    self_.link(c.who);
    return ok();
  }
  erl::term perform(unlink_from c) {
    self_.unlink(c.who);
    return ok();
  }
  erl::term perform(monitor c) { return self_.monitor(destination_of(c.who)); }
  erl::term perform(demonitor c) { return self_.demonitor(c.which); }
  erl::term perform(demonitor_flush c) {
    std::erase_if(kept_, [&](const erl::term& m) {
      const auto end = erl::try_decode<erl::down>(m);
      return end && end->monitor == c.which;
    });
    return self_.demonitor(c.which, true);
  }
  erl::term perform(monitor_node c) {
    self_.monitor_node(c.node);
    return true;
  }
  erl::term perform(register_as c) { return self_.register_name(c.name); }
  erl::term perform(unregister c) { return self_.unregister_name(c.name); }
  erl::term perform(unalias c) { return self_.unalias(c.alias); }
  erl::term perform(send_to c) {
    self_.send(destination_of(c.who), c.message);
    return ok();
  }
  erl::term perform(cast_to c) {
    erl::cast(self_, destination_of(c.who), c.request);
    return ok();
  }
  erl::term perform(spawn_request c) {
    return self_.spawn_request(c.node, c.module, c.function, c.arguments,
                               {.link = c.link, .monitor = c.monitor});
  }
  erl::term perform(flood c) {
    for (std::int64_t i = 1; i <= c.count; ++i)
      self_.send(destination_of(c.who), std::tuple(c.tag, i));
    return ok();
  }
  erl::term perform(bounce c) {
    self_.spawn(bounce_back, std::move(c));
    return ok();
  }

  erl::task<erl::term> perform(call_to c) {
    auto answer = co_await erl::call(self_, destination_of(c.who), std::move(c.request),
                                     std::chrono::milliseconds(c.milliseconds));
    if (answer)
      co_return erl::to_term(std::tuple(is<"ok">{}, *answer));
    co_return erl::to_term(
        std::tuple(is<"exit">{}, std::tuple(answer.error().reason, answer.error().server)));
  }

  erl::task<erl::term> perform(call_many c) {
    auto right = std::int64_t{0};
    for (std::int64_t i = 0; i < c.callers; ++i)
      self_.spawn(call_repeatedly, self_.self(), c, i);
    for (std::int64_t i = 0; i < c.callers; ++i) {
      auto done = co_await self_.receive(erl::any_of<finished>);
      right += done.as<finished>()->right;
    }
    co_return right;
  }

  erl::process& self_;
  std::vector<erl::term> kept_;
};

erl::task<> run_puppet(erl::process& self, spawner::kind& kind, erl::reference& ready) {
  puppet body(self);
  if (kind == spawner::kind::trap)
    self.trap_exit(true);
  self.send(self.parent(), ready);
  co_await body.run();
}

} // namespace

erl::task<erl::pid> spawner::handle_call(spawn request) {
  auto puppet = co_await start(request.what, {});
  co_return puppet;
}

erl::task<erl::pid> spawner::handle_call(spawn_at request) {
  auto puppet = co_await start(request.what, {.scheduler = request.scheduler});
  co_return puppet;
}

erl::task<erl::pid> spawner::start(kind what, erl::spawn_options options) {
  const auto ready = self().make_reference();
  const auto is_ready = [&](erl::term_ref m) { return m.to_reference() == ready; };
  const auto puppet = self().spawn_body(erl::make_body(run_puppet, what, ready), options).process;
  auto told = co_await self().receive(is_ready);
  co_return puppet;
}

} // namespace test_node
