/// Terms as JSON, and terms from JSON, as OTP's module `json` has it.
#pragma once

#include <erl/etf/atoms.hpp>
#include <erl/etf/error.hpp>
#include <erl/etf/limits.hpp>
#include <erl/etf/parse_error.hpp>
#include <erl/etf/term.hpp>

#include <expected>
#include <string>
#include <string_view>

namespace erl {

/// Which atoms are JSON's null besides `null` itself, when terms become JSON.
struct to_json_options {
  /// Elixir's.
  bool nil_is_null = false;
  /// Erlang's.
  bool undefined_is_null = false;
};

/// The text that `json:encode` of OTP 27 and later gives, on one line, with the keys of maps in
/// ascending exact order (OTP's order is arbitrary). Maps become objects: their keys are binaries,
/// atoms or numbers. Lists become arrays (so a string of Erlang does too), binaries and atoms
/// become strings, `true`, `false` and `null` stay what they are. Floats have the shortest digits
/// that give them back.
///
/// The error is `wrong_type` for a tuple, an improper list and all else that JSON does not have,
/// and `bad_utf8` for a binary that is not text; its path says where: `.users[3].name`.
std::expected<std::string, decode_error> to_json(term_ref value, const to_json_options& = {});

struct from_json_options {
  /// What null becomes.
  atom null = atoms::null;
  /// `depth`, `bytes`, `arity` and `digits` count here; JSON makes no atoms.
  limits bounds{};
};

/// The term that `json:decode` gives: objects are maps with binaries as keys (of equal ones the
/// first stays), strings are binaries, numbers are integers of any size, or floats where they have
/// a fraction or an exponent. Nothing but white space may surround the value. Takes time
/// proportional to the text, and does not recurse.
std::expected<term, parse_error> from_json(std::string_view text, const from_json_options& = {});

} // namespace erl
