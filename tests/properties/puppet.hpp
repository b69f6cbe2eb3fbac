/// The puppets of a property test, and what is known of each.
#pragma once

#include "runtime/process_block.hpp"
#include <erl/erl.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace properties {

/// A message on its way: when it may be missing.
struct sent_message {
  bool may_vanish = false; ///< it went to a name or an alias, which may not be there
  std::uint32_t size = 0;  ///< of what a large one carries
  std::uint32_t life = 0;  ///< of the sender's node
  std::uint32_t epoch = 0; ///< of the sender's connection to the receiver's node
};

/// From one puppet to another.
struct conversation {
  std::vector<sent_message> sent;
  std::size_t arrived = 0; ///< behind the last one that has arrived
};

/// Something that messages can be sent to.
struct open_alias {
  erl::alias_mode mode = erl::alias_mode::explicit_unalias;
  /// Set: only this many messages of its owner, counted from its start, may have come by it.
  std::optional<std::uint64_t> closed;
};

struct watch {
  int target = -1; ///< the puppet; -1: by name
  erl::atom node;
  std::uint32_t epoch = 0;
  bool ended = false;   ///< its DOWN has come
  bool stopped = false; ///< demonitored in time, or flushed: no DOWN may come
};

/// No EXIT comes behind this message. But if the connection is lost, which ends an unlink before
/// its acknowledgement, a LINK that the other one had sent earlier may come later, over the next
/// one.
struct silence {
  std::uint64_t after = 0;
  std::uint32_t epoch = 0; ///< of the connection, as the process's scheduler saw it
};

/// A process that was asked for on another node.
struct request {
  int child = -1; ///< the puppet, if it starts
  bool link = false;
  bool monitor = false;
  std::uint32_t epoch = 0;
  bool answered = false;
};

struct puppet {
  int number = 0;
  int node = 0;
  std::uint32_t life = 0; ///< of its node
  int place = -1;         ///< in a large run
  bool in_scene = false;
  bool begun = true; ///< false: it was asked for from afar, and its pid is not known
  erl::pid self;
  erl::runtime::process_block* block = nullptr; ///< once it has started, until it ends
  bool ended = false;
  bool lives() const { return begun && !ended; }
  std::uint64_t received = 0;
  std::deque<std::function<void(erl::process&)>> orders;

  bool traps = false;
  bool limited = false; ///< its mailbox stops senders, and drops what comes from other nodes
  /// Those whose end it must hear of, or of which it must end itself.
  std::set<int> linked;
  /// Those that have unlinked from it, which may cross with a new link.
  std::set<int> left_by;
  std::optional<erl::term> reason; ///< that it ended with, as told by the first who heard
  bool ended_normally = false;     ///< was told to
  std::unordered_map<erl::reference, watch> watches;
  std::vector<erl::reference> watch_order; ///< to pick one by number
  std::unordered_map<erl::reference, open_alias> aliases;
  std::vector<erl::reference> alias_order;
  /// Those that it has asked for a link and not unlinked from.
  std::set<int> asked;
  std::map<int, silence> silent;           ///< it has unlinked from these
  std::map<int, int> exits;                ///< with a true reason, by puppet
  std::map<int, bool> end_seen;            ///< DOWN or EXIT with a true reason has come
  std::map<int, int> normal_exits_sent_by; ///< exit/2 with `normal`
  std::map<int, conversation> from;        ///< by sender
  std::map<std::uint64_t, bool> timers;    ///< number -> must not fire any more
  std::vector<std::pair<std::uint64_t, erl::reference>> running_timers;
  std::unordered_map<erl::reference, request> requests;
};

} // namespace properties
