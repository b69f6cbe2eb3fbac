// Uses the port mapper alone: serves on a free port, registers a name there and looks it up.
#include <erl/epmd/client.hpp>
#include <erl/epmd/daemon.hpp>

int main() {
  erl::epmd::daemon daemon{{.port = 0}};
  if (!daemon.start())
    return 1;
  const auto held =
      erl::epmd::registration::open({.name = "stranger", .port = 4711, .epmd_port = daemon.port()});
  if (!held)
    return 2;
  const auto found = erl::epmd::lookup("127.0.0.1", "stranger", {.port = daemon.port()});
  return found && found->port == 4711 ? 0 : 3;
}
