/// Erlang's `+`.
#pragma once

#include <erl/etf/term.hpp>

namespace demo {

/// The sum of two numbers of any size and kind. Of anything else it ends the process with
/// `badarith`.
erl::term sum(erl::term_ref left, erl::term_ref right);

} // namespace demo
