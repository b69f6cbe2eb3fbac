/// Commands of puppets for this project's own tests: what takes too many messages to be told one by
/// one.
#pragma once

#include "address.hpp"
#include <erl/erl.hpp>
#include <erl/etf/std_duration.hpp>

#include <chrono>
#include <cstdint>

namespace demo {

struct cast_to {
  address who;
  erl::term request;
  using erl_shape = erl::tagged_shape<"cast">;
};
/// Asks another node for a process; the result is the request's reference.
struct spawn_request {
  erl::atom node;
  erl::atom module;
  erl::atom function;
  erl::term arguments;
  bool link;
  bool monitor;
  using erl_shape = erl::tagged_shape<"spawn_request">;
};
struct set_group_leader {
  erl::pid leader;
  using erl_shape = erl::tagged_shape<"group_leader">;
};
struct set_group_leader_of {
  erl::pid leader;
  erl::pid of;
  using erl_shape = erl::tagged_shape<"group_leader">;
};
/// Sends `{Tag, 1}`, `{Tag, 2}` ... `{Tag, Count}`.
struct flood {
  address who;
  erl::term tag;
  std::int64_t count;
  using erl_shape = erl::tagged_shape<"flood">;
};
/// That many processes make that many calls `{echo, {Caller, Number}}` each; the result counts the
/// right replies.
struct call_many {
  address who;
  std::int64_t callers;
  std::int64_t calls;
  using erl_shape = erl::tagged_shape<"call_many">;
};
/// Lets nobody else run on its scheduler.
struct hold {
  std::chrono::milliseconds time;
  using erl_shape = erl::tagged_shape<"hold">;
};
/// So many times: waits until the connection to a node is lost, and at once sends `{bounced,
/// Number}` to a name there.
struct bounce {
  erl::atom name;
  erl::atom node;
  std::int64_t times;
  using erl_shape = erl::tagged_shape<"bounce">;
};

erl::task<erl::term> perform_flood(erl::process& self, flood job);
erl::task<erl::term> perform_call_many(erl::process& self, call_many job);
/// Returns at once; a process of its own goes on.
void perform_bounce(erl::process& self, bounce job);

} // namespace demo
