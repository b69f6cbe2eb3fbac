/// Puppets: processes that do what Erlang tells them, so that every signal can be tested in both
/// directions.
#pragma once

#include <erl/gen_server.hpp>
#include <erl/process.hpp>

namespace test_node {

/// Starts puppets.
class spawner : public erl::gen_server<spawner> {
public:
  enum class kind { plain, trap };
  struct spawn {
    kind what;
    using erl_shape = erl::tagged_shape<"spawn">;
  };
  /// As `spawn`, on one of the node's schedulers.
  struct spawn_at {
    kind what;
    int scheduler;
    using erl_shape = erl::tagged_shape<"spawn">;
  };
  using calls = erl::messages<spawn, spawn_at>;

  /// The pid of a new puppet; one that traps exits does so before the caller knows its pid.
  erl::task<erl::pid> handle_call(spawn request);
  erl::task<erl::pid> handle_call(spawn_at request);

private:
  erl::task<erl::pid> start(kind what, erl::spawn_options options);
};

} // namespace test_node

template <>
inline constexpr auto erl::shape<test_node::spawner::kind> =
    erl::enum_atoms<test_node::spawner::kind::plain, test_node::spawner::kind::trap>;
