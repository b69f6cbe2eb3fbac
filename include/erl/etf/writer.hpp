/// Writes the external term format piece by piece, for those who have no term to encode.
#pragma once

#include <erl/etf/bigint.hpp>
#include <erl/etf/pid.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace erl {
class atom_cache_writer;
}

namespace erl::etf {

/// Appends terms to a vector, each in the form that OTP's deterministic encoding has. The caller
/// announces arities and then writes as many elements; map keys are to be written in ascending
/// exact order.
class writer {
public:
  /// With a cache, atoms are written as it says.
  explicit writer(std::vector<std::byte>& out, atom_cache_writer* cache = nullptr) noexcept
      : out_(&out), cache_(cache) {}

  /// The byte 131.
  void version();
  void atom(erl::atom value);
  void boolean(bool value);
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void big_integer(bool negative, std::span<const std::uint64_t> magnitude);
  void big_integer(const bigint& value) { big_integer(value.negative(), value.magnitude()); }
  /// Throws std::domain_error for NaN and infinities.
  void floating(double value);
  void binary(std::span<const std::byte> bytes);
  void text(std::string_view text);
  /// `bits` of the last byte count, 1 to 7; the others are written as 0.
  void bit_string(std::span<const std::byte> bytes, unsigned bits);
  void pid(const erl::pid& value);
  void port(const erl::port& value);
  void reference(const erl::reference& value);
  void external_fun(erl::atom module, erl::atom function, std::uint8_t arity);

  void nil();
  /// The elements follow.
  void tuple(std::size_t arity);
  /// At least one element; then the elements and the tail follow (`nil()` for a proper list).
  void list(std::size_t elements);
  /// A proper list of small integers, 1 to 65535 of them.
  void byte_list(std::span<const std::byte> bytes);
  /// Key, value, key, value... follow.
  void map(std::size_t pairs);
  /// The names of the fields and then the values follow.
  void record(erl::atom module, erl::atom name, bool exported, std::size_t fields);

  /// The vector that is written to.
  std::vector<std::byte>& out() noexcept { return *out_; }

private:
  template <class Write> void with_output(Write write);

  std::vector<std::byte>* out_;
  atom_cache_writer* cache_;
};

} // namespace erl::etf
