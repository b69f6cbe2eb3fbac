/// The daemon on an io_context: sockets around `registry` and `session`.
///
/// One thread owns all of it. Each connection that is not a registration has one deadline for its
/// whole life, so neither silence nor single bytes nor refusing to read keeps it; these connections
/// form one queue, oldest first, which is at once the order of deadlines and the order of giving
/// way when connections, descriptors or memory run short. Without descriptors a spare one is spent
/// to turn the client away, and accepting pauses.
#pragma once

#include <erl/epmd/daemon.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>

namespace erl::epmd {

class server {
public:
  /// Called when a KILL request has ended the service; from the io_context's thread.
  using killed = std::move_only_function<void()>;

  /// Lives no longer than `io`. All calls from `io`'s thread, or while it does not run.
  server(boost::asio::io_context& io, daemon_options options, killed on_kill = {});
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server();

  /// Listens and serves. Once only.
  std::expected<void, error> start();
  /// Closes everything.
  void stop();

  /// The port served; 0 before.
  std::uint16_t port() const noexcept;
  bool running() const noexcept;
  /// Connections open now, registrations included.
  std::size_t connections() const noexcept;

private:
  class impl;
  std::shared_ptr<impl> impl_;
};

/// As the public function of that name, but serves on `io`; null when another EPMD serves. The
/// first part blocks: it asks whether somebody answers.
std::expected<std::unique_ptr<server>, error>
embed_if_absent(boost::asio::io_context& io, std::optional<std::uint16_t> port = std::nullopt);

} // namespace erl::epmd
