/// How a type is read: the primary template, and what aggregates and enums with a shape need.
#pragma once

#include <erl/etf/fields.hpp>
#include <erl/etf/named_atom.hpp>
#include <erl/etf/shape.hpp>
#include <erl/etf/source.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace erl {

/// How to read a `T`. The library's own specialisations cover the table in <erl/etf/decode.hpp>;
/// `erl::shape` and `erl::conversion` are the ways to add a type, and a specialisation of `decoder`
/// the way to add a template.
///
///     static bool read(source& from, T& value);     // see erl::source; `value` is as its
///     constructor left it static bool fits(source& from);               // could `read` succeed? A
///     look at the head only static void describe(std::string& out);       // for errors: appends
///     `{add, _, _}` static constexpr std::size_t min_size();      // the fewest bytes it takes; 1
///     is always right
template <class T> struct decoder : detail::type_without_erlang_form<T> {
  static bool read(source& from, T& value);
  static bool fits(source& from);
  static void describe(std::string& out);
  static constexpr std::size_t min_size() { return 1; }
};

namespace detail {

void describe_tagged(std::string& out, std::string_view name, std::size_t fields);
void describe_tuple(std::string& out, std::size_t arity);
void describe_names(std::string& out, named_atoms names);
void describe_map(std::string& out, const named_atom* module);

/// What `next_field` returns when it has failed.
inline constexpr std::size_t no_field = static_cast<std::size_t>(-1);

/// In a map, goes to the value of the next key that is among `keys`; returns its index, or
/// `keys.count` at the end. `seen` collects the keys; those in `required` must be there at the
/// end, and `__struct__` if there is a `module`.
std::size_t next_field(source& from, source::scope& saved, named_atoms keys,
                       const named_atom* module, std::uint32_t required, std::uint32_t& seen);
/// Takes one of the atoms; returns its index, or `names.count` after noting an error.
std::size_t read_name(source& from, named_atoms names);

template <class Part> bool read_part(source& from, Part& part, const std::string_view*& name) {
  if (!decoder<Part>::read(from, part))
    return from.under(*name);
  ++name;
  return true;
}

template <class T> bool read_fields(source& from, T& value) {
  return with_fields(value, [&](auto&... field) {
    [[maybe_unused]] const std::string_view* name = field_names<T>.data();
    return (read_part(from, field, name) && ...);
  });
}

template <class T> consteval std::size_t fields_min_size() {
  return decltype(with_fields(std::declval<T&>(), [](auto&... field) {
    return std::integral_constant<
        std::size_t,
        (std::size_t{0} + ... + decoder<std::remove_reference_t<decltype(field)>>::min_size())>{};
  }))::value;
}

/// Does the first element of a tuple of this size fit?
template <class First> bool first_fits(source& from, std::size_t arity) {
  if (!from.is_tuple(arity))
    return false;
  source::probe attempt(from);
  source::scope saved;
  return from.enter_tuple(saved, arity) && decoder<First>::fits(from);
}

template <class T, class Shape> struct shape_decoder {
  static_assert(
      never<T>,
      "erl::shape<T> is none of tagged, record, plain_tuple, map_shape, elixir_struct, enum_atoms");
};

template <class T, fixed_text Tag> struct shape_decoder<T, tagged_shape<Tag>> : fields_check<T> {
  static bool read(source& from, T& value) {
    source::scope saved;
    return from.enter_tagged(saved, name_of<Tag>, field_count<T>) && read_fields(from, value) &&
           from.leave(saved);
  }
  static bool fits(source& from) { return from.is_tagged(name_of<Tag>, field_count<T>); }
  static void describe(std::string& out) { describe_tagged(out, Tag.view(), field_count<T>); }
  static consteval std::size_t min_size() { return 4 + fields_min_size<T>(); }
};

template <class T> struct shape_decoder<T, plain_tuple_shape> : fields_check<T> {
  static bool read(source& from, T& value) {
    source::scope saved;
    return from.enter_tuple(saved, field_count<T>) && read_fields(from, value) && from.leave(saved);
  }
  static bool fits(source& from) {
    if constexpr (field_count<T> == 0)
      return from.is_tuple(0);
    else
      return first_fits<typename decltype(with_fields(
          std::declval<T&>(), [](auto& first, auto&...) {
            return std::type_identity<std::remove_reference_t<decltype(first)>>{};
          }))::type>(from, field_count<T>);
  }
  static void describe(std::string& out) { describe_tuple(out, field_count<T>); }
  static consteval std::size_t min_size() { return 2 + fields_min_size<T>(); }
};

template <class T> inline constexpr bool may_be_missing = false;
template <class T> inline constexpr bool may_be_missing<std::optional<T>> = true;

template <class T, fixed_text... Module> struct map_decoder : fields_check<T> {
  static bool read(source& from, T& value) {
    source::scope saved;
    return from.enter_map(saved, 2) && read_pairs(from, saved, value) && from.leave(saved);
  }
  static bool fits(source& from) {
    if constexpr (sizeof...(Module) == 0)
      return from.is(kinds(term_kind::map));
    else
      return from.is_struct(name_of<Module...>);
  }
  static void describe(std::string& out) { describe_map(out, module()); }
  static consteval std::size_t min_size() { return 5; }

private:
  static const named_atom* module() {
    if constexpr (sizeof...(Module) == 0)
      return nullptr;
    else
      return &name_of<Module...>;
  }
  static bool read_pairs(source& from, source::scope& saved, T& value) {
    return with_fields(value, [&](auto&... field) {
      constexpr std::size_t count = sizeof...(field);
      std::uint32_t required = 0, bit = 1, seen = 0;
      ((required |= may_be_missing<std::remove_reference_t<decltype(field)>> ? 0 : bit, bit <<= 1),
       ...);
      for (;;) {
        const std::size_t key = next_field(from, saved, keys_of<T>(), module(), required, seen);
        if (key >= count)
          return key == count;
        [[maybe_unused]] std::size_t index = 0;
        if (!((index++ != key || read_value(from, field, key)) && ...))
          return false;
      }
    });
  }
  template <class Field> static bool read_value(source& from, Field& field, std::size_t key) {
    return decoder<Field>::read(from, field) || from.under(field_names<T>[key]);
  }
};

template <class T> struct shape_decoder<T, map_shape_type> : map_decoder<T> {};
template <class T, fixed_text Module>
struct shape_decoder<T, elixir_struct_shape<Module>> : map_decoder<T, Module> {};

template <class T, auto... Values> struct shape_decoder<T, enum_shape<Values...>> {
  static bool read(source& from, T& value) {
    static constexpr T values[] = {Values...};
    const std::size_t index = read_name(from, names_of<Values...>());
    if (index == sizeof...(Values))
      return false;
    value = values[index];
    return true;
  }
  static bool fits(source& from) {
    source::probe attempt(from);
    return from.read_one_of(names_of<Values...>()) != sizeof...(Values);
  }
  static void describe(std::string& out) { describe_names(out, names_of<Values...>()); }
  static consteval std::size_t min_size() { return 2; }
};

} // namespace detail

template <detail::shaped T> struct decoder<T> : detail::shape_decoder<T, detail::shape_of<T>> {};

template <detail::converted T> struct decoder<T> {
  using wire = typename conversion<T>::as;

  static bool read(source& from, T& value) {
    const source::position start = from.tell();
    wire part{};
    if (!decoder<wire>::read(from, part))
      return false;
    auto result = conversion<T>::from(std::move(part));
    if constexpr (std::same_as<decltype(result), std::optional<T>>) {
      if (!result) {
        from.go_back(start);
        return from.fail(etf_errc::wrong_value, "a legal value");
      }
      value = std::move(*result);
    } else {
      value = std::move(result);
    }
    return true;
  }
  static bool fits(source& from) { return decoder<wire>::fits(from); }
  static void describe(std::string& out) { decoder<wire>::describe(out); }
  static constexpr std::size_t min_size() { return decoder<wire>::min_size(); }
};

} // namespace erl
