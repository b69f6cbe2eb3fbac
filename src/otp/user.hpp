/// The process `user`: the group leader of all processes that have no other one. What they print,
/// and what is started for them elsewhere, it writes to the standard output.
#pragma once

#include <erl/process.hpp>

#include <string_view>

namespace erl {

/// Writes all of a text, and may take its time.
using print_function = void (*)(std::string_view text);
void print_to_standard_output(std::string_view text);

/// The name it is registered by.
atom user_name();
owned_body make_user(print_function print = print_to_standard_output);

} // namespace erl
