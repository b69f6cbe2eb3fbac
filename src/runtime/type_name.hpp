/// Names of C++ types, for people.
#pragma once

#include <erl/etf/atom.hpp>

#include <typeinfo>

namespace erl::runtime {

/// The type's name as C++ has it, as an atom; `c++` if that is none (longer than 255 characters).
/// Any thread; the second time it costs a look-up.
atom type_name(const std::type_info& type);

} // namespace erl::runtime
