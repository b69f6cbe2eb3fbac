/// The fields of an aggregate: how many, their names, and a visit of all of them. No macros.
///
/// The count is the largest number of initialisers that the type takes. Names are read from the
/// compiler's spelling of a template argument that points to a member of an object that is declared
/// and never defined.
#pragma once

#include <erl/etf/shape.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace erl::detail {

/// Converts to anything, in unevaluated code only.
struct any_field {
  template <class T> operator T() const noexcept;
};

inline constexpr std::size_t max_fields = 16;

template <class T, class... Fields> consteval std::size_t count_fields() {
  if constexpr (sizeof...(Fields) <= max_fields && requires { T{Fields{}..., any_field{}}; })
    return count_fields<T, Fields..., any_field>();
  else
    return sizeof...(Fields);
}

template <class T> consteval std::size_t legal_field_count() {
  if constexpr (std::is_aggregate_v<T>)
    return count_fields<T>() <= max_fields ? count_fields<T>() : 0;
  else
    return 0;
}

/// How many fields `T` has; 0 for a type that `fields_check` refuses.
template <class T> inline constexpr std::size_t field_count = legal_field_count<T>();

template <class T, bool IsAggregate = std::is_aggregate_v<T>> struct fields_check {
  static_assert(count_fields<T>() <= max_fields,
                "an aggregate with a shape may have 16 fields; nest another aggregate in it, or "
                "specialise erl::conversion");
};
template <class T> struct fields_check<T, false> {
  static_assert(never<T>, "a shape with fields needs an aggregate: public members, no "
                          "constructors, no virtual functions; or specialise erl::conversion");
};

/// Calls `function(field...)` with references to all fields.
template <class T, class Function>
constexpr decltype(auto) with_fields(T& value, Function&& function) {
  constexpr std::size_t count = field_count<std::remove_const_t<T>>;
  if constexpr (count == 0) {
    return function();
  } else if constexpr (count == 1) {
    auto& [a] = value;
    return function(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = value;
    return function(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = value;
    return function(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = value;
    return function(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = value;
    return function(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = value;
    return function(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = value;
    return function(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = value;
    return function(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = value;
    return function(a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = value;
    return function(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = value;
    return function(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = value;
    return function(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = value;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = value;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = value;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value;
    return function(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  }
}

/// Gives objects of any type an address without making one.
template <class T> struct phantom {
  const T value;
};

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class T> extern const phantom<T> phantom_object;

template <class Field> struct field_pointer {
  const Field* address;
};

template <std::size_t Index, class Field, class... Rest>
constexpr auto nth_pointer(const Field& field, const Rest&... rest) {
  if constexpr (Index == 0)
    return field_pointer<Field>{&field};
  else
    return nth_pointer<Index - 1>(rest...);
}

/// A function, as g++ would put a variable with such a pointer into the program.
template <class T, std::size_t Index> consteval auto phantom_pointer() {
  return with_fields(phantom_object<T>.value,
                     [](const auto&... field) { return nth_pointer<Index>(field...); });
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

/// The last identifier before the last `end` in `text`.
consteval std::string_view last_name(std::string_view text, std::string_view end) {
  const std::size_t stop = text.rfind(end);
  std::size_t start = stop;
  while (start > 0) {
    const char c = text[start - 1];
    const bool in_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
    if (!in_name)
      break;
    --start;
  }
  return text.substr(start, stop - start);
}

#if defined(__clang__)
inline constexpr std::string_view end_of_pointer = "}]";
inline constexpr std::string_view end_of_value = "]";
#else
inline constexpr std::string_view end_of_pointer = ")}";
inline constexpr std::string_view end_of_value = ";";
#endif

template <auto Pointer> consteval std::string_view spelled_pointer() {
  return last_name(__PRETTY_FUNCTION__, end_of_pointer);
}

template <auto Value> consteval std::string_view spelled_value() {
  return last_name(__PRETTY_FUNCTION__, end_of_value);
}

/// A copy of its own, so that the compiler's long spelling does not end up in the program.
template <std::size_t Size> consteval auto own_text(std::string_view text) {
  fixed_text<Size + 1> copy;
  for (std::size_t i = 0; i < Size; ++i)
    copy.data[i] = text[i];
  return copy;
}

template <class T, std::size_t Index>
inline constexpr auto field_text = own_text<spelled_pointer<phantom_pointer<T, Index>()>().size()>(
    spelled_pointer<phantom_pointer<T, Index>()>());

template <auto Value>
inline constexpr auto value_text = own_text<spelled_value<Value>().size()>(spelled_value<Value>());

/// The names of the fields of `T`, in order.
template <class T>
inline constexpr auto field_names = []<std::size_t... Index>(std::index_sequence<Index...>) {
  return std::array<std::string_view, sizeof...(Index)>{field_text<T, Index>.view()...};
}(std::make_index_sequence<field_count<T>>{});

/// A C++ name as an atom: without one trailing underscore.
constexpr std::string_view atom_name(std::string_view name) {
  return name.size() > 1 && name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

} // namespace erl::detail
