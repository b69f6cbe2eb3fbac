/// Terms as Elixir's `inspect` shows them.
#pragma once

#include <erl/etf/print.hpp>

#include <string>

namespace erl::text {

/// Appends the text, at most `options.max_bytes` of it.
void inspect(term_ref value, std::string& out, const print_options& options);

} // namespace erl::text
