/// A port mapper daemon (EPMD) inside a C++ program: it stands in for the `epmd` that comes with
/// Erlang.
#pragma once

#include <erl/duration.hpp>
#include <erl/epmd/error.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace erl::epmd {

/// How to serve.
struct daemon_options {
  std::optional<std::uint16_t> port = {}; ///< else `default_port()`; 0 takes any free port
  /// Addresses to listen on, besides loopback: at most 16. {"0.0.0.0", "::"} means every interface.
  /// Loopback may fail quietly when there is another address; those named here must work.
  std::vector<std::string> addresses = {};
  bool relaxed =
      false; ///< let local programs stop nodes' registrations, and kill the daemon at any time
  duration packet_timeout =
      std::chrono::seconds{60}; ///< a connection without a registration lives so long, in all
  std::size_t max_connections =
      1000; ///< registrations and others; the oldest of the others gives way
};

/// The addresses in ERL_EPMD_ADDRESS (separated by commas or spaces), for
/// `daemon_options::addresses`.
std::vector<std::string> addresses_from_environment();

/// A port mapper. Compatible with OTP's `epmd`: request for request, text for text.
///
/// Registrations and administrative requests are taken from this host only. Slow, silent and
/// hostile clients, and the want of file descriptors, delay nobody and cost bounded memory.
class daemon {
public:
  explicit daemon(daemon_options options = {});
  daemon(daemon&& other) noexcept;
  daemon& operator=(daemon&& other) noexcept;
  daemon(const daemon&) = delete;
  daemon& operator=(const daemon&) = delete;
  /// Stops.
  ~daemon();

  /// Listens, and serves from a thread of its own. Fails with `port_in_use` or `cannot_listen`.
  /// Once only.
  std::expected<void, error> start();
  /// Listens, and serves from the caller's thread until `stop()` or a KILL request. Once only.
  std::expected<void, error> run();
  /// Closes every connection and ends the service: every registered node loses its name. Any
  /// thread.
  void stop() noexcept;

  /// The port served; 0 before.
  std::uint16_t port() const noexcept;
  /// Whether it serves now. Any thread.
  bool running() const noexcept;

private:
  struct impl;
  impl* impl_;
};

/// Makes sure that an EPMD answers on this host: asks, and starts one (on loopback, with a thread
/// of its own) if nothing listens. Empty when another one serves already, also when it won a race
/// with this one. Fails with `bad_reply` or `timed_out` when something else holds the port. Blocks
/// for at most about 3 s.
std::expected<std::optional<daemon>, error>
embed_if_absent(std::optional<std::uint16_t> port = std::nullopt);

} // namespace erl::epmd
