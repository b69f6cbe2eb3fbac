/// One client of the daemon: a socket around a `session`.
#pragma once

#include "epmd/session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <string>

namespace erl::epmd {

class connection;

/// Who is told about a connection. Not called once the connection is closed.
class connection_owner {
public:
  virtual void readable(connection& from) = 0; ///< a recv will not block; reading then rests
  virtual void written(connection& to) = 0;    ///< all of a reply that took its time is sent
  virtual void failed(connection& which) = 0;  ///< nothing can be sent any more

protected:
  ~connection_owner() = default;
};

class connection : public std::enable_shared_from_this<connection> {
public:
  /// Takes over an accepted, non-blocking descriptor. Null when it is dead already; it is closed
  /// then.
  static std::shared_ptr<connection> adopt(boost::asio::io_context& io, int fd, registry& names,
                                           session_rules rules, connection_owner& owner);

  connection(boost::asio::ip::tcp::socket socket, registry& names, session_rules rules, bool local,
             connection_owner& owner);

  void read();
  /// Sends what the socket takes now and keeps the rest; `written` follows unless nothing is
  /// unsent.
  void write(std::string bytes);
  std::size_t unsent() const { return unsent_.size(); }
  /// Gives its name up. Nothing is reported afterwards.
  void close();
  int descriptor() const { return fd_; }

  session talk;
  action::step next = action::step::read;
  bool is_node = false; // in the list of registrations
  boost::asio::steady_timer::time_point deadline;
  std::list<std::shared_ptr<connection>>::iterator place;

private:
  boost::asio::ip::tcp::socket socket_;
  int fd_;
  connection_owner* owner_; // null once closed
  std::string unsent_;
};

} // namespace erl::epmd
