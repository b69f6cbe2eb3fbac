/// What peers ask for when they start a process here.
#pragma once

#include <erl/process.hpp>

#include <expected>

namespace erl {

/// What a request to start a process asks for beside the function.
struct spawn_wishes {
  bool link = false;
  bool monitor = false;
  erl::priority priority = erl::priority::normal;
};

/// The options of a SPAWN_REQUEST, as OTP sends them. The error: the atom to answer with.
std::expected<spawn_wishes, atom> read_spawn_options(term_ref options);

} // namespace erl
