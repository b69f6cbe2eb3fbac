// Supervision without any network: a worker that fails is started again, and carries on where it
// was, because the process that knows how far it has come lives on.
#include <erl/erl.hpp>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;

struct journal : erl::gen_server<journal> {
  using calls = erl::messages<erl::is<"next">, erl::is<"wait">>;
  using casts = erl::messages<erl::is<"finished">>;

  std::int64_t last = 0;
  bool finished = false;
  std::optional<erl::caller> waiting;

  std::int64_t handle_call(erl::is<"next">) { return ++last; }
  void handle_call(erl::is<"wait">, erl::caller who) {
    waiting = std::move(who); // the answer may come later
    tell();
  }
  void handle_cast(erl::is<"finished">) {
    finished = true;
    tell();
  }
  void tell() {
    if (finished && waiting)
      waiting->reply(last - 1);
  }
};

erl::task<> import(erl::process& self) {
  const std::int64_t records = 5;
  std::puts("the import begins");
  for (;;) {
    auto next = co_await erl::call<std::int64_t>(self, "journal", erl::is<"next">{});
    if (!next)
      self.exit(next.error().reason);
    if (*next > records)
      break;
    if (*next == 3) // this process ends, and its supervisor starts a new one
      throw std::runtime_error("record 3 is damaged");
    std::printf("record %d is imported\n", static_cast<int>(*next));
  }
  erl::cast(self, "journal", erl::is<"finished">{});
}

erl::task<> wait_for_the_end(erl::process& self) {
  auto count = co_await erl::call<std::int64_t>(self, "journal", erl::is<"wait">{}, 10s);
  if (!count)
    throw std::runtime_error(count.error().message());
  std::printf("the import has gone through %d records\n", static_cast<int>(*count));
}

int main() {
  erl::node node; // without a name: no network
  node.start(erl::supervisor{erl::one_for_one,
                             {.intensity = 3, .period = 5s},
                             erl::child<journal>("journal"),
                             erl::child("import", {.restart = erl::transient}, import)});
  return node.run(wait_for_the_end);
}
