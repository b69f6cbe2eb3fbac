/// The text of terms without parts, for `print`.
#pragma once

#include "etf/parts.hpp"
#include <erl/etf/print.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace erl::text {

/// The shortest digits that give the same double again, in Erlang's form.
void write_float(double value, std::string& out);

/// An atom, in quotes where Erlang's syntax needs them.
void write_atom(atom value, bool latin1, std::string& out);

/// Characters between double quotes, or single ones, escaped as Erlang does it.
void write_character(char32_t code, char quote, bool latin1, std::string& out);

/// Printable without an escape, or with a short one: the characters of strings.
bool is_printable(char32_t code) noexcept;

/// The bytes of a binary or bit string; stops early when `out` is longer than `end`.
void write_bits(detail::bits_of bits, print_style style, std::size_t end, std::string& out);

void write_number(std::uint64_t value, std::string& out);

} // namespace erl::text
