// Uses processes, without a network: one sends itself a typed message and receives it.
#include <erl/erl.hpp>

#include <cstdint>

struct note {
  std::int64_t value;
};
template <> inline constexpr auto erl::shape<note> = erl::tagged<"note">;

erl::task<> talk_to_oneself(erl::process& self) {
  const note sent{42};
  self.send(self.self(), sent);
  auto m = co_await self.receive();
  const auto received = m.as<note>();
  if (!received || received->value != sent.value)
    self.exit(erl::atom{"wrong_note"});
}

int main() {
  erl::node node;
  return node.run(talk_to_oneself);
}
