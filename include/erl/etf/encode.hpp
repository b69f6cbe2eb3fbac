/// Typed encoding: `erl::encode(value)` to bytes, `erl::to_term(value)` to a term.
///
/// Every type of the table in <erl/etf/decode.hpp> is encoded as the term that it is decoded from.
/// Where there is a choice: an empty std::optional and std::monostate are `undefined` (`nil` as a
/// direct field of an Elixir struct); a vector of small integers is STRING_EXT, as OTP has it; maps
/// are in ascending key order. Text literals are binaries. `encode(x)` has the bytes of
/// `to_term(x)`.
#pragma once

#include <erl/etf/builder.hpp>
#include <erl/etf/fields.hpp>
#include <erl/etf/named_atom.hpp>
#include <erl/etf/shape.hpp>
#include <erl/etf/sink.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace erl {

/// How to write a `T`; see `decoder` for when to specialise it.
///
///     static void write(sink& to, const T& value);
template <class T> struct encoder : detail::type_without_erlang_form<T> {
  static void write(sink& to, const T& value);
};

namespace detail {

template <class T> void write_value(sink& to, const T& value) { encoder<T>::write(to, value); }

[[noreturn]] void refuse_enumerator();

template <class T, class Shape> struct shape_encoder : type_with_unknown_shape<T> {
  static void write(sink& to, const T& value);
};

template <class T, class... Fields>
void write_each(sink& to, [[maybe_unused]] const field_list<Fields...>& field) {
  [[maybe_unused]] std::size_t index = 0;
  (encoder<Fields>::write(to, *static_cast<const Fields*>(field.at[index++])), ...);
}

/// The fields of a value that is only read. (One function takes types apart, for both ways.)
template <class T> constexpr fields_in<T> fields_to_read(const T& value) {
  return fields_of(const_cast<T&>(value));
}

template <class T, fixed_text Tag>
struct shape_encoder<T, tagged_shape<Tag>> : plain_fields_check<T> {
  static void write(sink& to, const T& value) {
    to.begin_tuple(field_count<T> + 1);
    to.atom(name_of<Tag>);
    write_each<T>(to, fields_to_read(value));
  }
};

template <class T> struct shape_encoder<T, plain_tuple_shape> : plain_fields_check<T> {
  static void write(sink& to, const T& value) {
    to.begin_tuple(field_count<T>);
    write_each<T>(to, fields_to_read(value));
  }
};

/// How a field is written, and whether it is there at all: not when it is an empty std::optional in
/// a list.
struct field_writer {
  void (*write)(sink& to, const void* field);
  bool (*is_empty)(const void* field);
};

/// All that must be known of a type with a `keyed_shape` to write it: see `keyed_reader`.
struct keyed_writer {
  named_atoms keys;
  /// One a field.
  const field_writer* fields;
  /// In a map: the fields in the order of their keys; `keys.count` stands for `__struct__`. The
  /// field of other keys is not among them.
  const std::uint8_t* order;
  std::size_t order_count;
  /// In a property list: the fields of type bool, as bits.
  std::uint32_t flags;
  /// The field that keeps the other keys; `keys.count` if there is none.
  std::size_t rest;
  const named_atom* module;
  const named_atom* name;
  bool exported;
};

void write_map(sink& to, const keyed_writer& type, void* const* fields);
void write_key_list(sink& to, const keyed_writer& type, void* const* fields);
void write_native_record(sink& to, const keyed_writer& type, void* const* fields);

/// `Nil`: the atom for nothing is nil.
template <class Field, bool Nil> void write_field(sink& to, const void* field) {
  const auto& value = *static_cast<const Field*>(field);
  if constexpr (std::same_as<Field, other_keys>)
    return;
  else if constexpr (Nil && may_be_empty<Field>) {
    if (value)
      encoder<Field>::write(to, value);
    else
      to.atom(atoms::nil);
  } else
    encoder<Field>::write(to, value);
}

template <class Field> bool is_empty_field(const void* field) {
  return !*static_cast<const Field*>(field);
}

template <class Holder> struct holder_encoder;

template <> struct holder_encoder<in_map> {
  static constexpr auto* write = write_map;
  static constexpr const named_atom *module = nullptr, *name = nullptr;
  static constexpr bool is_struct = false, exported = false;
};
template <fixed_text Module> struct holder_encoder<in_elixir_struct<Module>> {
  static constexpr auto* write = write_map;
  static constexpr const named_atom *module = &name_of<Module>, *name = nullptr;
  static constexpr bool is_struct = true, exported = false;
};
template <> struct holder_encoder<in_keyword_list> {
  static constexpr auto* write = write_key_list;
  static constexpr const named_atom *module = nullptr, *name = nullptr;
  static constexpr bool is_struct = false, exported = false;
};
template <> struct holder_encoder<in_proplist> : holder_encoder<in_keyword_list> {};
template <fixed_text Module, fixed_text Name, bool Exported>
struct holder_encoder<in_native_record<Module, Name, Exported>> {
  static constexpr auto* write = write_native_record;
  static constexpr const named_atom *module = &name_of<Module>, *name = &name_of<Name>;
  static constexpr bool is_struct = false, exported = Exported;
};

/// The order in which the fields of a map are written: by key.
template <std::size_t Count> struct key_order {
  std::uint8_t at[Count + 1]{};
  std::size_t count = 0;

  consteval void insert(const std::string_view* keys, std::size_t index) {
    std::size_t place = count++;
    for (; place > 0 && keys[index] < keys[at[place - 1]]; --place)
      at[place] = at[place - 1];
    at[place] = static_cast<std::uint8_t>(index);
  }
};

template <class T, bool IsStruct> consteval auto order_keys(std::size_t rest) {
  std::string_view keys[field_count<T> + 1];
  key_order<field_count<T>> result;
  for (std::size_t i = 0; i < field_count<T>; ++i) {
    keys[i] = atom_name(field_names<T>[i]);
    if (i != rest)
      result.insert(keys, i);
  }
  keys[field_count<T>] = "__struct__";
  if (IsStruct)
    result.insert(keys, field_count<T>);
  return result;
}

template <class T, class Holder, unknown_keys Unknown, missing_keys Missing>
struct shape_encoder<T, keyed_shape<Holder, Unknown, Missing>> : keyed_fields_check<T, Unknown> {
  using holder = holder_encoder<Holder>;

  static void write(sink& to, const T& value) {
    holder::write(to, plan(static_cast<fields_in<T>*>(nullptr)), fields_to_read(value).at);
  }

private:
  static constexpr bool is_list = holder::write == write_key_list;

  template <class Field> static consteval field_writer writer_of() {
    if constexpr (is_list && may_be_empty<Field>)
      return {write_field<Field, false>, is_empty_field<Field>};
    else
      return {write_field<Field, holder::is_struct>, nullptr};
  }
  template <class... Fields> static const keyed_writer& plan(field_list<Fields...>*) {
    static constexpr std::size_t rest = place_of_other_keys<Fields...>;
    static constexpr field_writer writers[] = {writer_of<Fields>()..., {}};
    static constexpr auto order = order_keys<T, holder::is_struct>(rest);
    static constexpr keyed_writer result = [] {
      std::uint32_t flags = 0, bit = 1;
      if constexpr (std::same_as<Holder, in_proplist>)
        ((flags |= std::same_as<Fields, bool> ? bit : 0, bit <<= 1), ...);
      return keyed_writer{keys_of<T>(), writers,        order.at,     order.count,     flags,
                          rest,         holder::module, holder::name, holder::exported};
    }();
    return result;
  }
};

template <class T, auto... Values> struct shape_encoder<T, enum_shape<Values...>> {
  /// A value that is none of the enumerators is a mistake of the program: std::invalid_argument.
  static void write(sink& to, T value) {
    static constexpr T values[] = {Values...};
    for (std::size_t i = 0; i < sizeof...(Values); ++i)
      if (values[i] == value)
        return to.atom(enum_names<Values...>.at[i]);
    refuse_enumerator();
  }
};

template <class T>
concept text_like = std::same_as<T, std::string_view> || std::same_as<T, std::string> ||
                    std::same_as<T, const char*>;
template <class T>
concept identifier = std::same_as<T, pid> || std::same_as<T, port> || std::same_as<T, reference>;

} // namespace detail

template <detail::shaped T> struct encoder<T> : detail::shape_encoder<T, detail::shape_of<T>> {};

template <detail::converted T> struct encoder<T> {
  static void write(sink& to, const T& value) {
    encoder<typename conversion<T>::as>::write(to, conversion<T>::to(value));
  }
};

template <> struct encoder<bool> {
  static void write(sink& to, bool value) { to.boolean(value); }
};
template <> struct encoder<double> {
  static void write(sink& to, double value) { to.floating(value); }
};
template <> struct encoder<atom> {
  static void write(sink& to, atom value) { to.atom(value); }
};
template <> struct encoder<bigint> {
  static void write(sink& to, const bigint& value) { to.integer(value); }
};
template <> struct encoder<std::monostate> {
  static void write(sink& to, std::monostate) { to.atom(atoms::undefined); }
};
template <fixed_text Text> struct encoder<is<Text>> {
  static void write(sink& to, is<Text>) { to.atom(detail::name_of<Text>); }
};
template <detail::integer T> struct encoder<T> {
  static void write(sink& to, T value) {
    if constexpr (std::is_signed_v<T>)
      to.integer(value);
    else
      to.unsigned_integer(value);
  }
};
template <detail::text_like T> struct encoder<T> {
  static void write(sink& to, std::string_view value) { to.text(value); }
};
template <std::size_t Size> struct encoder<char[Size]> {
  static void write(sink& to, const char* value) { to.text(value); }
};
template <class Byte, std::size_t Extent>
  requires std::same_as<const Byte, const std::byte>
struct encoder<std::span<Byte, Extent>> {
  static void write(sink& to, std::span<const std::byte> value) { to.bytes(value); }
};
template <class Allocator> struct encoder<std::vector<std::byte, Allocator>> {
  static void write(sink& to, std::span<const std::byte> value) { to.bytes(value); }
};
template <detail::identifier T> struct encoder<T> {
  static void write(sink& to, const T& value) { to.write(value); }
};
template <std::derived_from<term_ref> T> struct encoder<T> {
  static void write(sink& to, term_ref value) { to.write(value); }
};

template <class T> struct encoder<std::optional<T>> {
  static void write(sink& to, const std::optional<T>& value) {
    if (value)
      encoder<T>::write(to, *value);
    else
      to.atom(atoms::undefined);
  }
};

template <class... Parts> struct encoder<std::tuple<Parts...>> {
  static void write(sink& to, const std::tuple<Parts...>& value) {
    to.begin_tuple(sizeof...(Parts));
    std::apply([&](const Parts&... part) { (detail::write_value(to, part), ...); }, value);
  }
};

template <class First, class Second> struct encoder<std::pair<First, Second>> {
  static void write(sink& to, const std::pair<First, Second>& value) {
    to.begin_tuple(2);
    encoder<First>::write(to, value.first);
    encoder<Second>::write(to, value.second);
  }
};

template <class T, std::size_t Size> struct encoder<std::array<T, Size>> {
  static void write(sink& to, const std::array<T, Size>& value) {
    to.begin_tuple(Size);
    for (const T& part : value)
      encoder<T>::write(to, part);
  }
};

template <class T, class Allocator> struct encoder<std::vector<T, Allocator>> {
  static void write(sink& to, const std::vector<T, Allocator>& value) {
    const std::size_t start = to.begin_list(value.size());
    for (const auto& part : value)
      encoder<T>::write(to, part);
    to.end_list(start, value.size());
  }
};

template <class... Parts> struct encoder<std::variant<Parts...>> {
  static void write(sink& to, const std::variant<Parts...>& value) {
    std::visit([&](const auto& part) { detail::write_value(to, part); }, value);
  }
};

template <class T, class Error> struct encoder<std::expected<T, Error>> {
  static void write(sink& to, const std::expected<T, Error>& value) {
    if (!value) {
      to.begin_tuple(2);
      to.atom(atoms::error);
      encoder<Error>::write(to, value.error());
    } else if constexpr (std::is_void_v<T>) {
      to.atom(atoms::ok);
    } else {
      to.begin_tuple(2);
      to.atom(atoms::ok);
      encoder<T>::write(to, *value);
    }
  }
};

/// Appends the encoded value. Throws std::domain_error for NaN and infinities, which are no terms.
template <class T>
void encode_to(const T& value, std::vector<std::byte>& out, framing frame = framing::external) {
  sink to(out, frame);
  encoder<T>::write(to, value);
}

/// 131 and the encoded value.
template <class T> std::vector<std::byte> encode(const T& value) {
  std::vector<std::byte> out;
  encode_to(value, out);
  return out;
}

/// A value that will be encoded, without its type: for code that is not written again for each
/// type. Borrows the value.
struct encodable {
  const void* value;
  void (*write)(sink& to, const void* value);
};

template <class T> encodable to_encode(const T& value) noexcept {
  return {&value,
          [](sink& to, const void* each) { encoder<T>::write(to, *static_cast<const T*>(each)); }};
}

/// The value as a term. A `term` is returned as it is, its memory shared.
template <class T> term to_term(const T& value) {
  if constexpr (std::same_as<T, term>) {
    return value;
  } else if constexpr (detail::integer<T> || std::same_as<T, atom>) {
    return term(value); // one word
  } else {
    builder tree;
    sink to(tree);
    encoder<T>::write(to, value);
    return tree.finish();
  }
}

} // namespace erl
