/// The external term format: bytes to terms and back.
#pragma once

#include <erl/etf/error.hpp>
#include <erl/etf/limits.hpp>
#include <erl/etf/term.hpp>

#include <cstddef>
#include <expected>
#include <span>
#include <vector>

namespace erl {

class byte_chain;

/// What stands before a term.
enum class framing : std::uint8_t {
  /// The version byte 131: stored terms, and each term of a pass-through distribution frame.
  external,
  /// Nothing: terms after a distribution header.
  bare,
};

/// How to read a term.
struct decode_options {
  erl::limits limits{};
  erl::framing framing = framing::external;
  /// The atoms that ATOM_CACHE_REF indices of this message mean; none outside of header mode.
  std::span<const atom> atom_refs{};
  /// What the source of the input has left for new atoms, beside `limits.new_atoms`; no bound when
  /// null.
  atom_budget* budget = nullptr;
  /// The owner of the input, if it has one: binaries above 256 bytes then share it and are not
  /// copied. The input must lie within it.
  const shared_bytes* owner = nullptr;
  /// With an owner: smaller binaries are copied, so that none of them keeps a large input alive.
  std::size_t least_shared = 0;
};

/// A term and how many bytes it took.
struct decoded {
  term value;
  std::size_t consumed = 0;
};

/// Decodes 131 and a term. Bytes after it are ignored, as in `binary_to_term`. Safe on hostile
/// input: linear in its size, without recursion, without an exception (memory exhaustion apart).
std::expected<term, decode_error> decode_external(std::span<const std::byte> bytes,
                                                  const limits& limits = {});

/// Decodes the first term of `bytes`, for frames with several.
std::expected<decoded, decode_error> decode_prefix(std::span<const std::byte> bytes,
                                                   const decode_options& options = {});

/// Which atoms to write as cache references when encoding for a distribution header.
class atom_cache_writer {
public:
  /// The index to write for `value`, or -1 to write the atom itself.
  virtual int reference(atom value) = 0;

protected:
  ~atom_cache_writer() = default;
};

/// How to write a term.
struct encode_options {
  erl::framing framing = framing::external;
  atom_cache_writer* atom_cache = nullptr;
};

/// Appends 131 and the term: the bytes of `term_to_binary(T, [{minor_version,2}, deterministic])`.
/// Throws std::length_error for a binary, list, or map of 2^32 or more bytes or elements.
void encode_external(term_ref value, std::vector<std::byte>& out);

/// Appends the term, framed as asked.
void encode(term_ref value, std::vector<std::byte>& out, const encode_options& options);

/// Appends the term to a chain, in which large binaries are shared with the term and not copied.
void encode(term_ref value, byte_chain& out, const encode_options& options = {});

/// Writes the term to the start of `out` if there is room for all of it. Returns how many bytes it
/// takes; when that is more than `out` has, what `out` holds is of no use. What is behind the term
/// in `out` may change.
std::size_t encode_into(term_ref value, std::span<std::byte> out,
                        const encode_options& options = {});

/// The external form compressed (zlib level 0 to 9), or plain where that is not larger.
std::vector<std::byte> encode_compressed(term_ref value, int level = 6);

/// How many bytes the term at the start of `bytes` takes (no version byte before it), checked as
/// `decode_prefix` checks it, but for repeated map keys, nesting and the count of new atoms.
/// Allocates nothing.
std::expected<std::size_t, decode_error> skip_term(std::span<const std::byte> bytes,
                                                   const decode_options& options = {});

} // namespace erl
