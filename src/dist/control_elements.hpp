/// The elements of a control tuple, read straight from the bytes.
///
/// Every signal has a control tuple, nearly always of pids, atoms, references and small integers in
/// their usual forms; those are read here without building a term. Whatever else stands there is
/// decoded as a term, so that all forms that the external term format allows are understood.
#pragma once

#include <erl/etf/codec.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace erl::dist {

/// A control tuple. The bytes must outlive it.
class control_elements {
public:
  /// Names that are likely: found without a look into the atom table.
  struct known_names {
    atom self{};
    atom peer{};
  };

  /// `how` tells how the message is decoded.
  control_elements(known_names names, const decode_options& how) : names_(names), how_(how) {}

  /// Finds the elements of the term at the start of `bytes`. False if it is no tuple of 1 to 8
  /// elements, or not a term at all.
  bool parse(std::span<const std::byte> bytes);
  /// Bytes of the whole term, of a version byte before it included.
  std::size_t consumed() const { return consumed_; }

  std::size_t size() const { return size_; }
  bool is_atom(std::size_t place) const;
  // Nothing if the element is something else, or cannot be decoded; `error()` tells which.
  std::optional<pid> to_pid(std::size_t place);
  std::optional<atom> to_atom(std::size_t place);
  std::optional<reference> to_reference(std::size_t place);
  std::optional<std::int64_t> to_int64(std::size_t place);
  std::optional<std::uint64_t> to_uint64(std::size_t place);
  std::optional<term> to_term(std::size_t place);

  /// Why decoding failed; `none` if nothing was wrong but the type.
  etf_errc error() const { return error_; }

private:
  std::span<const std::byte> at(std::size_t place) const { return elements_[place]; }
  std::optional<std::size_t> length(std::span<const std::byte> bytes);
  /// The atom at the start of `bytes`, which are taken from; for the usual forms only.
  std::optional<atom> take_atom(std::span<const std::byte>& bytes);
  std::optional<atom> intern(std::string_view text);

  known_names names_;
  decode_options how_;
  std::array<std::span<const std::byte>, 8> elements_{};
  std::size_t size_ = 0;
  std::size_t consumed_ = 0;
  etf_errc error_ = etf_errc::none;
};

} // namespace erl::dist
