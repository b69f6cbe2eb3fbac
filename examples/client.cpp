// Calls an Elixir GenServer, and shows what can go wrong: examples/client_server.exs is the other
// side.
#include <erl/erl.hpp>

#include <cstdint>
#include <cstdio>
#include <expected>
#include <string>

using namespace std::chrono_literals;

struct price { // {price, Item}
  std::string item;
};
struct nap { // {nap, Milliseconds}
  std::int64_t time;
};
template <> inline constexpr auto erl::shape<price> = erl::tagged<"price">;
template <> inline constexpr auto erl::shape<nap> = erl::tagged<"nap">;

using quote = std::expected<double, erl::atom>; // {ok, Price} or {error, Why}

erl::task<> ask(erl::process& self, erl::destination shop, std::string item) {
  const price question{item};
  auto reply = co_await erl::call<quote>(self, shop, question);
  if (!reply)
    std::printf("%s: %s\n", item.c_str(), reply.error().message().c_str());
  else if (!*reply)
    std::printf("%s: the shop says %s\n", item.c_str(), erl::to_string(reply->error()).c_str());
  else
    std::printf("%s: %.2f\n", item.c_str(), **reply);
}

erl::task<> go_shopping(erl::process& self, erl::atom node) {
  const erl::destination shop{"shop", node};
  co_await ask(self, shop, "apple");
  co_await ask(self, shop, "unicorn");
  co_await ask(self, {"closed_shop", node}, "apple");
  co_await ask(self, {"shop", "nobody@127.0.0.1"}, "apple");

  auto late = co_await erl::call<erl::atom>(self, shop, nap{2000}, 100ms);
  std::printf("a nap: %s\n", late ? "over" : late.error().message().c_str());
  const price pear{"pear"};
  auto wrong = co_await erl::call<std::int64_t>(self, shop, pear);
  std::printf("pear: %s\n", wrong ? "a number" : wrong.error().message().c_str());
}

int main(int count, char** arguments) {
  const erl::atom server{std::string_view(count > 1 ? arguments[1] : "shop@127.0.0.1")};
  erl::node node{{.name = "client@127.0.0.1"}};
  return node.run([server](erl::process& self) { return go_shopping(self, server); });
}
