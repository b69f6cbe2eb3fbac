// A supervised calculator on a node of its own. examples/calculator.exs calls it from Elixir;
// scripts/demo runs both.
#include <erl/erl.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct add { // {add, Number}
  double amount;
};
struct divide { // {divide, Number}
  double by;
};
template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;
template <> inline constexpr auto erl::shape<divide> = erl::tagged<"divide">;

struct calculator : erl::gen_server<calculator> {
  using calls = erl::messages<add, divide, erl::is<"get">, erl::is<"pid">>;
  using casts = erl::messages<erl::is<"reset">>;

  double total = 0;

  void init() {
    self().trap_exit(true); // the ends of linked processes come to handle_info
    std::printf("calc %s has started with total 0\n",
                erl::to_string(erl::term(self().self())).c_str());
  }

  double handle_call(add request) {
    std::printf("calc adds %g to %g\n", request.amount, total);
    return total += request.amount;
  }
  double handle_call(divide request) {
    if (request.by == 0)
      throw std::domain_error("division by zero"); // ends this process, and nothing else
    return total /= request.by;
  }
  double handle_call(erl::is<"get">) { return total; }
  erl::pid handle_call(erl::is<"pid">) { return self().self(); }

  void handle_cast(erl::is<"reset">) {
    std::puts("calc is reset to 0");
    total = 0;
  }
  void handle_info(const erl::exit_signal& end) {
    std::printf("calc hears that a linked process has ended: %s\n",
                erl::to_string(end.reason).c_str());
  }
  void terminate(erl::term_ref reason) {
    std::printf("calc ends: %s\n", erl::to_string(reason).c_str());
  }
};

int main(int count, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0); // each line is seen when it is written
  erl::node node{{.name = count > 1 ? arguments[1] : "calculator@127.0.0.1"}};
  if (node.start(erl::supervisor{
          erl::one_for_one, {.intensity = 3, .period = 5s}, erl::child<calculator>("calc")}))
    std::printf("READY %s\n", std::string(node.name()).c_str());
  return node.run(); // until SIGTERM; 1 if the start has failed
}
