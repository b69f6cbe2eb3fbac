/// A C++ node that the Erlang and Elixir programs of these tests drive.
///
///     test_node NAME [hidden|visible] [tick=SECONDS] [schedulers=COUNT] [connect=NODE]...
///
/// The cookie comes from `~/.erlang.cookie`. With `connect` the node connects to that one before it
/// says READY, and prints `CONNECTED NODE` or `FAILED TO CONNECT NODE: why`.
#include "functions.hpp"
#include "puppet.hpp"
#include "servers.hpp"
#include <erl/erl.hpp>

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using namespace test_node;

struct settings {
  erl::node_options node{.visible = true};
  std::vector<std::string> peers;
};

bool parse_number(std::string_view text, unsigned& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse(int count, char** words, settings& to) {
  if (count < 2)
    return false;
  to.node.name = words[1];
  for (int i = 2; i < count; ++i) {
    std::string_view word = words[i];
    if (word == "hidden" || word == "visible") {
      to.node.visible = word == "visible";
    } else if (word.starts_with("tick=")) {
      unsigned seconds = 0;
      if (!parse_number(word.substr(5), seconds))
        return false;
      to.node.tick_time = std::chrono::seconds(seconds);
    } else if (word.starts_with("schedulers=")) {
      if (!parse_number(word.substr(11), to.node.schedulers))
        return false;
    } else if (word.starts_with("connect=")) {
      to.peers.emplace_back(word.substr(8));
    } else {
      return false;
    }
  }
  return true;
}

/// Everything that is registered, in the order in which it starts.
erl::supervisor top() {
  const erl::restart_limits limits{.intensity = 100, .period = 10s};
  const erl::child_options quick{.shutdown = 2s};
  return erl::supervisor{
      erl::one_for_one,
      limits,
      erl::child<echo>("echo"),
      erl::child<counter>("counter"),
      erl::child<sink>("sink"),
      erl::child<spawner>("spawner"),
      erl::child("demo_sup",
                 erl::supervisor{erl::one_for_one, limits, erl::child<crasher>("crasher", quick),
                                 erl::child<steady>("steady", quick)})};
}

} // namespace

int main(int count, char** words) {
  settings wanted;
  if (!parse(count, words, wanted)) {
    std::fputs("usage: test_node NAME [hidden|visible] [tick=SECONDS] [schedulers=COUNT] "
               "[connect=NODE]...\n",
               stderr);
    return 2;
  }
  erl::node node(wanted.node);
  serve_functions(node);
  if (!node.start(top()))
    return 1;
  for (const std::string& peer : wanted.peers) {
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
