#include "epmd/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace erl::epmd {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using code = boost::system::error_code;

std::shared_ptr<connection> connection::adopt(asio::io_context& io, int fd, registry& names,
                                              session_rules rules, connection_owner& owner) {
  tcp::endpoint mine;
  auto size = static_cast<socklen_t>(mine.capacity());
  code failure;
  tcp::socket socket(io);
  if (::getsockname(fd, mine.data(), &size) == 0 && size <= mine.capacity()) {
    mine.resize(size);
    socket.assign(mine.protocol(), fd, failure);
  }
  if (failure || !socket.is_open()) {
    ::close(fd);
    return nullptr;
  }
  const auto there = socket.remote_endpoint(failure);
  if (failure)
    return nullptr;
  const bool local =
      there.address().is_loopback() || there.address() == socket.local_endpoint(failure).address();
  return std::make_shared<connection>(std::move(socket), names, rules, local, owner);
}

connection::connection(tcp::socket socket, registry& names, session_rules rules, bool local,
                       connection_owner& owner)
    : talk(names, rules, socket.native_handle(), local), socket_(std::move(socket)),
      fd_(socket_.native_handle()), owner_(&owner) {}

void connection::read() {
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const code& failure) {
    if (self->owner_ == nullptr)
      return;
    if (failure)
      self->owner_->failed(*self);
    else
      self->owner_->readable(*self);
  });
}

void connection::write(std::string bytes) {
  if (bytes.empty())
    return;
  const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0)
    bytes.erase(0, static_cast<std::size_t>(sent));
  unsent_ = std::move(bytes);
  if (unsent_.empty())
    return;
  asio::async_write(socket_, asio::buffer(unsent_),
                    [self = shared_from_this()](const code& failure, std::size_t) {
                      if (self->owner_ == nullptr)
                        return;
                      if (failure)
                        self->owner_->failed(*self);
                      else
                        self->owner_->written(*self);
                    });
}

void connection::close() {
  owner_ = nullptr;
  talk.ended();
  code ignored;
  socket_.close(ignored);
}

} // namespace erl::epmd
