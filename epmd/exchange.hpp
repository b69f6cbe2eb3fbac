/// One request and its answer over a TCP connection of its own, on an io_context.
#pragma once

#include "epmd/resolve.hpp"
#include <erl/duration.hpp>
#include <erl/epmd/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace erl::epmd {

/// Whom to ask, and how long to wait: for the name service, the connection and the answer together.
struct target {
  std::string host;
  std::uint16_t port = 0;
  duration timeout = std::chrono::seconds{5};
};

/// What the bytes so far are.
enum class verdict : std::uint8_t { more, done };

/// Judges all bytes that came so far; `ended`: no more will come. The error is why they are no
/// answer.
using judge = std::move_only_function<std::expected<verdict, const char*>(std::string_view bytes,
                                                                          bool ended)>;

/// Receives the connection, still open, once the judge is content; or why there is no answer.
using exchanged = std::move_only_function<void(std::expected<boost::asio::ip::tcp::socket, error>)>;

/// Lives as long as its operations are pending, at most `timeout`. All calls and call-backs on the
/// io_context's thread; `finished` is called once, unless the io_context is destroyed first, and
/// never from within `start`.
class exchange : public std::enable_shared_from_this<exchange> {
public:
  /// Sends `request` and reads at most `limit` bytes.
  static std::weak_ptr<exchange> start(boost::asio::io_context& io, target to, std::string request,
                                       std::size_t limit, judge check, exchanged finished);
  /// Ends it with `cancelled`; `finished` is called from within.
  void cancel();

private:
  struct token {}; // makes the constructor callable by `start` only
  using code = boost::system::error_code;

public:
  exchange(token, boost::asio::io_context& io, target to, std::string request, std::size_t limit,
           judge check, exchanged finished);

private:
  void begin();
  void resolved(addresses found);
  void connect_next();
  void limit_attempt();
  void connected(const code& failure);
  void attempt_failed(errc kind, std::string cause);
  void write();
  void read();
  void received(const code& failure, std::size_t size);
  void expired();
  void fail(errc kind, std::string cause);
  void finish(std::expected<boost::asio::ip::tcp::socket, error> result);

  boost::asio::io_context& io_;
  target to_;
  std::string request_;
  std::size_t limit_;
  judge check_;
  exchanged finished_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer attempt_deadline_;
  boost::asio::ip::tcp::socket socket_;
  resolution resolution_;
  std::vector<boost::asio::ip::address> addresses_;
  std::size_t next_address_ = 0;
  bool connecting_ = false;
  bool attempt_expired_ = false;
  bool over_ = false;
  error best_; // the most telling failure of the addresses tried
  std::array<char, 4096> chunk_{};
  std::string answer_;
};

/// Opens a TCP socket that children of this process do not inherit.
boost::system::error_code open_socket(boost::asio::ip::tcp::socket& socket,
                                      const boost::asio::ip::tcp& protocol);

} // namespace erl::epmd
