/// Terms from text in Erlang's syntax: the way back from `to_string`, and what `file:consult`
/// reads.
#pragma once

#include <erl/etf/error.hpp>
#include <erl/etf/limits.hpp>
#include <erl/etf/parse_error.hpp>
#include <erl/etf/term.hpp>

#include <expected>
#include <string_view>
#include <vector>

namespace erl {

/// The term that `text` (UTF-8) is; a full stop may end it. White space and comments may be around
/// it. What it accepts is what `erl_parse:parse_term` of OTP 27 and later accepts: constants,
/// `fun m:f/1`, sigils and triple-quoted strings included. Not accepted are binaries and
/// parentheses inside binaries, floats of 16 bits or in another base than 10, and signs before
/// parentheses. Identifiers (`<0.1.0>`, `#Ref<...>`, `#Port<...>`), closures and records have no
/// text that can be read back.
///
/// Takes time proportional to the text, and does not recurse.
std::expected<term, parse_error> parse_term(std::string_view text, const limits& bounds = {});

/// The terms of a file as `file:consult` reads it: any number, each ended by a full stop. The
/// bounds hold for all of them together.
std::expected<std::vector<term>, parse_error> parse_terms(std::string_view text,
                                                          const limits& bounds = {});

} // namespace erl
