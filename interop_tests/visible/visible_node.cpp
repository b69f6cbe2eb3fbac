/// A visible C++ node that tells which global names it knows.
///
///     visible_node NAME COOKIE [overlapping] [hidden] [connect=NODE]...
///
/// The process `names` answers `{whereis, Name}` with a pid or `undefined`, and `self` with
/// its own pid. `overlapping`: it does not prevent overlapping partitions.
#include <erl/erl.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct whereis {
  erl::term name;
  using erl_shape = erl::tagged_shape<"whereis">;
};

struct names : erl::gen_server<names> {
  using calls = erl::messages<whereis, erl::is<"self">>;
  erl::term handle_call(whereis question) {
    const auto found = self().global_whereis(question.name);
    return found ? erl::term(*found) : erl::term(erl::atoms::undefined);
  }
  erl::pid handle_call(erl::is<"self">) { return self().self(); }
};

erl::supervisor top() { return erl::supervisor{erl::one_for_one, {}, erl::child<names>("names")}; }

} // namespace

int main(int count, char** words) {
  if (count < 3)
    return 2;
  erl::node_options options{.name = words[1], .visible = true, .cookie = words[2]};
  std::vector<std::string> peers;
  for (int i = 3; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "hidden")
      options.visible = false;
    else if (word == "overlapping")
      options.global.prevent_overlapping_partitions = false;
    else if (word.starts_with("connect="))
      peers.emplace_back(word.substr(8));
    else
      return 2;
  }
  erl::node node(options);
  if (!node.start(top()))
    return 1;
  for (const std::string& peer : peers)
    if (!node.connect(peer))
      return 1;
  std::printf("READY %.*s port %u\n", static_cast<int>(node.name().size()), node.name().data(),
              node.port());
  std::fflush(stdout);
  return node.run();
}
