/// Atoms that the program's types name: compared as text with bytes, interned when first needed.
#pragma once

#include <erl/etf/atom.hpp>
#include <erl/etf/fields.hpp>
#include <erl/etf/shape.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

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

/// Some atoms' names as a constant.
template <std::size_t Count> struct named_array {
  named_atom at[Count == 0 ? 1 : Count];
};

template <class T> consteval auto make_keys() {
  named_array<field_count<T>> result;
  for (std::size_t i = 0; i < field_count<T>; ++i)
    result.at[i] = named_atom(atom_name(field_names<T>[i]));
  return result;
}

/// The keys of a map, in the order of the fields.
template <class T> inline constinit named_array<field_count<T>> field_keys = make_keys<T>();

/// The names of the enumerators.
template <auto... Values>
inline constinit named_array<sizeof...(Values)> enum_names{
    {named_atom(atom_name(value_name<Values>[0]))...}};

template <class T> constexpr named_atoms keys_of() noexcept {
  return {field_keys<T>.at, field_count<T>};
}
template <auto... Values> constexpr named_atoms names_of() noexcept {
  return {enum_names<Values...>.at, sizeof...(Values)};
}

} // namespace erl::detail
