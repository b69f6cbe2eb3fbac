/// Whom a puppet may be told to send to.
#pragma once

#include <erl/erl.hpp>

#include <tuple>
#include <variant>

namespace demo {

/// A pid, a name here, a name on another node, or an alias.
using address = std::variant<erl::pid, erl::atom, std::tuple<erl::atom, erl::atom>, erl::reference>;

inline erl::destination destination_of(const address& where) {
  struct converter {
    erl::destination operator()(const erl::pid& who) const { return who; }
    erl::destination operator()(erl::atom name) const { return name; }
    erl::destination operator()(const std::tuple<erl::atom, erl::atom>& remote) const {
      return {std::get<0>(remote), std::get<1>(remote)};
    }
    erl::destination operator()(const erl::reference& alias) const { return alias; }
  };
  return std::visit(converter{}, where);
}

} // namespace demo
