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
  using calls = erl::messages<spawn>;

  /// The pid of a new puppet; one that traps exits does so before the caller knows its pid.
  erl::task<erl::pid> handle_call(spawn request);
};

} // namespace test_node

template <>
inline constexpr auto erl::shape<test_node::spawner::kind> =
    erl::enum_atoms<test_node::spawner::kind::plain, test_node::spawner::kind::trap>;
