/// What can be wrong with bytes or text that should become a term.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace erl {

/// Why a term could not be decoded or parsed, or an atom not interned.
enum class etf_errc : std::uint8_t {
  /// No error. Never found in a `decode_error`.
  none,
  /// The bytes end inside a term.
  truncated,
  /// A length, arity or count announces more than the rest of the bytes can hold.
  length_beyond_input,
  /// The external form does not begin with the version byte 131.
  bad_version,
  /// A tag that the external term format does not define, or that is not legal here.
  bad_tag,
  /// Text that is not valid UTF-8.
  bad_utf8,
  /// An atom of more than 255 characters.
  atom_too_long,
  /// The atom would be new, and no more new atoms are allowed to this input.
  too_many_new_atoms,
  /// The atom would be new, and the atom table is full.
  atom_table_full,
  /// A float that is NaN, infinite, or not a number in its text form.
  bad_float,
  /// A bit string with an illegal count of bits in its last byte.
  bad_bit_string,
  /// A map with the same key twice (by exact equality).
  duplicate_key,
  /// A reference without words or with more than five, or an old identifier with an illegal
  /// creation.
  bad_identifier,
  /// An external fun or a closure whose parts are of the wrong kind or out of range.
  bad_fun,
  /// A native record with unknown flags, a repeated field, or a field name that is not an atom.
  bad_record,
  /// An atom-cache reference outside the list that came with the message.
  bad_atom_reference,
  /// A compressed term whose data is corrupt or does not expand to the announced size.
  bad_compression,
  /// Nested deeper than the limit.
  too_deep,
  /// Larger in memory, or when expanded, than the limit.
  too_large,
  /// A tuple, map or record with more elements than the limit.
  arity_too_large,
  /// An integer with more than 524280 bytes of magnitude.
  integer_too_large,
  /// There are bytes after the term where none may be.
  trailing_bytes,
  /// A well-formed term of another kind than the target type asks for.
  wrong_type,
  /// An integer outside the range of the target type.
  out_of_range,
  /// A tuple, record or list of another size than the target type asks for.
  wrong_arity,
  /// A tag, name or constant that differs from the one the target type asks for.
  wrong_value,
  /// A map without a key that the target type requires.
  missing_key,
  /// Text that its grammar does not allow, or that stands for no term.
  bad_syntax,
  /// A key that the target type, which refuses such keys, does not have.
  unknown_key,
};

/// One English phrase for a code, without a full stop. Lives for ever.
std::string_view to_text(etf_errc code) noexcept;

/// Where and why decoding failed.
struct decode_error {
  /// The reason.
  etf_errc code = etf_errc::none;
  /// Bytes from the start of the input to the part that is wrong; inside a compressed term, from
  /// the start of the expanded bytes; 0 when a term and not bytes was decoded.
  std::size_t offset = 0;
  /// Where in the target type: `.roles[2]`. Empty for the whole term.
  std::string path{};
  /// What was expected and what was found, where the code alone does not say it: `expected atom,
  /// got 17`.
  std::string detail{};

  /// `.roles[2]: expected atom, got 17 (at byte 12)`.
  std::string message() const;
  bool operator==(const decode_error&) const = default;
};

} // namespace erl
