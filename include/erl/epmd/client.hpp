/// Asking the port mapper (EPMD): where does a node listen, who is there, and registering a node.
///
/// An answer is a hint: anybody on a host may register any name. The distribution handshake proves
/// who it is.
#pragma once

#include <erl/duration.hpp>
#include <erl/epmd/error.hpp>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace erl::epmd {

/// EPMD's port unless ERL_EPMD_PORT or the caller says otherwise.
inline constexpr std::uint16_t well_known_port = 4369;

/// The port that ERL_EPMD_PORT names, or 4369. Fails with `bad_port` when the variable is no port
/// number.
std::expected<std::uint16_t, error> default_port();

/// What EPMD knows about a node (PORT2_RESP).
struct node_info {
  std::string name = {};  ///< the part before the @
  std::uint16_t port = 0; ///< where it listens; never 0
  std::uint8_t type = 77; ///< 77: a full node, 72: a hidden one. Decoration: the handshake decides
  std::uint8_t protocol = 0; ///< 0: TCP
  std::uint16_t highest = 6; ///< the highest distribution version it speaks
  std::uint16_t lowest = 6;  ///< the lowest
  std::string extra = {};    ///< opaque bytes; empty for OTP's nodes
  std::string address = {};  ///< numeric address of the host, as its EPMD was reached

  /// Whether it speaks the distribution version of OTP 23 and later.
  bool speaks_version_6() const noexcept { return lowest <= 6 && highest >= 6; }
  bool operator==(const node_info&) const = default;
};

/// A line of EPMD's list.
struct listed_node {
  std::string name = {};  ///< the part before the @
  std::uint16_t port = 0; ///< where it listens
  bool operator==(const listed_node&) const = default;
};

/// How to ask.
struct query_options {
  std::optional<std::uint16_t> port = {};     ///< EPMD's port; else `default_port()`
  duration timeout = std::chrono::seconds{5}; ///< for all of it: name service, connecting, answer
};

/// Where the node `name` (without @host) on `host` listens. `host` is a name or an address. Blocks.
std::expected<node_info, error> lookup(std::string_view host, std::string_view name,
                                       const query_options& options = {});

/// The nodes registered on `host`, in EPMD's order. Blocks.
std::expected<std::vector<listed_node>, error> names(std::string_view host,
                                                     const query_options& options = {});

/// How to register a node.
struct registration_options {
  std::string name = {};          ///< the part before the @
  std::uint16_t port = 0;         ///< where the node listens already
  std::uint8_t type = 77;         ///< 77, or 72 for a hidden node
  std::string host = "127.0.0.1"; ///< EPMD accepts registrations from its own host only
  std::optional<std::uint16_t> epmd_port = {}; ///< EPMD's port; else `default_port()`
  duration timeout = std::chrono::seconds{10}; ///< for each attempt
  duration retry = std::chrono::seconds{2};    ///< pause between attempts after a loss
  /// When nothing listens at EPMD's port, now or after a loss, become this host's EPMD (on
  /// loopback).
  bool serve_if_absent = false;
};

/// A name held at the local EPMD for as long as this object lives, by a thread of its own.
///
/// When EPMD goes away the name is registered again every `retry`, with the same port. The creation
/// never changes: a daemon that comes back hands out a new one, which is ignored, because live pids
/// carry the first.
class registration {
public:
  /// Registers. Fails with `name_taken`, or with what a look-up can fail with.
  static std::expected<registration, error> open(registration_options options);

  registration(registration&& other) noexcept;
  registration& operator=(registration&& other) noexcept;
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;
  /// Gives the name up.
  ~registration();

  /// The number that tells this incarnation of the node from earlier ones. Not 0.
  std::uint32_t creation() const noexcept;
  /// Whether EPMD holds the name now. Any thread.
  bool registered() const noexcept;

private:
  struct impl;
  explicit registration(impl* owned) noexcept : impl_(owned) {}
  impl* impl_;
};

} // namespace erl::epmd
