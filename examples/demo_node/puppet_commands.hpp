/// What a puppet can be told to do.
#pragma once

#include "commands_for_tests.hpp"
#include <erl/erl.hpp>
#include <erl/etf/std_duration.hpp>

#include <tuple>
#include <variant>

namespace demo {

struct exit_now {
  erl::term reason;
  using erl_shape = erl::tagged_shape<"exit">;
};
struct exit_other {
  erl::pid who;
  erl::term reason;
  using erl_shape = erl::tagged_shape<"exit2">;
};
struct trap {
  bool on;
  using erl_shape = erl::tagged_shape<"trap">;
};
struct link_to {
  erl::pid who;
  using erl_shape = erl::tagged_shape<"link">;
};
struct unlink_from {
  erl::pid who;
  using erl_shape = erl::tagged_shape<"unlink">;
};
struct monitor {
  address who;
  using erl_shape = erl::tagged_shape<"monitor">;
};
struct demonitor {
  erl::reference which;
  using erl_shape = erl::tagged_shape<"demonitor">;
};
struct demonitor_flush {
  erl::reference which;
  using erl_shape = erl::tagged_shape<"demonitor_flush">;
};
struct monitor_node {
  erl::atom node;
  using erl_shape = erl::tagged_shape<"monitor_node">;
};
struct register_as {
  erl::atom name;
  using erl_shape = erl::tagged_shape<"register">;
};
struct unregister {
  erl::atom name;
  using erl_shape = erl::tagged_shape<"unregister">;
};
struct unalias {
  erl::reference alias;
  using erl_shape = erl::tagged_shape<"unalias">;
};
struct send_to {
  address who;
  erl::term message;
  using erl_shape = erl::tagged_shape<"send">;
};
struct call_to {
  address who;
  erl::term request;
  erl::timeout patience;
  using erl_shape = erl::tagged_shape<"call">;
};
/// Whether there is a connection in the end.
struct connect_to {
  erl::atom node;
  using erl_shape = erl::tagged_shape<"connect">;
};
/// A pid or `undefined`.
struct global_whereis {
  erl::term name;
  using erl_shape = erl::tagged_shape<"global_whereis">;
};

using command =
    std::variant<erl::is<"mailbox">, erl::is<"self">, erl::is<"alias">, erl::is<"nodes">,
                 erl::is<"nodes_hidden">, exit_now, exit_other, trap, link_to, unlink_from, monitor,
                 demonitor, demonitor_flush, monitor_node, register_as, unregister, unalias,
                 send_to, call_to, connect_to, global_whereis, erl::is<"group_leader">,
                 set_group_leader, set_group_leader_of, cast_to, spawn_request, flood, call_many,
                 hold, bounce>;

} // namespace demo
