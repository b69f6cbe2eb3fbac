#include "node/node_name.hpp"

#include <erl/etf/atom.hpp>

#include <algorithm>
#include <array>

#include <unistd.h>

namespace erl {

std::expected<node_name, std::string> parse_node_name(std::string_view text) {
  const auto wrong = [&](const char* what) {
    return std::unexpected("\"" + std::string(text.substr(0, 300)) + "\" is not a node name: " +
                           what + "; a node name looks like demo@127.0.0.1");
  };
  if (!is_atom_text(text))
    return wrong("it is longer than 255 characters, or not UTF-8");
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos)
    return wrong("there is no @");
  if (text.find('@', at + 1) != std::string_view::npos)
    return wrong("there is more than one @");
  if (at == 0 || at + 1 == text.size())
    return wrong("nothing stands before or behind the @");
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; }))
    return wrong("there is a blank or a control character in it");
  return node_name{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::expected<node_name, std::string> complete_node_name(std::string_view text) {
  if (text.find('@') != std::string_view::npos)
    return parse_node_name(text);
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0')
    return std::unexpected(
        "this machine has no host name; give the node's full name, like demo@127.0.0.1");
  // Short names, as with erl -sname, have no dots in the host.
  const std::string_view full(host.data());
  return parse_node_name(std::string(text) + "@" + std::string(full.substr(0, full.find('.'))));
}

} // namespace erl
