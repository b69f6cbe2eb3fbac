/// Waiting for readiness costs a system call each time, as Asio re-arms epoll for it; a pending
/// read does not. So a stream waits by reading into a small buffer of its own: a short message has
/// then arrived with no further system call, and an idle stream still holds no memory of its
/// reader. What fills the buffer goes on with reads into the reader's memory. When the reader
/// pauses, the pending read may still complete: its bytes are kept for later.
#include "node/asio_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace erl {

namespace {

constexpr int reads_a_turn = 4;
constexpr std::size_t bytes_a_turn = 256 * 1024;
constexpr std::size_t first_bytes = 2048;
constexpr std::size_t large_read = 32 * 1024;

/// Open as long as `events_` is set. Between its turns a stream is in one of these states:
/// connecting; with a read pending; due for a turn, as it has more to read or a failure to report;
/// or not reading at all. Waiting to be writable is independent of them.
class stream_state final : public asio_source {
public:
  stream_state(asio_core& core, stream_events& events) : asio_source(core), events_(&events) {}

  void connect(const endpoint& to);
  void adopt(int descriptor, const tcp::endpoint& peer);

  std::size_t write(std::span<const std::span<const std::byte>> chain);
  void read(bool on);
  endpoint peer() const { return to_endpoint(peer_); }
  endpoint local() const { return to_endpoint(local_); }

  void turn() override;
  void arm() override;
  void close() override;

private:
  using self = boost::intrusive_ptr<stream_state>;

  void on_connected(const boost::system::error_code& ec);
  void on_first_read(const boost::system::error_code& ec, std::size_t size);
  std::optional<std::size_t> fetch(std::span<std::byte> space);
  void on_writable(const boost::system::error_code& ec);
  void set_up();
  void fail(std::error_code reason);
  void end(std::error_code reason);

  stream_events* events_;
  std::optional<tcp_socket> socket_;
  bool connecting_ = false;
  bool reading_ = true;
  bool read_armed_ = false;
  bool want_write_ = false;
  bool write_armed_ = false;
  bool more_ = false;           // the socket may hold more than was read
  std::size_t first_begin_ = 0; // what a pending read brought and the reader has not got yet
  std::size_t first_end_ = 0;
  std::error_code failure_; // to be reported once the bytes that came in before it are read
  tcp::endpoint peer_;
  tcp::endpoint local_;
  operation_memory read_memory_;
  operation_memory write_memory_;
  std::array<std::byte, first_bytes> first_;
};

class asio_stream final : public stream {
public:
  explicit asio_stream(boost::intrusive_ptr<stream_state> state) : state_(std::move(state)) {}
  asio_stream(const asio_stream&) = delete;
  asio_stream& operator=(const asio_stream&) = delete;
  ~asio_stream() override { state_->close(); }

  std::size_t write(std::span<const std::span<const std::byte>> chain) override {
    return state_->write(chain);
  }
  void read(bool on) override { state_->read(on); }
  endpoint peer() const override { return state_->peer(); }
  endpoint local() const override { return state_->local(); }

private:
  boost::intrusive_ptr<stream_state> state_;
};

void stream_state::connect(const endpoint& to) {
  connecting_ = true;
  const auto address = from_endpoint(to);
  if (!address) {
    fail(std::make_error_code(std::errc::invalid_argument));
    return;
  }
  peer_ = *address;
  boost::system::error_code ec;
  socket_.emplace(core_.context);
  socket_->open(peer_.protocol(), ec);
  if (ec) {
    fail(to_std(ec));
    return;
  }
  socket_->async_connect(peer_,
                         completion<self, &stream_state::on_connected>{self{this}, &write_memory_});
}

void stream_state::adopt(int descriptor, const tcp::endpoint& peer) {
  peer_ = peer;
  boost::system::error_code ec;
  socket_.emplace(core_.context);
  socket_->assign(peer.protocol(), descriptor, ec);
  if (ec) {
    ::close(descriptor);
    fail(to_std(ec));
    return;
  }
  set_up();
  want_arm();
}

void stream_state::set_up() {
  boost::system::error_code ec;
  socket_->native_non_blocking(true, ec);
  socket_->set_option(tcp::no_delay{true}, ec);
  // What the socket has taken can no longer be overtaken by small messages.
  const int most_unsent = 128 * 1024;
  ::setsockopt(socket_->native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most_unsent,
               sizeof most_unsent);
  local_ = socket_->local_endpoint(ec);
}

void stream_state::on_connected(const boost::system::error_code& ec) {
  if (events_ == nullptr) {
    return;
  }
  core_.happened = true;
  if (ec) {
    end(to_std(ec));
    return;
  }
  set_up();
  // A socket that connects to a free port of this host may be given that very port, and meets
  // itself.
  if (local_ == peer_) {
    end(std::make_error_code(std::errc::connection_refused));
    return;
  }
  connecting_ = false;
  want_arm();
  events_->connected();
}

std::size_t stream_state::write(std::span<const std::span<const std::byte>> chain) {
  if (events_ == nullptr || failure_) {
    return 0;
  }
  if (connecting_) {
    want_write_ = true;
    return 0;
  }
  core_.traffic.replied = true;
  std::size_t taken = 0;
  auto next = chain.begin();
  while (next != chain.end()) {
    std::size_t count = 0;
    std::size_t offered = 0;
    for (; next != chain.end() && count < core_.gather.size(); ++next) {
      if (!next->empty()) {
        core_.gather[count++] = {const_cast<std::byte*>(next->data()), next->size()};
        offered += next->size();
      }
    }
    msghdr message{};
    message.msg_iov = core_.gather.data();
    message.msg_iovlen = count;
    ssize_t sent = 0;
    do {
      sent = ::sendmsg(socket_->native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
      fail(errno_code(errno));
      return taken;
    }
    taken += sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (sent < 0 || static_cast<std::size_t>(sent) < offered) {
      want_write_ = true;
      want_arm();
      return taken;
    }
  }
  return taken;
}

void stream_state::read(bool on) {
  reading_ = on;
  if (!on || events_ == nullptr || connecting_) {
    return;
  }
  if (more_ || first_begin_ != first_end_) {
    want_turn();
  } else {
    want_arm();
  }
}

void stream_state::arm() {
  if (events_ == nullptr || connecting_ || failure_) {
    return;
  }
  if (reading_ && !read_armed_ && !has_turn()) {
    read_armed_ = true;
    socket_->async_read_some(
        boost::asio::buffer(first_),
        completion<self, &stream_state::on_first_read>{self{this}, &read_memory_});
  }
  if (want_write_ && !write_armed_) {
    write_armed_ = true;
    socket_->async_wait(tcp_socket::wait_write,
                        completion<self, &stream_state::on_writable>{self{this}, &write_memory_});
  }
}

void stream_state::on_first_read(const boost::system::error_code& ec, std::size_t size) {
  read_armed_ = false;
  if (events_ == nullptr) {
    return;
  }
  if (ec) {
    end(failure_ || ec == boost::asio::error::eof ? failure_ : to_std(ec));
    return;
  }
  first_begin_ = 0;
  first_end_ = size;
  more_ = size == first_.size() || failure_;
  turn();
}

void stream_state::on_writable(const boost::system::error_code& ec) {
  write_armed_ = false;
  if (events_ == nullptr || failure_) {
    return;
  }
  if (ec) {
    fail(to_std(ec));
    return;
  }
  core_.happened = true;
  want_write_ = false;
  events_->writable();
}

void stream_state::turn() {
  if (events_ == nullptr || (reading_ && read_armed_)) {
    return; // a pending read may hold bytes already, which come first
  }
  std::size_t total = 0;
  for (int reads = 0; reading_ && (more_ || first_begin_ != first_end_); ++reads) {
    if (reads == reads_a_turn || total >= bytes_a_turn) {
      want_turn();
      return;
    }
    const std::span<std::byte> space = events_->read_space();
    if (events_ == nullptr) {
      return;
    }
    assert(!space.empty());
    const auto size = fetch(space);
    if (!size) {
      return;
    }
    if (*size != 0) {
      core_.happened = true;
      core_.traffic.received += *size;
      core_.small_reads = *size < large_read ? core_.small_reads + 1 : 0;
      total += *size;
      events_->received(*size);
    }
    if (events_ == nullptr) {
      return;
    }
  }
  if (failure_) {
    end(failure_);
  } else {
    want_arm();
  }
}

// Fills `space` from the first bytes or from the socket. 0 when there are none, nothing when the
// stream has ended.
std::optional<std::size_t> stream_state::fetch(std::span<std::byte> space) {
  if (first_begin_ != first_end_) {
    const std::size_t size = std::min(space.size(), first_end_ - first_begin_);
    std::memcpy(space.data(), first_.data() + first_begin_, size);
    first_begin_ += size;
    return size;
  }
  ssize_t size = 0;
  do {
    size = ::recv(socket_->native_handle(), space.data(), space.size(), MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  if (size == 0) {
    end(failure_);
    return std::nullopt;
  }
  if (size < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      end(failure_ ? failure_ : errno_code(errno));
      return std::nullopt;
    }
    more_ = false;
    return 0;
  }
  more_ = static_cast<std::size_t>(size) == space.size() || failure_;
  return static_cast<std::size_t>(size);
}

// Bytes that came in before the failure are still read, as the peer's last words may be among them.
// The shutdown makes sure that reading comes to an end, whatever the failure was.
void stream_state::fail(std::error_code reason) {
  if (!failure_) {
    failure_ = reason;
  }
  if (socket_ && !connecting_) {
    ::shutdown(socket_->native_handle(), SHUT_RDWR);
    more_ = true;
  }
  want_turn();
}

void stream_state::end(std::error_code reason) {
  core_.happened = true;
  stream_events* events = events_;
  close();
  events->closed(reason);
}

void stream_state::close() {
  events_ = nullptr;
  leave_lists();
  socket_.reset();
}

} // namespace

endpoint to_endpoint(const tcp::endpoint& from) {
  return {.address = from.address().to_string(), .port = from.port()};
}

std::optional<tcp::endpoint> from_endpoint(const endpoint& from) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(from.address, ec);
  if (ec) {
    return std::nullopt;
  }
  return tcp::endpoint{address, from.port};
}

std::unique_ptr<stream> connect_asio_stream(asio_core& core, const endpoint& to,
                                            stream_events& events) {
  const boost::intrusive_ptr<stream_state> state{new stream_state{core, events}};
  auto made = std::make_unique<asio_stream>(state);
  state->connect(to);
  return made;
}

std::unique_ptr<stream> make_asio_stream(asio_core& core, int descriptor, const tcp::endpoint& peer,
                                         stream_events& events) {
  const boost::intrusive_ptr<stream_state> state{new stream_state{core, events}};
  auto made = std::make_unique<asio_stream>(state);
  state->adopt(descriptor, peer);
  return made;
}

} // namespace erl
