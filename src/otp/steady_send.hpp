/// For processes that serve all nodes: no peer that does not read may hold them up.
#pragma once

#include "runtime/process_block.hpp"
#include <erl/process.hpp>

#include <utility>

namespace erl {

/// From now on nothing that is sent stops this process, however much waits for a node, which its
/// connection bounds, or for a mailbox with a limit, which then loses it. Returns `self`.
inline process& never_wait(process& self) {
  static_cast<runtime::process_block&>(self).never_waits = true;
  return self;
}

/// Sends where there is a connection, and makes none.
inline void send_if_connected(process& self, const destination& to, term message) {
  static_cast<void>(self.send(to, std::move(message), {.suspend = true, .connect = false}));
}

} // namespace erl
