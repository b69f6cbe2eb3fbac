/// The daemon's side of one connection, without any I/O: bytes in, one action out.
#pragma once

#include "epmd/registry.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace erl::epmd {

/// What all sessions of a daemon share.
struct session_rules {
  std::uint16_t port = 0; ///< the daemon's own, told in NAMES and DUMP
  bool relaxed = false;   ///< whether STOP is served, and KILL while nodes are live
};

/// What the connection does next: send `reply`, then go on as `next` says.
struct action {
  enum class step : std::uint8_t {
    read,  ///< wait for the rest of the request
    keep,  ///< hold the connection, and read on to notice its end
    close, ///< close the connection
    stop,  ///< close the connection and end the daemon
  };
  step next = step::read;
  std::string reply;
  std::optional<int> drop; ///< another connection (by its descriptor) to close first
};

class session {
public:
  /// `fd` names the connection in the registry and in DUMP. A `local` peer is on the daemon's own
  /// host.
  session(registry& names, session_rules rules, int fd, bool local)
      : registry_(names), rules_(rules), fd_(fd), local_(local) {}

  /// How many bytes may be read next. Reading more than the request has is an offence only in its
  /// first segment.
  std::size_t wanted() const noexcept;

  /// Takes bytes that arrived, at most `wanted()` and at least one. `now`: wall clock, seconds.
  action feed(std::string_view bytes, std::uint32_t now);

  /// The connection has ended: the name is free again.
  void ended() { registry_.remove(fd_); }

  /// Whether a name is registered through this connection.
  bool registered() const noexcept { return registered_; }

private:
  action serve(std::string_view body, std::uint32_t now);
  action serve(const wire::register_request& wanted, std::uint32_t now);
  action serve(const wire::lookup_request& wanted) const;
  action serve(wire::names_request) const;
  action serve(wire::dump_request) const;
  action serve(wire::kill_request) const;
  action serve(const wire::stop_request& wanted) const;

  registry& registry_;
  session_rules rules_;
  int fd_;
  bool local_;
  bool answered_ = false; // a registration was answered: any further byte ends it
  bool registered_ = false;
  std::size_t size_ = 0; // of the whole request, 0 while unknown
  std::string bytes_;
};

} // namespace erl::epmd
