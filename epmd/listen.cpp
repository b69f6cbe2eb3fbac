#include "epmd/listen.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace erl::epmd {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using code = boost::system::error_code;

namespace {

constexpr std::size_t most_addresses = 16;

struct place {
  asio::ip::address address;
  bool needed = false;
};

error failure_at(errc kind, std::string host, std::uint16_t port, std::string cause) {
  return {.code = kind, .host = std::move(host), .port = port, .cause = std::move(cause)};
}

/// Loopback of both families first, except where a wildcard of that family includes it.
std::expected<std::vector<place>, error> places(const daemon_options& options, std::uint16_t port) {
  std::vector<place> wanted{{asio::ip::address_v4::loopback(), false},
                            {asio::ip::address_v6::loopback(), false}};
  if (options.addresses.size() > most_addresses)
    return std::unexpected(failure_at(errc::cannot_listen, options.addresses[most_addresses], port,
                                      "more than 16 addresses"));
  for (const auto& text : options.addresses) {
    code failure;
    const auto address = asio::ip::make_address(text, failure);
    if (failure)
      return std::unexpected(
          failure_at(errc::cannot_listen, text, port, "not a numeric IPv4 or IPv6 address"));
    const auto known = std::ranges::find(wanted, address, &place::address);
    if (known != wanted.end())
      known->needed = true;
    else
      wanted.push_back({address, true});
  }
  for (const auto& wildcard : std::vector(wanted))
    if (wildcard.address.is_unspecified())
      std::erase_if(wanted, [&](const place& p) {
        return !p.address.is_unspecified() && p.address.is_v4() == wildcard.address.is_v4();
      });
  return wanted;
}

std::expected<tcp::acceptor, code> open(asio::io_context& io, const tcp::endpoint& at) {
  const auto failed = [] { return code(errno, boost::system::system_category()); };
  const int fd = ::socket(at.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return std::unexpected(failed());
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.address().is_v6())
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, at.data(), static_cast<socklen_t>(at.size())) != 0 ||
      ::listen(fd, SOMAXCONN) != 0) {
    const auto why = failed();
    ::close(fd);
    return std::unexpected(why);
  }
  tcp::acceptor made(io);
  code failure;
  made.assign(at.protocol(), fd, failure);
  if (failure) {
    ::close(fd);
    return std::unexpected(failure);
  }
  made.non_blocking(true, failure);
  return made;
}

} // namespace

std::expected<std::vector<tcp::acceptor>, error>
listen(asio::io_context& io, const daemon_options& options, std::uint16_t port) {
  const auto wanted = places(options, port);
  if (!wanted)
    return std::unexpected(wanted.error());
  std::vector<tcp::acceptor> open_ones;
  error last;
  for (const auto& place : *wanted) {
    auto made = open(io, {place.address, port});
    if (made) {
      code ignored;
      port = made->local_endpoint(ignored).port();
      open_ones.push_back(std::move(*made));
      continue;
    }
    const bool taken = made.error() == asio::error::address_in_use;
    last = failure_at(taken ? errc::port_in_use : errc::cannot_listen, place.address.to_string(),
                      port, made.error().message());
    if (place.needed || taken)
      return std::unexpected(last);
  }
  if (open_ones.empty())
    return std::unexpected(last);
  return open_ones;
}

} // namespace erl::epmd
