/// Names for addresses of code, for people.
#pragma once

#include <cstdint>
#include <string>

namespace erl {

/// The function that `address` is in, demangled, with the distance from its begin, and the file it
/// comes from: `erl::node::run()+0x1f in /usr/bin/shop`. Functions that are not exported have names
/// as long as the file is not stripped. Slow: reads the file. Any thread.
std::string name_of_code(std::uintptr_t address);

} // namespace erl
