/// A puppet keeps every message in order, exit signals, downs and nodedowns included, but for `{do,
/// From, Ref, Command}`, which it obeys; `{Ref, Result}` goes back to From.
#include "puppet.hpp"

#include "puppet_commands.hpp"

#include <concepts>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace demo {
namespace {

using erl::is;

/// A request whose command is still a term, since it may be none that is known.
struct order {
  erl::pid from;
  erl::reference tag;
  erl::term what;
  using erl_shape = erl::tagged_shape<"do">;
};

/// Is it one of the commands about pg and global, which are not all there yet?
bool is_of_later(erl::term_ref command) {
  const auto name = command.arity() == 0 ? std::nullopt : command.element(0).to_atom();
  const std::string_view text = name ? name->text() : "";
  return text.starts_with("pg_") || text.starts_with("global_");
}

class puppet {
public:
  puppet(erl::process& self, erl::node& node) : self_(self), node_(node) {}

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
        self_.send(request->from, std::tuple(request->tag, refusal(request->what, what.error())));
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

  static erl::term refusal(erl::term_ref what, const erl::decode_error& error) {
    if (is_of_later(what))
      return erl::to_term(std::tuple(is<"error">{}, is<"unsupported">{}));
    return erl::to_term(std::tuple(is<"bad_command">{}, error.message()));
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
  erl::task<erl::term> perform(is<"nodes">) { return nodes(erl::node_kind::visible); }
  erl::task<erl::term> perform(is<"nodes_hidden">) { return nodes(erl::node_kind::hidden); }
  erl::term perform(const exit_now& c) { self_.exit(c.reason); }
  erl::term perform(const exit_other& c) {
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
  erl::term perform(const send_to& c) {
    self_.send(destination_of(c.who), c.message);
    return ok();
  }
  erl::task<erl::term> perform(call_to c) {
    const auto limit = c.patience.limit();
    const erl::duration timeout = limit ? erl::duration(*limit) : erl::infinity;
    auto answer = co_await erl::call(self_, destination_of(c.who), std::move(c.request), timeout);
    if (answer)
      co_return erl::to_term(std::tuple(is<"ok">{}, *answer));
    co_return erl::to_term(
        std::tuple(is<"exit">{}, std::tuple(answer.error().reason, answer.error().server)));
  }
  erl::task<erl::term> perform(connect_to c) {
    const auto connect = [&node = node_, peer = std::string(c.node.text())] {
      return node.name() == peer || node.connect(peer).has_value();
    };
    const bool connected = co_await erl::blocking(self_, connect);
    co_return connected;
  }
  erl::term perform(const global_whereis& c) {
    const auto found = self_.global_whereis(c.name);
    return found ? erl::term(*found) : erl::term(erl::atoms::undefined);
  }

  erl::task<erl::term> nodes(erl::node_kind which) {
    const auto list = [&node = node_, which] { return node.connected(which); };
    const auto names = co_await erl::blocking(self_, list);
    std::vector<erl::atom> result;
    for (const std::string& name : names)
      result.emplace_back(std::string_view(name));
    co_return erl::to_term(result);
  }

  // For this project's own tests.
  erl::term perform(const cast_to& c) {
    erl::cast(self_, destination_of(c.who), c.request);
    return ok();
  }
  erl::term perform(is<"group_leader">) { return self_.group_leader(); }
  erl::term perform(set_group_leader c) {
    self_.set_group_leader(c.leader);
    return ok();
  }
  erl::term perform(set_group_leader_of c) {
    self_.set_group_leader(c.leader, c.of);
    return ok();
  }
  erl::term perform(const spawn_request& c) {
    return self_.spawn_request(c.node, c.module, c.function, c.arguments,
                               {.link = c.link, .monitor = c.monitor});
  }
  erl::term perform(hold c) {
    std::this_thread::sleep_for(c.time);
    return ok();
  }
  erl::task<erl::term> perform(flood c) { return perform_flood(self_, std::move(c)); }
  erl::task<erl::term> perform(call_many c) { return perform_call_many(self_, std::move(c)); }
  erl::term perform(bounce c) {
    perform_bounce(self_, c);
    return ok();
  }

  erl::process& self_;
  erl::node& node_;
  std::vector<erl::term> kept_;
};

erl::task<> run_puppet(erl::process& self, erl::node*& node, bool& trap_exits,
                       erl::reference& ready) {
  puppet body(self, *node);
  if (trap_exits)
    self.trap_exit(true);
  self.send(self.parent(), ready);
  co_await body.run();
}

} // namespace

erl::owned_body make_puppet(erl::node& node, bool trap_exits, const erl::reference& ready) {
  return erl::make_body(run_puppet, &node, trap_exits, ready);
}

} // namespace demo
