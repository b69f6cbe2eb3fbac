/// Accepting under pressure: at the limit of descriptors a pending connection would stay in the
/// queue and keep the socket readable. So a descriptor is held in reserve; it is given up for a
/// moment to accept the connection and close it, and the peer sees at once that it is not served.
/// When even that fails the listener pauses.
#include "node/asio_listener.hpp"

#include "base/log.hpp"
#include "node/asio_stream.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cerrno>
#include <chrono>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace erl {

namespace {

constexpr int accepts_a_turn = 16;
constexpr auto pause = std::chrono::milliseconds{100};

class file {
public:
  explicit file(int descriptor = -1) : descriptor_(descriptor) {}
  file(file&& other) noexcept : descriptor_(other.release()) {}
  file& operator=(file&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~file() { reset(); }
  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  void reset(int descriptor = -1) {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
    descriptor_ = descriptor;
  }

private:
  int descriptor_;
};

file open_spare() { return file{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

class incoming_socket final : public accept_events::incoming {
public:
  incoming_socket(asio_core& core, file socket, const tcp::endpoint& peer)
      : core_(core), socket_(std::move(socket)), peer_(peer) {}

  std::unique_ptr<stream> accept(stream_events& events) override {
    return make_asio_stream(core_, socket_.release(), peer_, events);
  }
  endpoint peer() const override { return to_endpoint(peer_); }

private:
  asio_core& core_;
  file socket_;
  tcp::endpoint peer_;
};

/// Open as long as `events_` is set.
class listener_state final : public asio_source {
public:
  listener_state(asio_core& core, accept_events& events)
      : asio_source(core), events_(&events), spare_(open_spare()) {}

  boost::system::error_code listen(const tcp::endpoint& at);
  endpoint local() const { return to_endpoint(local_); }

  void turn() override;
  void arm() override;
  void close() override;

private:
  using self = boost::intrusive_ptr<listener_state>;
  using steady_timer =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                        boost::asio::wait_traits<std::chrono::steady_clock>,
                                        boost::asio::io_context::executor_type>;

  void on_readable(const boost::system::error_code& ec);
  void on_pause_over(const boost::system::error_code& ec);
  file accept(tcp::endpoint& peer);
  bool shed();
  void pause_accepting();

  accept_events* events_;
  file spare_;
  std::optional<tcp_acceptor> acceptor_;
  std::optional<steady_timer> timer_;
  tcp::endpoint local_;
  bool armed_ = false;
  bool paused_ = false;
  operation_memory memory_;
};

class asio_listener final : public listener {
public:
  explicit asio_listener(boost::intrusive_ptr<listener_state> state) : state_(std::move(state)) {}
  asio_listener(const asio_listener&) = delete;
  asio_listener& operator=(const asio_listener&) = delete;
  ~asio_listener() override { state_->close(); }
  endpoint local() const override { return state_->local(); }

private:
  boost::intrusive_ptr<listener_state> state_;
};

boost::system::error_code listener_state::listen(const tcp::endpoint& at) {
  boost::system::error_code ec;
  acceptor_.emplace(core_.context);
  timer_.emplace(core_.context);
  acceptor_->open(at.protocol(), ec);
  if (!ec) {
    acceptor_->set_option(tcp_acceptor::reuse_address{true}, ec);
  }
  if (!ec) {
    acceptor_->bind(at, ec);
  }
  if (!ec) {
    acceptor_->listen(tcp_acceptor::max_listen_connections, ec);
  }
  if (!ec) {
    acceptor_->native_non_blocking(true, ec);
  }
  if (!ec) {
    local_ = acceptor_->local_endpoint(ec);
  }
  if (!ec) {
    want_arm();
  }
  return ec;
}

void listener_state::arm() {
  if (events_ != nullptr && !armed_ && !paused_ && !has_turn()) {
    armed_ = true;
    acceptor_->async_wait(tcp_acceptor::wait_read,
                          completion<self, &listener_state::on_readable>{self{this}, &memory_});
  }
}

void listener_state::on_readable(const boost::system::error_code& ec) {
  armed_ = false;
  if (events_ == nullptr) {
    return;
  }
  if (ec) {
    pause_accepting();
  } else {
    turn();
  }
}

void listener_state::turn() {
  if (events_ == nullptr || paused_) {
    return;
  }
  core_.happened = true;
  for (int i = 0; i < accepts_a_turn; ++i) {
    tcp::endpoint peer;
    if (file socket = accept(peer)) {
      events_->incoming_connection(
          std::make_unique<incoming_socket>(core_, std::move(socket), peer));
      if (events_ == nullptr) {
        return;
      }
      continue;
    }
    switch (errno) {
    case EAGAIN:
      want_arm();
      return;
    case EMFILE:
    case ENFILE:
      log::limited("driver: descriptors", log::level::error, "driver",
                   "no descriptors left: connections to port ", local_.port(), " are refused");
      if (!shed()) {
        pause_accepting();
        return;
      }
      break;
    case ENOBUFS:
    case ENOMEM:
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
      log::limited("driver: accept", log::level::error, "driver", "accepting on port ",
                   local_.port(), " fails with errno ", errno);
      pause_accepting();
      return;
    default: // the connection failed while it was in the queue
      break;
    }
  }
  want_turn();
}

file listener_state::accept(tcp::endpoint& peer) {
  auto size = static_cast<socklen_t>(peer.capacity());
  int descriptor = -1;
  do {
    descriptor =
        ::accept4(acceptor_->native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor >= 0) {
    peer.resize(size);
  }
  return file{descriptor};
}

bool listener_state::shed() {
  if (!spare_) {
    spare_ = open_spare();
    return static_cast<bool>(spare_);
  }
  spare_.reset();
  tcp::endpoint peer;
  file refused = accept(peer);
  const bool went = refused || errno == EAGAIN || errno == ECONNABORTED;
  refused.reset();
  spare_ = open_spare();
  return went;
}

void listener_state::pause_accepting() {
  paused_ = true;
  timer_->expires_after(pause);
  timer_->async_wait(completion<self, &listener_state::on_pause_over>{self{this}, &memory_});
}

void listener_state::on_pause_over(const boost::system::error_code&) {
  paused_ = false;
  if (events_ != nullptr) {
    want_turn();
  }
}

void listener_state::close() {
  events_ = nullptr;
  leave_lists();
  acceptor_.reset();
  timer_.reset();
  spare_.reset();
}

} // namespace

std::unique_ptr<listener> make_asio_listener(asio_core& core, const endpoint& at,
                                             accept_events& events, std::error_code& error) {
  error.clear();
  const auto address = from_endpoint(at);
  if (!address) {
    error = std::make_error_code(std::errc::invalid_argument);
    return nullptr;
  }
  const boost::intrusive_ptr<listener_state> state{new listener_state{core, events}};
  auto made = std::make_unique<asio_listener>(state);
  if (const auto ec = state->listen(*address)) {
    error = to_std(ec);
    return nullptr;
  }
  return made;
}

} // namespace erl
