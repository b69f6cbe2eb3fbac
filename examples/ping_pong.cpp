// Two processes written as coroutines, linked to each other and monitored by a third.
#include <erl/etf/print.hpp>
#include <erl/node.hpp>

#include <cstdio>

struct ping { // {ping, From, Number}
  erl::pid from;
  int number;
};
struct pong { // {pong, Number}
  int number;
};
template <> inline constexpr auto erl::shape<ping> = erl::tagged<"ping">;
template <> inline constexpr auto erl::shape<pong> = erl::tagged<"pong">;

erl::task<> answer(erl::process& self) {
  for (;;) {
    auto m = co_await self.receive();
    if (const auto question = m.as<ping>())
      self.send(question->from, pong{question->number});
  }
}

erl::task<> ask(erl::process& self, erl::pid partner) {
  const int rounds = 3;
  self.link(partner);
  for (int number = 1; number <= rounds; ++number) {
    self.send(partner, ping{self.self(), number});
    auto m = co_await self.receive(erl::any_of<pong>); // other messages would stay in the mailbox
    std::printf("pong %d\n", m.as<pong>()->number);
  }
  self.exit(erl::atom("bored")); // the link ends the partner, too
}

erl::task<> watch(erl::process& self) {
  const auto answering = self.spawn_monitor(answer);
  const auto asking = self.spawn_monitor(ask, answering.process);
  for (int left = 2; left > 0; --left) {
    auto m = co_await self.receive(erl::any_of<erl::down>);
    const auto end = m.as<erl::down>();
    std::printf("%s has ended: %s\n", end->monitor == asking.monitor ? "ask" : "answer",
                erl::to_string(end->reason).c_str());
  }
}

int main() {
  erl::node node; // without a name: no network
  return node.run(watch);
}
