/// The fields of an aggregate: how many, their names, and a visit of all of them. No macros.
///
/// The count is the largest number of initialisers that the type takes. Names are read from the
/// compiler's spelling of a template argument that points to a member of an object that is declared
/// and never defined.
#pragma once

#include <erl/etf/shape.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace erl::detail {

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
/// Converts to anything, in unevaluated code only.
struct any_field {
  template <class T> operator T() const noexcept;
};
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

inline constexpr std::size_t max_fields = 16;

template <class T, class... Fields> consteval std::size_t count_fields() {
  if constexpr (sizeof...(Fields) <= max_fields && requires { T{Fields{}..., any_field{}}; })
    return count_fields<T, Fields..., any_field>();
  else
    return sizeof...(Fields);
}

/// Converts to base classes of `T` only, in unevaluated code.
template <class T> struct any_base {
  template <class Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  operator Base() const noexcept;
};

template <class T>
concept has_base = requires { T{any_base<T>{}}; };

template <class T> consteval std::size_t legal_field_count() {
  if constexpr (std::is_aggregate_v<T> && !has_base<T>)
    return count_fields<T>() <= max_fields ? count_fields<T>() : 0;
  else
    return 0;
}

/// How many fields `T` has; 0 for a type that `fields_check` refuses.
template <class T> inline constexpr std::size_t field_count = legal_field_count<T>();

template <class T, bool IsAggregate = std::is_aggregate_v<T>> struct fields_check {
  static_assert(!has_base<T>,
                "an aggregate with a shape may not have a base class: make it a field");
  static_assert(count_fields<T>() <= max_fields,
                "an aggregate with a shape may have 16 fields; nest another aggregate in it, or "
                "specialise erl::conversion");
};
template <class T> struct fields_check<T, false> {
  static_assert(never<T>, "a shape with fields needs an aggregate: public members, no "
                          "constructors, no virtual functions; or specialise erl::conversion");
};

/// The addresses of all fields of an object, and their types.
template <class... Fields> struct field_list {
  static constexpr std::size_t count = sizeof...(Fields);
  void* at[count == 0 ? 1 : count];
};

template <class... Fields> constexpr field_list<Fields...> list_fields(Fields&... field) {
  return {{&field...}};
}

/// The one place that takes an aggregate apart: all else works with the addresses, as each such
/// function costs the compiler more than all the names of the fields.
template <class T> constexpr auto fields_of(T& value) {
  constexpr std::size_t count = field_count<T>;
  if constexpr (count == 0) {
    return field_list<>{};
  } else if constexpr (count == 1) {
    auto& [a] = value;
    return list_fields(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = value;
    return list_fields(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = value;
    return list_fields(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = value;
    return list_fields(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = value;
    return list_fields(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = value;
    return list_fields(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = value;
    return list_fields(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = value;
    return list_fields(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = value;
    return list_fields(a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = value;
    return list_fields(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = value;
    return list_fields(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = value;
    return list_fields(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = value;
    return list_fields(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = value;
    return list_fields(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = value;
    return list_fields(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value;
    return list_fields(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  }
}

template <class T> using fields_in = decltype(fields_of(std::declval<T&>()));

/// Types of which a value may be empty, which means that a key may be missing.
template <class T> inline constexpr bool may_be_empty = false;
template <class T> inline constexpr bool may_be_empty<std::optional<T>> = true;

template <class... Fields> consteval std::size_t count_other_keys(field_list<Fields...>*) {
  return (std::size_t{0} + ... + (std::same_as<Fields, other_keys> ? 1 : 0));
}
template <class T>
inline constexpr std::size_t other_keys_count =
    count_other_keys(static_cast<fields_in<T>*>(nullptr));

/// The index of the field that keeps the other keys; the count of fields if there is none.
template <class... Fields> consteval std::size_t find_other_keys() {
  std::size_t index = 0;
  (void)((std::same_as<Fields, other_keys> || (++index, false)) || ...);
  return index;
}
template <class... Fields>
inline constexpr std::size_t place_of_other_keys = find_other_keys<Fields...>();

/// What a shape without keys asks of a type.
template <class T> struct plain_fields_check : fields_check<T> {
  static_assert(other_keys_count<T> == 0,
                "erl::other_keys is for shapes with keys: map_shape, elixir_struct, keyword_list, "
                "proplist, native_record");
};

/// What a shape with keys asks of a type.
template <class T, unknown_keys Unknown> struct keyed_fields_check : fields_check<T> {
  static_assert(other_keys_count<T> <= 1, "a type can have one field of type erl::other_keys");
  static_assert(Unknown == unknown_keys::ignored || other_keys_count<T> == 0,
                "a shape that is refusing_unknown() leaves nothing for the field of type "
                "erl::other_keys");
};

/// Gives objects of any type an address without making one.
template <class T> struct phantom {
  T value;
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class T> extern phantom<T> phantom_object;

/// Addresses as a template argument.
template <std::size_t Count> struct address_list {
  void* at[Count];
};

/// A function, as g++ would put a variable with such addresses into the program.
template <class T> consteval auto phantom_addresses() {
  const auto fields = fields_of(phantom_object<T>.value);
  address_list<field_count<T>> result{};
  for (std::size_t i = 0; i < field_count<T>; ++i)
    result.at[i] = fields.at[i];
  return result;
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

consteval bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (c & 0x80) != 0;
}

/// A piece of a text.
struct piece {
  std::size_t start = 0;
  std::size_t size = 0;
};

/// The identifier that ends at `stop`.
consteval piece name_before(const char* text, std::size_t stop) {
  std::size_t start = stop;
  while (start > 0 && is_name_character(text[start - 1]))
    --start;
  return {start, stop - start};
}

#if defined(__clang__)
inline constexpr std::string_view between_addresses = ", &";
inline constexpr std::string_view after_addresses = "}}]";
#else
inline constexpr std::string_view between_addresses = ")), ((void*)(& ";
inline constexpr std::string_view after_addresses = "))}}]";
#endif
inline constexpr std::string_view after_value = "]";

template <std::size_t Count> struct name_pieces {
  piece at[Count];
  std::size_t total = 0;
};

/// Where `what` starts for the last time before `stop`; it must be there.
consteval std::size_t start_of_last(std::string_view what, const char* text, std::size_t stop) {
  while (text[stop] != what[0] || std::string_view(text + stop, what.size()) != what)
    --stop;
  return stop;
}

/// The names in the compiler's spelling of an `address_list`. All addresses are spelled alike up to
/// the name, so that only the last one must be searched for its beginning.
template <std::size_t Count>
consteval name_pieces<Count> find_names(const char* text, std::size_t size) {
  name_pieces<Count> result;
  std::size_t stop = size - after_addresses.size(), alike = 0;
  for (std::size_t i = Count; i-- > 0;) {
    const piece name = name_before(text, stop);
    result.at[i] = name;
    result.total += name.size;
    if (alike == 0 && i > 0)
      alike = name.start - start_of_last(between_addresses, text, name.start);
    stop = name.start - alike;
  }
  return result;
}

/// Names in one text of their own, so that the compiler's long spelling does not end up in the
/// program.
template <std::size_t Count, std::size_t Size> struct name_table {
  char text[Size + 1]{};
  std::size_t end[Count]{};

  constexpr std::string_view operator[](std::size_t index) const noexcept {
    const std::size_t start = index == 0 ? 0 : end[index - 1];
    return {text + start, end[index] - start};
  }
};

template <std::size_t Size, std::size_t Count>
consteval name_table<Count, Size> own_names(const char* from, const name_pieces<Count>& pieces) {
  name_table<Count, Size> result;
  std::size_t next = 0;
  for (std::size_t i = 0; i < Count; ++i) {
    for (std::size_t k = 0; k < pieces.at[i].size; ++k)
      result.text[next++] = from[pieces.at[i].start + k];
    result.end[i] = next;
  }
  return result;
}

template <std::size_t Count, address_list<Count> Addresses> consteval auto spelled_names() {
  constexpr name_pieces<Count> pieces =
      find_names<Count>(__PRETTY_FUNCTION__, sizeof __PRETTY_FUNCTION__ - 1);
  return own_names<pieces.total>(__PRETTY_FUNCTION__, pieces);
}

template <auto Value> consteval auto spelled_value() {
  constexpr name_pieces<1> pieces{
      {name_before(__PRETTY_FUNCTION__, sizeof __PRETTY_FUNCTION__ - 1 - after_value.size())}};
  return own_names<pieces.at[0].size>(__PRETTY_FUNCTION__, pieces);
}

template <class T> consteval auto names_of_fields() {
  if constexpr (field_count<T> == 0)
    return name_table<1, 0>{};
  else
    return spelled_names<field_count<T>, phantom_addresses<T>()>();
}

/// The names of the fields of `T`, in order.
template <class T> inline constexpr auto field_names = names_of_fields<T>();

/// The name of an enumerator.
template <auto Value> inline constexpr auto value_name = spelled_value<Value>();

/// A C++ name as an atom: without one trailing underscore.
constexpr std::string_view atom_name(std::string_view name) {
  return name.size() > 1 && name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

} // namespace erl::detail
