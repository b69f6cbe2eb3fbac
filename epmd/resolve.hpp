/// Host name to addresses, on an io_context, without ever holding it up.
///
/// getaddrinfo blocks for as long as the name service likes, and can not be stopped. Each look-up
/// therefore has a detached thread of its own, which owns all it touches and finds out under a lock
/// whether anybody still listens. At most 32 at a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace erl::epmd {

/// Addresses in the order to try them, never none; or the resolver's words.
using addresses = std::expected<std::vector<boost::asio::ip::address>, std::string>;

/// A look-up under way; its destructor silences it.
class resolution {
public:
  using handler = std::move_only_function<void(addresses)>;

  resolution() = default;
  /// `done` is called from `io`'s thread, never from within this constructor. The owner lives no
  /// longer than `io`.
  resolution(boost::asio::io_context& io, std::string host, handler done);
  resolution(resolution&&) noexcept = default;
  resolution& operator=(resolution&& other) noexcept;
  ~resolution() { cancel(); }
  void cancel() noexcept;

private:
  void start(std::string host);

  struct listener;
  std::shared_ptr<listener> listener_;
};

} // namespace erl::epmd
