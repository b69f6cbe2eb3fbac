// A node with everything that Erlang and Elixir may want to try: servers, a supervisor, and
// processes that do what they are told.
//
//     demo_node NAME COOKIE [hidden] [tick=SECONDS]
//
// It listens on 127.0.0.1, prints a line that starts with READY when all is there, and ends with
// SIGTERM. A cookie on a command line can be seen by everybody on the machine: for tests only.
#include "bench.hpp"
#include "counter.hpp"
#include "echo.hpp"
#include "functions.hpp"
#include "settings.hpp"
#include "sink.hpp"
#include "slow.hpp"
#include "spawner.hpp"
#include "workers.hpp"
#include <erl/erl.hpp>

#include <cstdio>
#include <string>

namespace {

using namespace std::chrono_literals;
using namespace demo;

/// Everything that is registered, in the order in which it starts.
erl::supervisor top(erl::node& node) {
  const erl::restart_limits limits{.intensity = 100, .period = 10s};
  const erl::child_options quick{.shutdown = 2s};
  return erl::supervisor{
      erl::one_for_one,
      limits,
      erl::child<echo>("echo"),
      erl::child<counter>("counter"),
      erl::child<sink>("sink"),
      erl::child<slow>("slow"),
      erl::child<bench>("bench"),
      erl::child<spawner>("spawner", {}, &node),
      erl::child("demo_sup",
                 erl::supervisor{erl::one_for_one, limits, erl::child<crasher>("crasher", quick),
                                 erl::child<steady>("steady", quick)})};
}

} // namespace

int main(int count, char** words) {
  const auto wanted = parse_settings({words + 1, words + count});
  if (!wanted)
    return 2;
  erl::node node(wanted->node);
  serve_functions(node);
  if (!node.start(top(node)))
    return 1;
  for (const std::string& peer : wanted->peers) {
    if (const auto connected = node.connect(peer))
      std::printf("CONNECTED %s\n", peer.c_str());
    else
      std::printf("FAILED TO CONNECT %s: %s\n", peer.c_str(), connected.error().message.c_str());
  }
  std::printf("READY %.*s port %u\n", static_cast<int>(node.name().size()), node.name().data(),
              node.port());
  std::fflush(stdout);
  return node.run();
}
