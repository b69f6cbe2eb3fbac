/// Listening sockets of the asio driver.
#pragma once

#include "base/driver.hpp"
#include "node/asio_core.hpp"

#include <memory>
#include <system_error>

namespace erl {

/// Listens on `at`; null with `error` set when that is not possible.
std::unique_ptr<listener> make_asio_listener(asio_core& core, const endpoint& at,
                                             accept_events& events, std::error_code& error);

} // namespace erl
