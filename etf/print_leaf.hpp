/// The text of terms without parts, for `print`.
#pragma once

#include "etf/parts.hpp"
#include "etf/utf8.hpp"
#include <erl/etf/print.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace erl::text {

/// The first and the further characters of an atom without quotes; with upper-case ones or `_` in
/// front it is a variable.
bool is_lower(char32_t code) noexcept;
bool is_upper(char32_t code) noexcept;
bool is_name_part(char32_t code) noexcept;

/// A word of Erlang's grammar (of OTP 27), which as an atom needs quotes.
bool is_reserved(std::string_view word) noexcept;

/// Calls `each` for the characters of valid UTF-8 until it returns false; true when it never did.
template <class Each> bool for_characters(std::string_view text, Each each) {
  while (!text.empty()) {
    const auto next = utf8::first(text);
    if (!next || !each(next->code))
      return false;
    text.remove_prefix(next->size);
  }
  return true;
}

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

/// The integer of any size in a box. Digits are slow to find; dots stand for those that would make
/// `out` longer than `end`.
void write_integer(const detail::word* box, std::size_t end, std::string& out);

/// Identifiers: the index of the node (0 for `own_node`) or its name, and the numbers, with dots
/// between them.
void write_parts(const pid& value, const print_options& how, std::string& out);
void write_parts(const port& value, const print_options& how, std::string& out);
void write_parts(const reference& value, const print_options& how, std::string& out);

/// Where text of at most `bytes` that begins at `start` ends.
std::size_t end_of(std::size_t start, std::size_t bytes) noexcept;

/// Shortens what follows byte `start` so that all ends at byte `end`, between characters, with
/// `...`.
void cut(std::string& out, std::size_t start, std::size_t end);

} // namespace erl::text
