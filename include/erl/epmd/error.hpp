/// What can go wrong between a node and the port mapper, and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace erl::epmd {

/// The kinds of failure of this library.
enum class errc : std::uint8_t {
  not_listening,  ///< nothing listens on that port of that host
  unreachable,    ///< there is no way to the host: no route, no network, or a firewall that says so
  unknown_host,   ///< the host name has no address
  not_registered, ///< EPMD answered: it knows no node of that name
  name_taken,     ///< EPMD refused the registration: another live node holds the name
  bad_reply,      ///< what listens there does not speak EPMD's protocol, or contradicts itself
  closed,         ///< the connection ended before the answer was complete
  timed_out,      ///< no complete answer within the time allowed
  bad_name,       ///< the node name given can not be a name in EPMD; nothing was sent
  bad_port,       ///< ERL_EPMD_PORT, or the port given, is no port number; nothing was sent
  port_in_use,    ///< the daemon can not start: the port is taken, by an EPMD in most cases
  cannot_listen,  ///< the daemon can not start: it may not listen on an address
  no_resources,   ///< the system refused a socket, a thread or memory
  cancelled,      ///< given up by its owner before it was done
};

/// The value's name, for logs: "not_listening".
std::string_view to_string(errc code) noexcept;

/// One failure, with all that its message needs.
struct error {
  errc code = errc::no_resources;
  std::string host;       ///< the host asked, as the caller wrote it; or the address listened on
  std::uint16_t port = 0; ///< EPMD's port
  std::string name;       ///< the node name in question, where there is one
  std::string cause; ///< the finding in detail, printable: the system's words, or the odd bytes

  /// One line for people: host and port, what happened, and what to do. Without control characters.
  std::string message() const;
};

} // namespace erl::epmd
