/// Foreign bytes made fit for messages.
#pragma once

#include <string>
#include <string_view>

namespace erl::epmd {

/// At most 60 bytes of `bytes`; whatever is not printable ASCII is written as \xNN.
std::string printable(std::string_view bytes);

} // namespace erl::epmd
