/// Control tuples as text: the operation's name, and a word for each element.
#pragma once

#include "dist/flags.hpp"
#include <erl/etf/term.hpp>

#include <optional>
#include <string>

namespace erl::dist {

/// What there is to say of a control tuple.
struct described_control {
  std::string text;     ///< `LINK from <a@h.1.0> to <b@h.2.0>`, or the tuple itself
  std::string error;    ///< what is wrong with it, or empty
  bool payload = false; ///< one has to follow
};

described_control describe_control(term_ref tuple, std::optional<flag_set> common);

/// A term in Erlang's syntax with names of nodes, at most 1 KB of it.
std::string described(term_ref value);

} // namespace erl::dist
