#include "epmd/resolve.hpp"

#include <boost/asio/post.hpp>

#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include <netdb.h>
#include <netinet/in.h>

namespace erl::epmd {

namespace asio = boost::asio;

struct resolution::listener {
  std::mutex mutex;
  asio::io_context* io; // null once nobody listens
  handler done;

  void tell(addresses found) {
    const std::scoped_lock lock(mutex);
    if (io != nullptr)
      asio::post(*io, [done = std::move(done), found = std::move(found)]() mutable {
        done(std::move(found));
      });
  }
};

namespace {

constexpr int most_threads = 32;
std::atomic<int> threads = 0;

std::vector<asio::ip::address> collect(const addrinfo* list) {
  std::vector<asio::ip::address> found;
  for (; list != nullptr; list = list->ai_next) {
    if (list->ai_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, list->ai_addr, sizeof v4);
      found.emplace_back(asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)));
    } else if (list->ai_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, list->ai_addr, sizeof v6);
      asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
      found.emplace_back(asio::ip::address_v6(bytes, v6.sin6_scope_id));
    }
  }
  return found;
}

addresses look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code != 0)
    return std::unexpected(std::string(gai_strerror(code)));
  auto found = collect(list);
  freeaddrinfo(list);
  if (found.empty())
    return std::unexpected(std::string("it has no TCP address"));
  return found;
}

} // namespace

resolution::resolution(asio::io_context& io, std::string host, handler done)
    : listener_(std::make_shared<listener>()) {
  listener_->io = &io;
  listener_->done = std::move(done);
  boost::system::error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (!not_numeric)
    listener_->tell(std::vector{address});
  else
    start(std::move(host));
}

void resolution::start(std::string host) {
  if (threads.fetch_add(1) >= most_threads) {
    threads.fetch_sub(1);
    return listener_->tell(std::unexpected(std::string("too many names are being looked up")));
  }
  try {
    std::thread([listener = listener_, host = std::move(host)] {
      listener->tell(look_up(host));
      threads.fetch_sub(1);
    }).detach();
  } catch (const std::system_error& failure) {
    threads.fetch_sub(1);
    listener_->tell(std::unexpected(std::string(failure.what())));
  }
}

resolution& resolution::operator=(resolution&& other) noexcept {
  if (this != &other) {
    cancel();
    listener_ = std::move(other.listener_);
  }
  return *this;
}

void resolution::cancel() noexcept {
  if (!listener_)
    return;
  handler unused; // destroyed after the lock
  {
    const std::scoped_lock lock(listener_->mutex);
    listener_->io = nullptr;
    unused = std::move(listener_->done);
  }
  listener_.reset();
}

} // namespace erl::epmd
