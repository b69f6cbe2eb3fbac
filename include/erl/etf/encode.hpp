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

template <class T, class Shape> struct shape_encoder;

template <class T> void write_fields(sink& to, const T& value) {
  with_fields(value, [&](const auto&... field) { (write_value(to, field), ...); });
}

template <class T, fixed_text Tag> struct shape_encoder<T, tagged_shape<Tag>> : fields_check<T> {
  static void write(sink& to, const T& value) {
    to.begin_tuple(field_count<T> + 1);
    to.atom(name_of<Tag>);
    write_fields(to, value);
  }
};

template <class T> struct shape_encoder<T, plain_tuple_shape> : fields_check<T> {
  static void write(sink& to, const T& value) {
    to.begin_tuple(field_count<T>);
    write_fields(to, value);
  }
};

inline constexpr std::string_view struct_key = "__struct__";

/// The order in which the fields of a map are written: by key. The index after the last field
/// stands for `__struct__`.
template <class T, bool IsStruct> consteval auto key_order() {
  constexpr std::size_t count = field_count<T> + (IsStruct ? 1 : 0);
  std::array<std::size_t, count> order{};
  const auto key = [](std::size_t index) {
    return index < field_count<T> ? atom_name(field_names<T>[index]) : struct_key;
  };
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = i;
    for (; at > 0 && key(i) < key(order[at - 1]); --at)
      order[at] = order[at - 1];
    order[at] = i;
  }
  return order;
}

template <class T> void write_or_nil(sink& to, const T& value) { write_value(to, value); }
template <class T> void write_or_nil(sink& to, const std::optional<T>& value) {
  if (value)
    write_value(to, *value);
  else
    to.atom(atoms::nil);
}

template <class T, fixed_text... Module> struct map_encoder : fields_check<T> {
  static constexpr auto order = key_order<T, sizeof...(Module) != 0>();

  static void write(sink& to, const T& value) {
    const std::size_t start = to.begin_map(order.size());
    with_fields(value, [&](const auto&... field) {
      for (const std::size_t key : order) {
        if constexpr (sizeof...(Module) != 0)
          if (key == field_count<T>) {
            to.atom(name_of<"__struct__">);
            to.atom(name_of<Module...>);
            continue;
          }
        [[maybe_unused]] std::size_t index = 0;
        ((index++ == key ? write_pair(to, key, field) : void()), ...);
      }
    });
    to.end_map(start, order.size(), true);
  }

private:
  template <class Field> static void write_pair(sink& to, std::size_t key, const Field& field) {
    to.atom(field_keys<T>[key]);
    if constexpr (sizeof...(Module) != 0)
      write_or_nil(to, field);
    else
      write_value(to, field);
  }
};

template <class T> struct shape_encoder<T, map_shape_type> : map_encoder<T> {};
template <class T, fixed_text Module>
struct shape_encoder<T, elixir_struct_shape<Module>> : map_encoder<T, Module> {};

template <class T, auto... Values> struct shape_encoder<T, enum_shape<Values...>> {
  /// A value that is none of the enumerators is a mistake of the program: std::invalid_argument.
  static void write(sink& to, T value) {
    static constexpr T values[] = {Values...};
    for (std::size_t i = 0; i < sizeof...(Values); ++i)
      if (values[i] == value)
        return to.atom(enum_names<Values...>[i]);
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

/// The value as a term. A `term` is returned as it is, its memory shared.
template <class T> term to_term(const T& value) {
  if constexpr (std::same_as<T, term>) {
    return value;
  } else {
    builder tree;
    sink to(tree);
    encoder<T>::write(to, value);
    return tree.finish();
  }
}

} // namespace erl
