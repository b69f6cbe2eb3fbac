/// `spawner`: starts puppets.
#pragma once

#include <erl/erl.hpp>

namespace demo {

class spawner : public erl::gen_server<spawner> {
public:
  enum class kind { plain, trap };
  struct spawn {
    kind what;
    using erl_shape = erl::tagged_shape<"spawn">;
  };
  /// As `spawn`, on one of the node's schedulers. For this project's own tests.
  struct spawn_at {
    kind what;
    int scheduler;
    using erl_shape = erl::tagged_shape<"spawn">;
  };
  using calls = erl::messages<spawn, spawn_at>;

  explicit spawner(erl::node* node) : node_(node) {}

  /// The pid of a new puppet; one that traps exits does so before the caller knows its pid.
  erl::task<erl::pid> handle_call(spawn request);
  erl::task<erl::pid> handle_call(spawn_at request);

private:
  erl::task<erl::pid> start(kind what, erl::spawn_options options);

  erl::node* node_;
};

} // namespace demo

template <>
inline constexpr auto erl::shape<demo::spawner::kind> =
    erl::enum_atoms<demo::spawner::kind::plain, demo::spawner::kind::trap>;
