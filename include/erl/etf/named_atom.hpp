/// Atoms that the program's types name: compared as text with bytes, interned when first needed.
#pragma once

#include <erl/etf/atom.hpp>
#include <erl/etf/fields.hpp>
#include <erl/etf/shape.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace erl::detail {

/// The name of an atom with static lifetime, and the atom once somebody asked for it. Any thread
/// may ask.
class named_atom {
public:
  constexpr named_atom() noexcept = default;
  constexpr explicit named_atom(std::string_view text) noexcept : text_(text) {}

  std::string_view text() const noexcept { return text_; }
  /// Throws std::invalid_argument when the text is not an atom's, std::length_error when the table
  /// is full.
  atom get() const;
  /// Is this the name of `value`?
  bool is(atom value) const noexcept;

private:
  std::string_view text_;
  mutable std::uint32_t index_ = 0;
};

/// Some of them. (Not a std::span: that costs each translation unit more time than all that is
/// done with it.)
struct named_atoms {
  const named_atom* data;
  std::size_t count;

  const named_atom& operator[](std::size_t index) const noexcept { return data[index]; }
};

template <fixed_text Text> inline constinit named_atom name_of{Text.view()};

/// The keys of a map, in the order of the fields.
template <class T>
inline constinit std::array<named_atom, field_count<T>> field_keys =
    []<std::size_t... Index>(std::index_sequence<Index...>) {
      return std::array<named_atom, sizeof...(Index)>{
          named_atom(atom_name(field_text<T, Index>.view()))...};
    }(std::make_index_sequence<field_count<T>>{});

/// The names of the enumerators.
template <auto... Values>
inline constinit std::array<named_atom, sizeof...(Values)> enum_names{
    named_atom(atom_name(value_text<Values>.view()))...};

template <class T> constexpr named_atoms keys_of() noexcept {
  return {field_keys<T>.data(), field_keys<T>.size()};
}
template <auto... Values> constexpr named_atoms names_of() noexcept {
  return {enum_names<Values...>.data(), sizeof...(Values)};
}

} // namespace erl::detail
