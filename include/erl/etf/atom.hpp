/// Atoms: interned names, four bytes each.
#pragma once

#include <erl/etf/error.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace erl {

struct atom_budget;

/// An atom. Equal atoms have equal indices, so comparing and copying cost nothing. The table behind
/// it is global, bounded (`set_atom_limit`), grows only, and is read without locks by any thread.
class atom {
public:
  /// The empty atom, `''`.
  constexpr atom() noexcept = default;

  /// The atom of a literal. Throws std::invalid_argument when it is not an atom's text (more than
  /// 255 characters or not UTF-8) and std::length_error when the table is full.
  template <std::size_t N>
  atom(const char (&literal)[N]) : atom(std::string_view(literal, N - 1)) {}

  /// The same for text that the program made itself. Text from elsewhere goes to `intern`.
  explicit atom(std::string_view utf8);

  /// The atom of any text; never throws.
  static std::expected<atom, etf_errc> intern(std::string_view utf8) noexcept;
  /// The same for text from a source that may add only so many atoms; one that is new is charged.
  static std::expected<atom, etf_errc> intern(std::string_view utf8, atom_budget& budget) noexcept;

  /// The atom of a text if it is in the table already.
  static std::optional<atom> find(std::string_view utf8) noexcept;

  /// The atom with an index that `index()` gave.
  static constexpr atom from_index(std::uint32_t index) noexcept {
    atom result;
    result.index_ = index;
    return result;
  }

  /// The name in UTF-8. Lives for ever.
  std::string_view text() const noexcept;

  /// Its place in the table: dense, from 0.
  constexpr std::uint32_t index() const noexcept { return index_; }

  /// Same atom. For Erlang's order of atoms use `compare`.
  constexpr bool operator==(const atom&) const noexcept = default;

private:
  std::uint32_t index_ = 0;
};

/// Erlang's order: by code points, a prefix first. Negative, zero or positive.
int compare(atom left, atom right) noexcept;

/// How many atoms there are.
std::uint32_t atom_count() noexcept;

/// The most atoms there may be: 1048576 unless set, at most 2^24. Takes effect at once; atoms that
/// exist stay.
void set_atom_limit(std::uint32_t count) noexcept;

/// True when `text` is valid UTF-8 of at most 255 characters, which is what an atom's name may be.
bool is_atom_text(std::string_view text) noexcept;

} // namespace erl

template <> struct std::hash<erl::atom> {
  std::size_t operator()(erl::atom value) const noexcept {
    return std::size_t{value.index()} * 0x9e3779b97f4a7c15U;
  }
};
