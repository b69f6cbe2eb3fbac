// The smallest node: one server, under a supervisor. examples/hello.exs calls it.
#include <erl/gen_server.hpp>
#include <erl/node.hpp>
#include <erl/supervisor.hpp>

#include <string>

struct greet { // {greet, Whom}
  std::string whom;
};
template <> inline constexpr auto erl::shape<greet> = erl::tagged<"greet">;

struct greeter : erl::gen_server<greeter> {
  using calls = erl::messages<greet>;

  std::string handle_call(const greet& request) { return "Hello, " + request.whom + "!"; }
};

int main() {
  erl::node node{{.name = "hello@127.0.0.1"}};
  node.start(erl::supervisor{erl::one_for_one, {}, erl::child<greeter>("greeter")});
  return node.run(); // until SIGTERM
}
