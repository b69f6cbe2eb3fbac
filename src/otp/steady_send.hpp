/// For processes that serve all nodes: no peer that does not read may hold them up.
#pragma once

#include "runtime/process_block.hpp"
#include <erl/process.hpp>

#include <utility>

namespace erl {

/// Call it before every wait: whatever was sent to a node for which much waits does not stop this
/// process. What waits there is bounded by the connection.
inline void do_not_wait(process& self) { static_cast<runtime::process_block&>(self).do_not_wait(); }

/// Sends where there is a connection, and makes none.
inline void send_if_connected(process& self, const destination& to, term message) {
  static_cast<void>(self.send(to, std::move(message), {.suspend = true, .connect = false}));
}

} // namespace erl
