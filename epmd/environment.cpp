#include "epmd/text.hpp"
#include <erl/epmd/client.hpp>
#include <erl/epmd/daemon.hpp>

#include <charconv>
#include <cstdlib>

namespace erl::epmd {

std::expected<std::uint16_t, error> default_port() {
  const char* const set = std::getenv("ERL_EPMD_PORT");
  if (set == nullptr || *set == '\0')
    return well_known_port;
  const std::string_view text = set;
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc{} || end != text.data() + text.size() || port == 0)
    return std::unexpected(
        error{.code = errc::bad_port, .cause = "ERL_EPMD_PORT is '" + printable(text) + "'"});
  return port;
}

std::vector<std::string> addresses_from_environment() {
  constexpr std::string_view separators = ", ";
  const char* const set = std::getenv("ERL_EPMD_ADDRESS");
  std::string_view rest = set == nullptr ? "" : set;
  std::vector<std::string> found;
  while (true) {
    const auto begin = rest.find_first_not_of(separators);
    if (begin == std::string_view::npos)
      return found;
    rest.remove_prefix(begin);
    found.emplace_back(rest.substr(0, rest.find_first_of(separators)));
    rest.remove_prefix(found.back().size());
  }
}

} // namespace erl::epmd
