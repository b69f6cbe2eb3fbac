/// The text of Elixir's atoms, strings and floats, for `inspect`.
#pragma once

#include "etf/parts.hpp"
#include <erl/etf/atom.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace erl::text {

/// Where an atom stands: alone (`:a`), as a key (`a: 1`), or as a function (`Mod.a/1`).
enum class atom_place : std::uint8_t { alone, key, function };

/// An atom with its colon, or a module, or a name as its place wants it, in quotes where needed.
void inspect_atom(atom value, atom_place place, std::string& out);

/// An atom with the name of an Elixir module, `Elixir.` and something.
bool is_module(atom value) noexcept;

/// `Elixir`, or that and names that begin with a capital, with dots between: of ASCII alone.
bool is_alias(std::string_view name) noexcept;

void inspect_float(double value, std::string& out);

/// A binary as a string where it is one, or a bit string as numbers. Stops early when `out` is
/// longer than `end`.
void inspect_bits(detail::bits_of bits, std::size_t end, std::string& out);

/// A character of a list that prints as `~c"..."`.
bool is_charlist_part(std::uint64_t code) noexcept;

/// A character between double quotes.
void inspect_character(char32_t code, std::string& out);

} // namespace erl::text
