/// Which addresses a daemon listens on, and listening sockets on them.
#pragma once

#include <erl/epmd/daemon.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <expected>
#include <vector>

namespace erl::epmd {

/// Opens the listening sockets for `options` on `port` (0: any, the same one for all); at least
/// one.
std::expected<std::vector<boost::asio::ip::tcp::acceptor>, error>
listen(boost::asio::io_context& io, const daemon_options& options, std::uint16_t port);

} // namespace erl::epmd
