/// Shapes: which Erlang term stands for a C++ type.
///
///     struct add { std::int64_t a, b; };
///     template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;   // {add, A, B}
///
/// For a type inside a namespace the same can be said in the type:
///
///     struct add { std::int64_t a, b; using erl_shape = erl::tagged_shape<"add">; };
///
/// An aggregate may have up to 16 fields: public members, no base class, no C arrays. The keys of
/// maps are the names of the fields; one trailing underscore is dropped, so that `class_` is the
/// key `class`.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace erl {

/// A string as a template argument.
template <std::size_t Size> struct fixed_text {
  char data[Size]{};

  consteval fixed_text() = default;
  consteval fixed_text(const char (&literal)[Size]) {
    for (std::size_t i = 0; i < Size; ++i)
      data[i] = literal[i];
  }
  constexpr std::string_view view() const noexcept { return {data, Size - 1}; }
};

/// The type with the atom `Text` as its only value: `std::tuple<erl::is<"ok">, int>` is `{ok,
/// Integer}`.
template <fixed_text Text> struct is {
  constexpr bool operator==(const is&) const noexcept = default;
};

/// No shape has been given.
struct no_shape {};

/// `{Tag, Field1, Field2, ...}`. An aggregate without fields is `{Tag}`; for the atom alone use
/// `erl::is<"tag">`.
template <fixed_text Tag> struct tagged_shape {};
/// `{Field1, Field2, ...}`.
struct plain_tuple_shape {};
/// Which term holds the fields of a `keyed_shape`.
struct in_map {};
template <fixed_text Module> struct in_elixir_struct {};
struct in_keyword_list {};
struct in_proplist {};
template <fixed_text Module, fixed_text Name, bool Exported> struct in_native_record {
  using local = in_native_record<Module, Name, false>;
};

struct other_keys;

/// What becomes of keys that are not the name of a field.
enum class unknown_keys : std::uint8_t { ignored, refused };
/// What becomes of a field whose key is missing.
enum class missing_keys : std::uint8_t { refused, defaulted };

/// A shape that finds its fields by their names. Each of these shapes can be asked for more:
///
///     template <> inline constexpr auto erl::shape<options> = erl::map_shape.refusing_unknown();
///
/// By default keys that are no field's are passed over, or kept if there is a field of type
/// `erl::other_keys` (<erl/etf/other_keys.hpp>); and all fields must be there, but those that may
/// be empty (std::optional), and in a property list those of type bool. A field whose key is
/// missing stays as the initialisers of its type made it.
template <class Holder, unknown_keys Unknown = unknown_keys::ignored,
          missing_keys Missing = missing_keys::refused>
struct keyed_shape {
  /// A key that is no field's is an error that names it.
  consteval auto refusing_unknown() const {
    return keyed_shape<Holder, unknown_keys::refused, Missing>{};
  }
  /// Any key may be missing.
  consteval auto with_defaults() const {
    return keyed_shape<Holder, Unknown, missing_keys::defaulted>{};
  }
  /// A native record that its module does not export.
  consteval auto local() const
    requires requires { typename Holder::local; }
  {
    return keyed_shape<typename Holder::local, Unknown, Missing>{};
  }
};

using map_shape_type = keyed_shape<in_map>;
template <fixed_text Module> using elixir_struct_shape = keyed_shape<in_elixir_struct<Module>>;
using keyword_list_shape = keyed_shape<in_keyword_list>;
using proplist_shape = keyed_shape<in_proplist>;
template <fixed_text Module, fixed_text Name>
using native_record_shape = keyed_shape<in_native_record<Module, Name, true>>;

template <auto... Values> struct enum_shape {
  static_assert(sizeof...(Values) > 0,
                "erl::enum_atoms needs the enumerators: erl::enum_atoms<color::red, ...>");
};

template <fixed_text Tag> inline constexpr tagged_shape<Tag> tagged{};
/// A record is a tagged tuple.
template <fixed_text Name> inline constexpr tagged_shape<Name> record{};
inline constexpr plain_tuple_shape plain_tuple{};
/// `#{field1 => Field1, ...}`.
inline constexpr map_shape_type map_shape{};
/// The same with `'__struct__' => Module`, by the module's full name:
/// `erl::elixir_struct<"Elixir.User">`. An empty std::optional is encoded as `nil`.
template <fixed_text Module> inline constexpr elixir_struct_shape<Module> elixir_struct{};
/// `[{field1, Field1}, ...]`. Of a key that comes twice the first one counts. An empty
/// std::optional is not encoded.
inline constexpr keyword_list_shape keyword_list{};
/// The same as `proplists` has it: the atom `debug` alone is `{debug, true}`, and is what a bool
/// that is true is encoded as. Elements that are neither are passed over like unknown keys.
inline constexpr proplist_shape proplist{};
/// A native record of OTP 29, `#module:name{field1 = Field1, ...}`, in the order of the fields when
/// encoded, in any order when decoded. Exported, unless `.local()` is asked for; decoding takes
/// both.
template <fixed_text Module, fixed_text Name>
inline constexpr native_record_shape<Module, Name> native_record{};
/// Enumerators as atoms of the same names.
template <auto... Values> inline constexpr enum_shape<Values...> enum_atoms{};

/// The shape of an aggregate or an enum; specialise it with one of the above.
template <class T> inline constexpr auto shape = no_shape{};

/// Makes a type travel as another one. Specialise it with
///
///     using as = double;                  // any type that can be decoded and encoded
///     static celsius from(double wire);   // or std::optional<celsius>: nothing refuses the value
///     static double to(const celsius& value);
template <class T> struct conversion {};

namespace detail {

template <class T> consteval auto find_shape() {
  if constexpr (requires { typename T::erl_shape; })
    return typename T::erl_shape{};
  else if constexpr (requires { T::erl_shape; })
    return T::erl_shape;
  else
    return shape<T>;
}

template <class T> using shape_of = decltype(find_shape<T>());

template <class T>
concept converted = requires { typename conversion<T>::as; };

template <class T>
concept shaped = !converted<T> && (std::is_class_v<T> || std::is_enum_v<T>) &&
                 !std::same_as<shape_of<T>, no_shape>;

/// Integers that count: neither bool nor the character types.
template <class T>
concept integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                  !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                  !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

/// False, but only once `T` is known.
template <class T> inline constexpr bool never = false;

/// What `decoder` and `encoder` are for a type that nobody has described.
template <class T> struct type_without_erlang_form {
  static_assert(never<T>,
                "no Erlang term is known for this type: give it a shape at global scope, as in "
                "`template <> inline constexpr auto erl::shape<my_type> = "
                "erl::tagged<\"my_type\">;`, or specialise erl::conversion. (Headers to include: "
                "std::map <erl/etf/std_map.hpp>, durations <erl/etf/std_duration.hpp>, "
                "std::unique_ptr <erl/etf/std_memory.hpp>, erl::external_fun <erl/etf/fun.hpp>)");
};

/// The same for a type whose shape is something else.
template <class T> struct type_with_unknown_shape {
  static_assert(never<T>, "erl::shape<T> is none of tagged, record, plain_tuple, map_shape, "
                          "elixir_struct, keyword_list, proplist, native_record, enum_atoms");
};

} // namespace detail

} // namespace erl
