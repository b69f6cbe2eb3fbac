/// What a run of the property test is about: nodes, puppets, and what is known of them.
#pragma once

#include "puppet.hpp"
#include "run.hpp"
#include "sim/world.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace properties {

/// A numbered message from one puppet to another.
struct numbered {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t number = 0;
  erl::reference alias; ///< by which it was sent
  using erl_shape = erl::tagged_shape<"m">;
};
/// One that takes several fragments.
struct large {
  numbered message;
  std::span<const std::byte> carried;
  using erl_shape = erl::tagged_shape<"l">;
};
/// An exit reason that is used once.
struct unique_reason {
  std::int64_t number = 0;
  using erl_shape = erl::tagged_shape<"r">;
};
struct timer_message {
  std::int64_t number = 0;
  using erl_shape = erl::tagged_shape<"t">;
};

inline const erl::atom noproc("noproc");
inline const erl::atom noconnection("noconnection");
inline const erl::atom normal("normal");
inline const erl::atom kill("kill");

/// What a large message of a sender carries; `size` is at most most_carried.
inline constexpr std::uint32_t most_carried = 600'000;
std::span<const std::byte> carried(int sender, std::int64_t number, std::size_t size);

/// A node, and how often it has been started.
struct home {
  erl::sim::node* node;
  std::uint32_t life;
};

struct scene {
  scene(std::uint64_t seed, const kind& what, tally& tallied);

  bool is_large() const { return size == form::large; }
  puppet& at(int number) { return *puppets[static_cast<std::size_t>(number)]; }
  const puppet& at(int number) const { return *puppets[static_cast<std::size_t>(number)]; }
  puppet& add(int node);
  /// It has ended, and its place is free.
  void leaves(const puppet& who);
  /// It lives, and has a place if there is one for it.
  void enters(puppet& who);
  /// Its pid is known.
  void begins(puppet& who, const erl::pid& self);

  /// -1: none of the puppets.
  int number_of(const erl::pid& who) const;
  erl::atom name_of_node(const puppet& p) const { return node_of(p).node->name(); }
  home& node_of(const puppet& p) { return nodes[static_cast<std::size_t>(p.node)]; }
  const home& node_of(const puppet& p) const { return nodes[static_cast<std::size_t>(p.node)]; }
  /// The life of the connection between two nodes, as the first one sees it.
  std::uint32_t epoch(int from, erl::atom to) const;
  bool may_be_missing(const puppet& from, const sent_message& m, const puppet& to) const;

  form size;
  invariant planted;
  tally& counted;
  std::vector<home> nodes;
  std::vector<std::unique_ptr<puppet>> puppets;
  std::vector<int> alive;
  /// In a large run: the puppets that commands are for, those of the two nodes in turn; -1: none.
  std::vector<int> places;
  std::unordered_map<erl::pid, int> by_pid;
  std::map<std::int64_t, std::pair<int, int>> exit_signals; ///< reason -> from, to
  std::int64_t reasons = 0;
  std::uint64_t timers = 0;
  std::optional<violation> first; ///< found inside a puppet, where an exception would end it
  erl::sim::world world;          // the last, so that its processes end before what they refer to
};

[[noreturn]] inline void violated(invariant which, const std::string& text) {
  throw violation(which, text);
}
inline std::string text(const puppet& p) { return "puppet " + std::to_string(p.number); }

} // namespace properties
