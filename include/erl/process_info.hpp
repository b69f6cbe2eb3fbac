/// What is known of a process from outside: OTP's `process_info`.
#pragma once

#include <erl/etf/term.hpp>
#include <erl/process.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace erl {

/// A look at a process, as it was when the question reached it. Its term is the keyword list that
/// `erlang:process_info/2` gives, with the same keys and values.
struct process_info {
  std::optional<atom> registered_name;
  atom status; ///< `running`, `runnable` or `waiting`
  std::uint64_t message_queue_len = 0;
  std::vector<pid> links;
  /// `{process, Pid}` or `{process, {Name, Node}}`.
  std::vector<term> monitors;
  std::vector<pid> monitored_by;
  bool trap_exit = false;
  /// `{Module, Function, Arity}`: of a server its type, of a function the function's type.
  term initial_call;
  std::optional<pid> group_leader;
  std::optional<pid> parent; ///< nobody, of a process that was started from outside
  std::optional<term> label;
  std::vector<std::pair<term, term>> dictionary;
  /// Messages sent and received, and turns given away.
  std::uint64_t reductions = 0;
  /// Bytes of the process and its waiting messages, what its body allocates not counted.
  std::uint64_t memory = 0;

  using erl_shape = keyword_list_shape;
};

/// Asks a process of this node, any scheduler's; nothing if there is none. Other nodes' processes
/// cannot be asked: nothing as well.
task<std::optional<process_info>> info(process& self, pid who);

} // namespace erl
