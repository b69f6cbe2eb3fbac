/// How a type is read: the primary template, and what aggregates and enums with a shape need.
#pragma once

#include <erl/etf/fields.hpp>
#include <erl/etf/named_atom.hpp>
#include <erl/etf/shape.hpp>
#include <erl/etf/source.hpp>

#include <concepts>
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
///     static bool read(source& from, T& value);
///     static bool fits(source& from);
///     static void describe(std::string& out);
///     static constexpr std::size_t min_size();
///
/// `read`: see erl::source; `value` is as its constructor left it. `fits`: could `read` succeed? A
/// look at the head only. `describe` appends `{add,_,_}`, for errors. `min_size`: the fewest bytes
/// that it takes; 1 is always right.
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

/// Takes one of the atoms; returns its index, or `names.count` after noting an error.
std::size_t read_name(source& from, named_atoms names);

using field_reader = bool (*)(source& from, void* field);

template <class Field> bool read_field(source& from, void* field) {
  if constexpr (std::same_as<Field, other_keys>)
    return false;
  else
    return decoder<Field>::read(from, *static_cast<Field*>(field));
}

/// One a field.
template <class... Fields>
inline constexpr field_reader readers_of[] = {read_field<Fields>..., nullptr};

/// Types with more fields are read by way of a table: code for each field in turn would
/// run a little faster, but a large type costs the compiler too much of it.
inline constexpr std::size_t max_unrolled = 4;

/// All that must be known of a type with many fields to read it from a tuple.
struct tuple_reader {
  std::size_t count;
  /// One a field.
  const field_reader* read;
  /// The names of the fields, as `name_table` has them.
  const char* names;
  const std::size_t* name_ends;
};

/// `tag` is null for a tuple without one.
bool read_tuple(source& from, const named_atom* tag, const tuple_reader& type, void* const* fields);

/// Reads a field, and goes on to the next one if it could.
template <class Field> bool read_next(source& from, void* const*& field) {
  if (!decoder<Field>::read(from, *static_cast<Field*>(*field)))
    return false;
  ++field;
  return true;
}

template <class T, class... Fields>
bool read_tuple_of(source& from, const named_atom* tag, const field_list<Fields...>& field) {
  constexpr std::size_t count = sizeof...(Fields);
  if constexpr (count > max_unrolled) {
    static constexpr tuple_reader type{count, readers_of<Fields...>, field_names<T>.text,
                                       field_names<T>.end};
    return read_tuple(from, tag, type, field.at);
  } else {
    source::scope saved;
    if (tag != nullptr ? !from.enter_tagged(saved, *tag, count) : !from.enter_tuple(saved, count))
      return false;
    void* const* next = field.at;
    if (!(read_next<Fields>(from, next) && ...))
      return from.under(field_names<T>[static_cast<std::size_t>(next - field.at)]);
    return from.leave(saved);
  }
}

template <class... Fields> consteval std::size_t sum_of_min_sizes(field_list<Fields...>*) {
  return (std::size_t{0} + ... + decoder<Fields>::min_size());
}
template <class T> consteval std::size_t fields_min_size() {
  return sum_of_min_sizes(static_cast<fields_in<T>*>(nullptr));
}

/// Does the first element of a tuple of this size fit?
template <class First> bool first_fits(source& from, std::size_t arity) {
  if (!from.is_tuple(arity) || !from.may_probe())
    return from.is_tuple(arity);
  source::probe attempt(from);
  source::scope saved;
  // What is too deep to look into is for `read` to refuse.
  return !from.enter_tuple(saved, arity) || decoder<First>::fits(from);
}
template <class First, class... Rest>
bool first_field_fits(source& from, field_list<First, Rest...>*) {
  return first_fits<First>(from, 1 + sizeof...(Rest));
}
inline bool first_field_fits(source& from, field_list<>*) { return from.is_tuple(0); }

/// What a look at its head tells of a type. It serves to find alternatives that can never be
/// decoded, since one before them takes all that they could.
struct head {
  enum class sort : std::uint8_t {
    any,
    atom,
    tagged,
    map,
    elixir_struct,
    record,
    list,
    binary,
    other
  };
  sort kind = sort::other;
  std::string_view name{}, module{};
  std::size_t arity = 0;

  consteval bool covers(const head& later) const {
    if (kind == sort::any)
      return true;
    if (kind == sort::map && later.kind == sort::elixir_struct)
      return true;
    return kind != sort::other && kind == later.kind && name == later.name &&
           module == later.module && arity == later.arity;
  }
};

/// `decoder<T>` may have a `head()`.
template <class T> consteval head head_of() {
  if constexpr (requires { decoder<T>::head(); })
    return decoder<T>::head();
  else
    return {};
}

template <class... Alternatives> consteval bool has_hidden_alternative() {
  const head heads[] = {head_of<Alternatives>()...};
  for (std::size_t later = 1; later < sizeof...(Alternatives); ++later)
    for (std::size_t i = 0; i < later; ++i)
      if (heads[i].covers(heads[later]))
        return true;
  return false;
}

template <class... Alternatives> struct alternatives_check {
  static_assert(
      !has_hidden_alternative<Alternatives...>(),
      "ambiguous alternatives: an earlier alternative of the variant has the same tag and "
      "arity, or the same kind, as a later one, which is therefore never decoded");
};

template <class T, class Shape> struct shape_decoder : type_with_unknown_shape<T> {
  static bool read(source& from, T& value);
  static bool fits(source& from);
  static void describe(std::string& out);
  static constexpr std::size_t min_size() { return 1; }
};

template <class T, fixed_text Tag>
struct shape_decoder<T, tagged_shape<Tag>> : plain_fields_check<T> {
  static bool read(source& from, T& value) {
    return read_tuple_of<T>(from, &name_of<Tag>, fields_of(value));
  }
  static bool fits(source& from) { return from.is_tagged(name_of<Tag>, field_count<T>); }
  static consteval detail::head head() {
    return {detail::head::sort::tagged, Tag.view(), {}, field_count<T>};
  }
  static void describe(std::string& out) { describe_tagged(out, Tag.view(), field_count<T>); }
  static consteval std::size_t min_size() { return 4 + fields_min_size<T>(); }
};

template <class T> struct shape_decoder<T, plain_tuple_shape> : plain_fields_check<T> {
  static bool read(source& from, T& value) {
    return read_tuple_of<T>(from, nullptr, fields_of(value));
  }
  static bool fits(source& from) {
    return first_field_fits(from, static_cast<fields_in<T>*>(nullptr));
  }
  static void describe(std::string& out) { describe_tuple(out, field_count<T>); }
  static consteval std::size_t min_size() { return 2 + fields_min_size<T>(); }
};

/// All that must be known of a type with a `keyed_shape` to read it. One function reads all types
/// that are held alike, so that a type costs a table and not code of its own.
struct keyed_reader {
  named_atoms keys;
  /// One a field.
  const field_reader* read;
  /// The fields whose keys must be there, as bits.
  std::uint32_t required;
  /// The field that keeps the other keys; `keys.count` if there is none.
  std::size_t rest;
  bool refuse_unknown;
  /// Of an Elixir struct or a native record; else null.
  const named_atom* module;
  /// Of a native record; else null.
  const named_atom* name;
};

bool read_map(source& from, const keyed_reader& type, void* const* fields);
bool read_keyword_list(source& from, const keyed_reader& type, void* const* fields);
bool read_proplist(source& from, const keyed_reader& type, void* const* fields);
bool read_native_record(source& from, const keyed_reader& type, void* const* fields);
void describe_map(std::string& out, const named_atom* module);
void describe_native_record(std::string& out, const named_atom& module, const named_atom& name);

template <class Holder> struct holder_decoder;

template <> struct holder_decoder<in_map> {
  static constexpr auto* read = read_map;
  static constexpr const named_atom *module = nullptr, *name = nullptr;
  static constexpr std::size_t min_size = 5;
  static constexpr detail::head head{detail::head::sort::map};
  static bool fits(source& from) { return from.is(kinds(term_kind::map)); }
  static void describe(std::string& out) { describe_map(out, nullptr); }
};
template <fixed_text Module> struct holder_decoder<in_elixir_struct<Module>> {
  static constexpr auto* read = read_map;
  static constexpr const named_atom *module = &name_of<Module>, *name = nullptr;
  static constexpr std::size_t min_size = 5;
  static constexpr detail::head head{detail::head::sort::elixir_struct, Module.view()};
  static bool fits(source& from) { return from.is_struct(*module); }
  static void describe(std::string& out) { describe_map(out, module); }
};
template <> struct holder_decoder<in_keyword_list> {
  static constexpr auto* read = read_keyword_list;
  static constexpr const named_atom *module = nullptr, *name = nullptr;
  static constexpr std::size_t min_size = 1;
  static constexpr detail::head head{detail::head::sort::list};
  static bool fits(source& from) { return from.is(kinds(term_kind::nil, term_kind::list)); }
  static void describe(std::string& out) { out += "keyword list"; }
};
template <> struct holder_decoder<in_proplist> : holder_decoder<in_keyword_list> {
  static constexpr auto* read = read_proplist;
  static void describe(std::string& out) { out += "property list"; }
};
template <fixed_text Module, fixed_text Name, bool Exported>
struct holder_decoder<in_native_record<Module, Name, Exported>> {
  static constexpr auto* read = read_native_record;
  static constexpr const named_atom *module = &name_of<Module>, *name = &name_of<Name>;
  static constexpr std::size_t min_size = 10;
  static constexpr detail::head head{detail::head::sort::record, Name.view(), Module.view()};
  static bool fits(source& from) { return from.is_record(*module, *name); }
  static void describe(std::string& out) { describe_native_record(out, *module, *name); }
};

template <class T, class Holder, unknown_keys Unknown, missing_keys Missing>
struct shape_decoder<T, keyed_shape<Holder, Unknown, Missing>> : keyed_fields_check<T, Unknown> {
  using holder = holder_decoder<Holder>;

  static bool read(source& from, T& value) {
    return holder::read(from, plan(static_cast<fields_in<T>*>(nullptr)), fields_of(value).at);
  }
  static bool fits(source& from) { return holder::fits(from); }
  static consteval detail::head head() { return holder::head; }
  static void describe(std::string& out) { holder::describe(out); }
  static consteval std::size_t min_size() { return holder::min_size; }

private:
  template <class Field> static consteval bool may_miss() {
    return Missing == missing_keys::defaulted || may_be_empty<Field> ||
           std::same_as<Field, other_keys> ||
           (std::same_as<Holder, in_proplist> && std::same_as<Field, bool>);
  }
  template <class... Fields> static const keyed_reader& plan(field_list<Fields...>*) {
    static constexpr keyed_reader result = [] {
      std::uint32_t required = 0, bit = 1;
      ((required |= may_miss<Fields>() ? 0 : bit, bit <<= 1), ...);
      return keyed_reader{keys_of<T>(),
                          readers_of<Fields...>,
                          required,
                          place_of_other_keys<Fields...>,
                          Unknown == unknown_keys::refused,
                          holder::module,
                          holder::name};
    }();
    return result;
  }
};

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
  static consteval detail::head head() { return detail::head_of<wire>(); }
  static void describe(std::string& out) { decoder<wire>::describe(out); }
  static constexpr std::size_t min_size() { return decoder<wire>::min_size(); }
};

} // namespace erl
