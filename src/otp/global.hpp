/// The process `global_name_server`: names that are known in the whole cluster, as OTP's `global`.
///
/// The protocol is that of OTP 25 to 29 (version 8). Whenever two nodes meet, the lockers of both
/// lock the groups of nodes that know each other already, the name servers exchange names, and tell
/// the rest of their groups. Names are registered under a lock by whoever wants one, on all nodes.
#pragma once

#include <erl/process.hpp>
#include <erl/runtime_options.hpp>

#include <cstdint>

namespace erl {

namespace runtime {
class global_names;
}

struct global_settings {
  global_options options;
  /// Whether a node that cannot be reached is lost; false where connections are not made freely.
  bool connects = true;
  /// Which life of this node it is.
  std::uint32_t creation = 0;
};

/// Its body. `shown` gets the names. Belongs on scheduler 0, and gets the name when it is spawned.
owned_body make_global_name_server(runtime::global_names& shown, const global_settings& settings);

} // namespace erl
