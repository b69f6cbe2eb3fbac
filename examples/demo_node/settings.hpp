/// The command line.
#pragma once

#include <erl/node.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace demo {

struct settings {
  erl::node_options node;
  /// Nodes to connect to before READY is said. For this project's own tests.
  std::vector<std::string> peers{};
};

/// What these words (without the program's name) ask for. If they are wrong, nothing, and standard
/// error says why.
std::optional<settings> parse_settings(std::span<char*> words);

} // namespace demo
