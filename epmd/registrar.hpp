/// Keeps a node registered at EPMD, on an io_context. `registration` in <erl/epmd/client.hpp> gives
/// it a thread.
#pragma once

#include "epmd/exchange.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace erl::epmd {

struct registrar_options {
  std::string name;       ///< the part before the @
  std::uint16_t port = 0; ///< where the node listens already
  std::uint8_t type = 77; ///< 77, or 72 for a hidden node
  target epmd;            ///< a loopback address; the time-out is for each attempt
  duration retry = std::chrono::seconds{2}; ///< pause between attempts
  bool persistent = false;                  ///< go on trying when the first attempt fails
  bool serve_if_absent = false; ///< when nothing listens at `epmd.port`, become this host's EPMD
  std::vector<std::string> serve_addresses; ///< `daemon_options::addresses` for that
};

/// Called from the io_context's thread, never from within `start`; each may be empty, and may
/// destroy the registrar.
struct registrar_events {
  /// The outcome of the first attempt, once: the creation, which stays the node's for its whole
  /// life; or why not.
  std::move_only_function<void(std::expected<std::uint32_t, error>)> started;
  /// The name is lost: EPMD went away, or broke the protocol. Attempts follow.
  std::move_only_function<void(const error&)> lost;
  /// The name is registered again, or late; with the creation of this time, for who has none yet.
  std::move_only_function<void(std::uint32_t)> restored;
  /// A later attempt failed, in another way than the one before it.
  std::move_only_function<void(const error&)> retry_failed;
};

/// Lives no longer than `io`. All calls from `io`'s thread, or while it does not run.
class registrar {
public:
  registrar(boost::asio::io_context& io, registrar_options options, registrar_events events);
  registrar(const registrar&) = delete;
  registrar& operator=(const registrar&) = delete;
  /// Gives the name up, silently; and stops serving.
  ~registrar();

  void start();
  /// Whether EPMD holds the name now.
  bool registered() const noexcept;
  /// Whether this registrar is the host's EPMD now.
  bool serving() const noexcept;

private:
  class impl;
  std::shared_ptr<impl> impl_;
};

} // namespace erl::epmd
