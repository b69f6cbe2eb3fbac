/// How much a decoder or parser may spend on one input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace erl {

/// How many atoms one source of terms, a connection or a user, may still add to the atom table,
/// over all of its inputs. One thread at a time.
struct atom_budget {
  std::uint32_t left = 0;
};

/// Bounds for one decode or parse. The defaults suit a trusted link; memory is bounded by the input
/// in any case, as nothing is allocated from an announced size.
struct limits {
  /// Levels of nesting. The decoder does not recurse, so a large value is safe.
  std::uint32_t depth = 1U << 22;
  /// Bytes of memory of the decoded term.
  std::size_t bytes = std::numeric_limits<std::size_t>::max();
  /// Elements of one tuple, map or record.
  std::uint32_t arity = (1U << 24) - 1;
  /// Atoms that this input may add to the atom table. 0 does what `binary_to_term(_, [safe])` does
  /// for atoms.
  std::uint32_t new_atoms = std::numeric_limits<std::uint32_t>::max();
  /// Digits of an integer in text, which take time of their square.
  std::uint32_t digits = 100'000;
  /// Bytes that a compressed term may expand to.
  std::size_t inflated = std::size_t{256} << 20;
  /// How many times larger than its compressed form a term may be. (Deflate itself ends at about
  /// 1032.)
  std::uint32_t inflate_ratio = 1100;
};

} // namespace erl
