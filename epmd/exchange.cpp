#include "epmd/exchange.hpp"

#include "epmd/text.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace erl::epmd {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

constexpr duration longest = std::chrono::hours{24};
constexpr std::size_t most_addresses = 16;

/// How much a failure to connect says: a refusal more than silence, silence more than no route.
int weight(errc kind) {
  switch (kind) {
  case errc::not_listening:
    return 3;
  case errc::timed_out:
    return 2;
  default:
    return 1;
  }
}

errc connect_failure(const boost::system::error_code& failure) {
  switch (failure.value()) {
  case ECONNREFUSED:
    return errc::not_listening;
  case ETIMEDOUT:
    return errc::timed_out;
  case EMFILE:
  case ENFILE:
  case ENOBUFS:
  case ENOMEM:
  case EAGAIN: // no free local port
  case EADDRNOTAVAIL:
    return errc::no_resources;
  default:
    return errc::unreachable;
  }
}

} // namespace

boost::system::error_code open_socket(tcp::socket& socket, const tcp& protocol) {
  boost::system::error_code failure;
  const int fd = ::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return {errno, boost::system::system_category()};
  socket.assign(protocol, fd, failure);
  return failure;
}

std::weak_ptr<exchange> exchange::start(asio::io_context& io, target to, std::string request,
                                        std::size_t limit, judge check, exchanged finished) {
  auto made = std::make_shared<exchange>(token{}, io, std::move(to), std::move(request), limit,
                                         std::move(check), std::move(finished));
  made->begin();
  return made;
}

exchange::exchange(token, asio::io_context& io, target to, std::string request, std::size_t limit,
                   judge check, exchanged finished)
    : io_(io), to_(std::move(to)), request_(std::move(request)), limit_(limit),
      check_(std::move(check)), finished_(std::move(finished)), deadline_(io),
      attempt_deadline_(io), socket_(io) {}

void exchange::begin() {
  deadline_.expires_after(std::clamp(to_.timeout, duration::zero(), longest));
  deadline_.async_wait([self = shared_from_this()](const code& failure) {
    if (!failure)
      self->expired();
  });
  resolution_ = resolution(io_, to_.host, [weak = weak_from_this()](addresses found) {
    if (auto self = weak.lock())
      self->resolved(std::move(found));
  });
}

void exchange::cancel() { fail(errc::cancelled, {}); }

void exchange::resolved(addresses found) {
  if (over_)
    return;
  if (!found)
    return fail(errc::unknown_host, found.error());
  addresses_ = std::move(*found);
  addresses_.resize(std::min(addresses_.size(), most_addresses));
  connect_next();
}

void exchange::connect_next() {
  if (next_address_ == addresses_.size())
    return fail(best_.code, best_.cause);
  const tcp::endpoint there(addresses_[next_address_++], to_.port);
  code failure;
  socket_.close(failure);
  if (const auto refused = open_socket(socket_, there.protocol()))
    return attempt_failed(connect_failure(refused), refused.message());
  connecting_ = true;
  limit_attempt();
  socket_.async_connect(there, [self = shared_from_this()](const code& result) {
    self->connecting_ = false;
    self->attempt_deadline_.cancel();
    if (!self->over_)
      self->connected(result);
  });
}

/// An address that swallows packets must leave time for the ones after it.
void exchange::limit_attempt() {
  attempt_expired_ = false;
  const auto others = addresses_.size() - next_address_;
  if (others == 0)
    return;
  const auto left = deadline_.expiry() - asio::steady_timer::clock_type::now();
  attempt_deadline_.expires_after(left / static_cast<int>(others + 1));
  attempt_deadline_.async_wait(
      [self = shared_from_this(), mine = next_address_](const code& failure) {
        if (failure || self->over_ || !self->connecting_ || self->next_address_ != mine)
          return;
        self->attempt_expired_ = true;
        code ignored;
        self->socket_.cancel(ignored);
      });
}

void exchange::connected(const code& failure) {
  if (attempt_expired_)
    return attempt_failed(errc::timed_out,
                          "no answer from " + addresses_[next_address_ - 1].to_string());
  if (failure)
    return attempt_failed(connect_failure(failure), failure.message());
  code no_local, no_remote;
  // On loopback a connection to a free port can meet itself.
  if (socket_.local_endpoint(no_local) == socket_.remote_endpoint(no_remote) && !no_local)
    return attempt_failed(errc::not_listening, "connection refused");
  write();
}

void exchange::attempt_failed(errc kind, std::string cause) {
  if (best_.cause.empty() || weight(kind) > weight(best_.code))
    best_ = {.code = kind, .cause = std::move(cause)};
  connect_next();
}

void exchange::write() {
  asio::async_write(socket_, asio::buffer(request_),
                    [self = shared_from_this()](const code& failure, std::size_t) {
                      if (self->over_)
                        return;
                      if (failure)
                        return self->fail(errc::closed, failure.message());
                      self->read();
                    });
}

void exchange::read() {
  socket_.async_read_some(asio::buffer(chunk_),
                          [self = shared_from_this()](const code& failure, std::size_t size) {
                            if (!self->over_)
                              self->received(failure, size);
                          });
}

void exchange::received(const code& failure, std::size_t size) {
  const bool ended = failure == asio::error::eof;
  if (failure && !ended)
    return fail(errc::closed, failure.message());
  answer_.append(chunk_.data(), size);
  if (answer_.size() > limit_)
    return fail(errc::bad_reply, "the answer does not end");
  const auto opinion = check_(answer_, ended);
  if (!opinion)
    return fail(errc::bad_reply,
                std::string("the answer ") + opinion.error() + ": '" + printable(answer_) + "'");
  if (*opinion == verdict::done)
    return finish(std::move(socket_));
  if (ended)
    return fail(errc::closed,
                answer_.empty() ? "no answer" : "cut off after '" + printable(answer_) + "'");
  read();
}

void exchange::expired() {
  if (addresses_.empty())
    return fail(errc::timed_out, "the name service did not answer");
  fail(errc::timed_out, answer_.empty() ? "no answer" : "the answer did not end");
}

void exchange::fail(errc kind, std::string cause) {
  finish(std::unexpected(
      error{.code = kind, .host = to_.host, .port = to_.port, .cause = std::move(cause)}));
}

void exchange::finish(std::expected<tcp::socket, error> result) {
  if (over_)
    return;
  over_ = true;
  const auto self = shared_from_this(); // for the time after the last handler is dropped
  deadline_.cancel();
  attempt_deadline_.cancel();
  resolution_.cancel();
  code ignored;
  socket_.close(ignored);
  auto finished = std::exchange(finished_, {});
  finished(std::move(result));
}

} // namespace erl::epmd
