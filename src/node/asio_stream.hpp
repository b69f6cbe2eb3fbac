/// Streams of the asio driver.
#pragma once

#include "base/driver.hpp"
#include "node/asio_core.hpp"

#include <memory>
#include <optional>

namespace erl {

endpoint to_endpoint(const tcp::endpoint& from);
/// Empty when the address is not numeric.
std::optional<tcp::endpoint> from_endpoint(const endpoint& from);

/// Begins to connect.
std::unique_ptr<stream> connect_asio_stream(asio_core& core, const endpoint& to,
                                            stream_events& events);
/// A stream of an accepted, non-blocking descriptor, which it owns from now on.
std::unique_ptr<stream> make_asio_stream(asio_core& core, int descriptor, const tcp::endpoint& peer,
                                         stream_events& events);

} // namespace erl
