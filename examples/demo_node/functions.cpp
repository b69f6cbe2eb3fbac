#include "functions.hpp"

#include "arithmetic.hpp"
#include "puppet_commands.hpp"

#include <chrono>
#include <cstdint>
#include <tuple>
#include <type_traits>

namespace demo {

namespace {

/// The arguments as these types, or the process ends with `badarg`.
template <class... Types>
std::tuple<Types...> read(erl::process& self, const erl::term& arguments) {
  std::tuple<Types...> values;
  erl::term_ref rest = arguments;
  const auto take = [&](auto& value) {
    auto one = erl::decode<std::remove_reference_t<decltype(value)>>(rest.head());
    if (!one)
      self.exit(erl::atom("badarg"));
    value = std::move(*one);
    rest = rest.tail();
  };
  std::apply([&](Types&... each) { (take(each), ...); }, values);
  return values;
}

erl::task<erl::term> add(erl::process& self, erl::term& arguments) {
  const auto [a, b] = read<erl::term, erl::term>(self, arguments);
  co_return sum(a, b);
}

erl::task<erl::term> run(erl::process& self, erl::term& arguments) {
  const auto [to, tag] = read<erl::pid, erl::term>(self, arguments);
  self.send(to, std::tuple(erl::is<"demo_run">{}, tag, self.self()));
  co_return erl::atom("ok");
}

erl::task<erl::term> fail(erl::process& self, erl::term& arguments) {
  const auto [reason] = read<erl::term>(self, arguments);
  self.exit(reason);
  co_return reason;
}

erl::task<erl::term> sleep(erl::process& self, erl::term& arguments) {
  const auto [time, result] = read<std::int64_t, erl::term>(self, arguments);
  const auto nothing = [](erl::term_ref) { return false; };
  const auto timeout = co_await self.receive(nothing, std::chrono::milliseconds(time));
  co_return result;
}

/// Tells its group leader, and that of a process it starts. For this project's own tests.
erl::task<erl::term> leader(erl::process& self, erl::term& arguments) {
  const auto [to] = read<erl::pid>(self, arguments);
  const auto child = [](erl::process& me, erl::pid& parent) -> erl::task<> {
    const erl::pid own = me.group_leader();
    me.send(parent, own);
    co_return;
  };
  self.spawn(child, self.self());
  const auto told = co_await self.receive();
  self.send(to,
            std::tuple(erl::is<"demo_leader">{}, self.self(), self.group_leader(), told.body()));
  co_return erl::atom("ok");
}

struct ask {
  erl::atom node;
  erl::atom module;
  erl::atom function;
  erl::term arguments;
  using erl_shape = erl::tagged_shape<"ask">;
};
struct start {
  erl::term tag;
  using erl_shape = erl::tagged_shape<"start">;
};

/// Says what it sees, in the trace of that, but for what it is to do.
erl::task<erl::term> witness(erl::process& self, erl::term& arguments) {
  const auto [to] = read<erl::pid>(self, arguments);
  const auto child = [](erl::process& me, erl::pid& parent, erl::term& tag) -> erl::task<> {
    const erl::pid own = me.self();
    me.send(parent, std::tuple(erl::is<"demo_run">{}, tag, own));
    co_return;
  };
  self.trap_exit(true);
  self.send(to, std::tuple(erl::is<"ready">{}, self.self()));
  for (;;) {
    const auto m = co_await self.receive();
    if (const auto l = m.as<link_to>())
      self.link(l->who);
    else if (const auto e = m.as<exit_now>())
      self.exit(e->reason);
    else if (const auto o = m.as<exit_other>())
      self.exit(o->who, o->reason);
    else if (const auto a = m.as<ask>())
      self.spawn_request(a->node, a->module, a->function, a->arguments);
    else if (const auto s = m.as<start>())
      self.spawn(child, to, s->tag);
    else
      self.send(to, std::tuple(erl::is<"seen">{}, m.body()));
  }
}

} // namespace

void serve_functions(erl::node& node) {
  const erl::atom demo("demo");
  node.serve(demo, "add", 2, add);
  node.serve(demo, "run", 2, run);
  node.serve(demo, "fail", 1, fail);
  node.serve(demo, "sleep", 2, sleep);
  node.serve(demo, "leader", 1, leader);
  node.serve(demo, "witness", 1, witness);
}

} // namespace demo
