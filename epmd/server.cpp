#include "epmd/server.hpp"

#include "epmd/connection.hpp"
#include "epmd/listen.hpp"
#include <erl/epmd/client.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <list>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace erl::epmd {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using code = boost::system::error_code;
using clock = asio::steady_timer::clock_type;

namespace {

constexpr std::size_t most_unsent = std::size_t{16}
                                    << 20; // bytes of answers that clients do not read
constexpr duration longest_timeout = std::chrono::hours{24};
constexpr duration shortest_timeout = std::chrono::milliseconds{1};
constexpr duration pause_without_descriptors = std::chrono::milliseconds{100};
constexpr int accepts_at_once = 16;

std::uint32_t wall_clock() { return static_cast<std::uint32_t>(std::time(nullptr)); }

} // namespace

class server::impl final : public std::enable_shared_from_this<impl>, connection_owner {
public:
  impl(asio::io_context& io, daemon_options options, killed on_kill)
      : io_(io), options_(std::move(options)), on_kill_(std::move(on_kill)), deadline_(io) {
    options_.packet_timeout =
        std::clamp(options_.packet_timeout, shortest_timeout, longest_timeout);
    options_.max_connections = std::max<std::size_t>(options_.max_connections, 1);
  }

  std::expected<void, error> start();
  void stop();
  std::uint16_t port() const { return rules_.port; }
  bool running() const { return !doors_.empty(); }
  std::size_t connections() const { return pending_.size() + nodes_.size(); }

private:
  struct door {
    tcp::acceptor acceptor;
    asio::steady_timer pause;
  };
  using connections_list = std::list<std::shared_ptr<connection>>;

  void await_client(door& at);
  void accept_some(door& at);
  bool accept_failed(door& at, int reason);
  void turn_away(door& at);
  void pause(door& at);
  void admit(int fd);
  void make_room();
  void watch_deadline();
  void close(connection& which);

  void readable(connection& from) override;
  void written(connection& to) override;
  void failed(connection& which) override;

  void act(const std::shared_ptr<connection>& on, action what);

  asio::io_context& io_;
  daemon_options options_;
  killed on_kill_;
  session_rules rules_;
  registry registry_;
  std::vector<door> doors_;  // none: not running
  connections_list pending_; // oldest first
  connections_list nodes_;
  std::size_t unsent_ = 0;
  asio::steady_timer deadline_;
  bool watching_deadline_ = false;
  int spare_ = -1;
};

std::expected<void, error> server::impl::start() {
  auto port = options_.port ? std::expected<std::uint16_t, error>(*options_.port) : default_port();
  if (!port)
    return std::unexpected(port.error());
  auto listening = listen(io_, options_, *port);
  if (!listening)
    return std::unexpected(listening.error());
  code ignored;
  rules_ = {listening->front().local_endpoint(ignored).port(), options_.relaxed};
  for (auto& acceptor : *listening)
    doors_.push_back({std::move(acceptor), asio::steady_timer(io_)});
  spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (auto& each : doors_)
    await_client(each);
  return {};
}

void server::impl::stop() {
  doors_.clear();
  while (!pending_.empty())
    close(*pending_.front());
  while (!nodes_.empty())
    close(*nodes_.front());
  deadline_.cancel();
  if (spare_ >= 0)
    ::close(std::exchange(spare_, -1));
}

void server::impl::await_client(door& at) {
  at.acceptor.async_wait(tcp::acceptor::wait_read,
                         [weak = weak_from_this(), &at](const code& failure) {
                           const auto self = weak.lock();
                           if (!failure && self && self->running())
                             self->accept_some(at);
                         });
}

void server::impl::accept_some(door& at) {
  for (int i = 0; i < accepts_at_once; ++i) {
    const int fd =
        ::accept4(at.acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
      admit(fd);
    else if (!accept_failed(at, errno))
      return;
  }
  await_client(at);
}

/// Whether to try again at once; otherwise the next attempt is arranged for.
bool server::impl::accept_failed(door& at, int reason) {
  switch (reason) {
  case EAGAIN:
    await_client(at);
    return false;
  case EMFILE:
  case ENFILE:
  case ENOBUFS:
  case ENOMEM:
    if (!pending_.empty()) {
      close(*pending_.front());
      return true;
    }
    turn_away(at);
    pause(at);
    return false;
  default: // the client's connection failed before it was accepted
    return true;
  }
}

/// Lets the clients in the queue know that they need not wait, by means of the spare descriptor.
void server::impl::turn_away(door& at) {
  if (spare_ < 0)
    return;
  ::close(spare_);
  for (int i = 0; i < accepts_at_once; ++i) {
    const int fd = ::accept4(at.acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      break;
    ::close(fd);
  }
  spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void server::impl::pause(door& at) {
  at.pause.expires_after(pause_without_descriptors);
  at.pause.async_wait([weak = weak_from_this(), &at](const code& failure) {
    const auto self = weak.lock();
    if (failure || !self || !self->running())
      return;
    if (self->spare_ < 0)
      self->spare_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    self->await_client(at);
  });
}

void server::impl::admit(int fd) {
  auto made = connection::adopt(io_, fd, registry_, rules_, *this);
  if (!made)
    return;
  made->deadline = clock::now() + options_.packet_timeout;
  made->place = pending_.insert(pending_.end(), made);
  make_room();
  watch_deadline();
  made->read();
}

void server::impl::make_room() {
  while (!pending_.empty() && (connections() > options_.max_connections || unsent_ > most_unsent))
    close(*pending_.front());
}

void server::impl::watch_deadline() {
  if (watching_deadline_ || pending_.empty())
    return;
  watching_deadline_ = true;
  deadline_.expires_at(pending_.front()->deadline);
  deadline_.async_wait([weak = weak_from_this()](const code&) {
    const auto self = weak.lock();
    if (!self || !self->running())
      return;
    self->watching_deadline_ = false;
    const auto now = clock::now();
    while (!self->pending_.empty() && self->pending_.front()->deadline <= now)
      self->close(*self->pending_.front());
    self->watch_deadline();
  });
}

void server::impl::close(connection& which) {
  const auto kept = which.shared_from_this();
  unsent_ -= kept->unsent();
  (kept->is_node ? nodes_ : pending_).erase(kept->place);
  kept->close();
}

void server::impl::readable(connection& from) {
  const auto kept = from.shared_from_this();
  std::array<char, wire::max_body + 2> bytes; // filled by recv
  const auto size =
      ::recv(kept->descriptor(), bytes.data(), std::min(bytes.size(), kept->talk.wanted()), 0);
  if (size > 0)
    act(kept, kept->talk.feed({bytes.data(), static_cast<std::size_t>(size)}, wall_clock()));
  else if (size < 0 && (errno == EAGAIN || errno == EINTR))
    kept->read();
  else
    close(*kept);
}

void server::impl::act(const std::shared_ptr<connection>& on, action what) {
  if (what.drop) {
    const auto holder = std::ranges::find(nodes_, *what.drop, &connection::descriptor);
    if (holder != nodes_.end())
      close(**holder);
  }
  on->next = what.next;
  if (on->talk.registered() && !on->is_node) {
    on->is_node = true;
    nodes_.splice(nodes_.end(), pending_, on->place);
  }
  on->write(std::move(what.reply));
  unsent_ += on->unsent();
  if (on->unsent() != 0)
    make_room();
  else
    written(*on);
}

void server::impl::written(connection& to) {
  const auto kept = to.shared_from_this();
  switch (kept->next) {
  case action::step::read:
  case action::step::keep:
    return kept->read();
  case action::step::close:
    return close(*kept);
  case action::step::stop:
    const auto self = shared_from_this(); // the call-back may destroy the server
    close(*kept);
    stop();
    if (on_kill_)
      std::exchange(on_kill_, {})();
  }
}

void server::impl::failed(connection& which) { close(which); }

server::server(asio::io_context& io, daemon_options options, killed on_kill)
    : impl_(std::make_shared<impl>(io, std::move(options), std::move(on_kill))) {}

server::~server() { impl_->stop(); }

std::expected<void, error> server::start() { return impl_->start(); }
void server::stop() { impl_->stop(); }
std::uint16_t server::port() const noexcept { return impl_->port(); }
bool server::running() const noexcept { return impl_->running(); }
std::size_t server::connections() const noexcept { return impl_->connections(); }

} // namespace erl::epmd
