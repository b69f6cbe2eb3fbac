/// Names of nodes: `name@host`.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace erl {

struct node_name {
  std::string name;
  std::string host;
  std::string full() const { return name + "@" + host; }
};

/// Takes a full name apart. The error says what is wrong with it.
std::expected<node_name, std::string> parse_node_name(std::string_view text);

/// The same for this node's own name: the host may be missing and is this machine's then.
std::expected<node_name, std::string> complete_node_name(std::string_view text);

} // namespace erl
