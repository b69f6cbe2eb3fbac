/// Erlang's I/O protocol, from the side that prints ("The Erlang I/O Protocol", STDLIB guide).
#pragma once

#include <erl/etf/term.hpp>

#include <string>

namespace erl {

/// The reply to a request. What it prints is appended to `text` in UTF-8. There is nothing to read:
/// who asks for input gets `eof`.
term reply_to_io_request(term_ref request, std::string& text);

} // namespace erl
