/// Exit reasons from C++ exceptions.
#pragma once

#include <erl/etf/pid.hpp>
#include <erl/etf/term.hpp>

namespace erl::runtime {

/// The reason of an exit_exception, else `{Class, What}` for the exception being handled: the
/// class's name as an atom and what() as a binary. Logs it as the end of `who`.
term reason_of_current_exception(const pid& who);

} // namespace erl::runtime
