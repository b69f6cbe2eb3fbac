/// Where a message can be sent.
#pragma once

#include <erl/etf/atom.hpp>
#include <erl/etf/pid.hpp>

#include <cstddef>
#include <cstdint>

namespace erl {

/// A process by pid, by registered name here, by name on another node, or by alias.
/// Converts from each of them: `pid`, `"name"`, `{"name", "node@host"}`, `reference`.
class destination {
public:
  enum class kind : std::uint8_t { process, name, alias };

  destination(const erl::pid& process) noexcept : to_{.process = process}, kind_(kind::process) {}
  destination(atom name) noexcept : destination(name, atom()) {}
  template <std::size_t Size> destination(const char (&name)[Size]) : destination(atom(name)) {}
  /// A name on a node; the empty atom stands for this node.
  destination(atom name, atom node) noexcept : to_{.name = {name, node}}, kind_(kind::name) {}
  destination(const reference& alias) noexcept : to_{.alias = alias}, kind_(kind::alias) {}

  kind which() const noexcept { return kind_; }
  erl::pid process() const noexcept { return kind_ == kind::process ? to_.process : erl::pid(); }
  atom name() const noexcept { return kind_ == kind::name ? to_.name.name : atom(); }
  /// The node of a name; empty for this node.
  atom node() const noexcept { return kind_ == kind::name ? to_.name.node : atom(); }
  reference alias() const noexcept { return kind_ == kind::alias ? to_.alias : reference(); }

private:
  struct name_on_node {
    atom name;
    atom node;
  };
  union receiver {
    erl::pid process;
    name_on_node name;
    reference alias;
  };
  receiver to_;
  kind kind_;
};

} // namespace erl
