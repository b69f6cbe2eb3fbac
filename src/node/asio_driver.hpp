/// The driver on real sockets: Boost.Asio on epoll.
#pragma once

#include "base/driver.hpp"

#include <memory>

namespace erl {

/// A driver of its own for the calling thread: one `io_context`, one epoll instance. All of it
/// belongs to the thread that calls `poll` and `wait`; only `wake` may come from another one.
/// Streams and listeners that outlive the driver are closed by it and stay silent. Throws
/// std::system_error when the process has no descriptors left.
///
/// - A stream reads until it would block, but at most 4 times and 256 KB a poll, so that one busy
/// peer cannot starve
///   the others. `poll` gives every stream at most one such turn, and returns.
/// - `wait` delivers at least one of the events that end it; a `poll` brings the others.
/// - A listener that meets the limit of descriptors answers connections by closing them, and goes
/// on when there are
///   descriptors again.
std::unique_ptr<driver> make_asio_driver();

} // namespace erl
