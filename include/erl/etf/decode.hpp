/// Typed decoding: `erl::decode<T>(bytes)` and `erl::decode<T>(term)`.
///
/// | C++ | Erlang |
/// |---|---|
/// | integer types, erl::bigint | integer, checked for range |
/// | double | float, or an integer of 64 bits that a double represents exactly |
/// | bool; atom; erl::is<"reset"> | true, false; any atom; this atom |
/// | std::string, std::vector<std::byte> | binary |
/// | std::string_view, std::span<const std::byte> | binary, borrowed from the input |
/// | pid, port, reference, term | itself |
/// | std::tuple, std::pair, std::array | tuple |
/// | std::vector | proper list, also one that came as STRING_EXT |
/// | std::optional, std::monostate | undefined or nil: nothing; else the value |
/// | std::variant | the first alternative that has the term's kind, arity and first element |
/// | std::expected<T, E> | {ok, T} or {error, E}; ok where T is void |
/// | aggregates and enums | as their `erl::shape` says |
/// | anything else | as `erl::conversion` says |
///
/// In headers of their own, as not everybody needs them: maps (std_map.hpp), std::unique_ptr
/// (std_memory.hpp), types inside themselves (boxed.hpp), durations and time-outs
/// (std_duration.hpp), Erlang's strings (charlist.hpp), list cells (cons.hpp), funs and bit strings
/// (fun.hpp), unknown keys (other_keys.hpp).
///
/// Targets are default-constructed and then filled. Nothing is allocated but what the target itself
/// allocates, and the description of an error.
#pragma once

#include <erl/etf/decoder.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <new>
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

namespace detail {

template <class T, class... Types>
inline constexpr bool is_one_of = (std::is_same_v<T, Types> || ...);

/// What `source::read` reads. (To ask whether it compiles would cost a hundred times as much.)
template <class T>
concept readable =
    is_one_of<T, bool, double, atom, pid, port, reference, bigint, term, term_ref, std::string,
              std::vector<std::byte>, std::string_view, std::span<const std::byte>>;

/// The name of what `source::read` reads, for errors.
template <class T> consteval std::string_view name_of_scalar() {
  if constexpr (std::same_as<T, bool>)
    return "boolean";
  else if constexpr (std::same_as<T, double>)
    return "float";
  else if constexpr (std::same_as<T, atom>)
    return "atom";
  else if constexpr (std::same_as<T, pid>)
    return "pid";
  else if constexpr (std::same_as<T, port>)
    return "port";
  else if constexpr (std::same_as<T, reference>)
    return "reference";
  else if constexpr (std::same_as<T, bigint>)
    return "integer";
  else if constexpr (std::derived_from<T, term_ref>)
    return "term";
  else
    return "binary";
}

/// Fails with all alternatives of a variant, which `describe` appends.
bool fail_variant(source& from, void (*describe)(std::string&));

/// `{ok, _}`: 0, `{error, _}`: 1, and the source stands before the second element; else an error is
/// noted and the result is 2. With `bare`, the atom ok alone is 0 as well, and is taken.
unsigned enter_result(source& from, source::scope& saved, bool bare);
bool fits_result(source& from, bool bare);

template <class... Parts> bool read_parts(source& from, Parts&... part) {
  [[maybe_unused]] std::size_t index = 0;
  return ((decoder<Parts>::read(from, part) ? (++index, true) : from.under(index)) && ...);
}

/// What a source reads itself.
template <class T> struct scalar_decoder {
  static bool read(source& from, T& value) {
    if constexpr (std::same_as<T, std::string_view>)
      return from.read_text(value);
    else if constexpr (std::same_as<T, std::span<const std::byte>>)
      return from.read_bytes(value);
    else
      return from.read(value);
  }
  static bool fits(source& from) {
    if constexpr (std::same_as<T, atom>)
      return from.is(kinds(term_kind::atom));
    else if constexpr (std::same_as<T, pid>)
      return from.is(kinds(term_kind::pid));
    else if constexpr (std::same_as<T, port>)
      return from.is(kinds(term_kind::port));
    else if constexpr (std::same_as<T, reference>)
      return from.is(kinds(term_kind::reference));
    else if constexpr (std::same_as<T, bigint>)
      return from.is(kinds(term_kind::integer, term_kind::big_integer));
    else if constexpr (std::derived_from<T, term_ref>)
      return true;
    else if constexpr (std::same_as<T, bool> || std::same_as<T, double>) {
      source::probe attempt(from);
      T value{};
      return from.read(value);
    } else
      return from.is_binary();
  }
  static consteval detail::head head() {
    if constexpr (std::derived_from<T, term_ref>)
      return {detail::head::sort::any};
    else if constexpr (is_one_of<T, std::string, std::string_view, std::vector<std::byte>,
                                 std::span<const std::byte>>)
      return {detail::head::sort::binary};
    else
      return {};
  }
  static void describe(std::string& out) { out += detail::name_of_scalar<T>(); }
  static consteval std::size_t min_size() {
    if constexpr (std::same_as<T, pid> || std::same_as<T, port> || std::same_as<T, reference>)
      return 8;
    else
      return std::derived_from<T, term_ref> ? 1 : 2;
  }
};

/// A tuple that begins with one atom is as an aggregate with that tag.
template <class First, class... Rest> consteval head head_of_tuple() {
  const head first = head_of<First>();
  if (first.kind != head::sort::atom)
    return {};
  return {head::sort::tagged, first.name, {}, sizeof...(Rest)};
}
template <class... None>
  requires(sizeof...(None) == 0)
consteval head head_of_tuple() {
  return {};
}

} // namespace detail

template <detail::readable T> struct decoder<T> : detail::scalar_decoder<T> {};

template <detail::integer T> struct decoder<T> {
  static bool read(source& from, T& value) {
    using bounds = std::numeric_limits<T>;
    if constexpr (std::is_signed_v<T>) {
      std::int64_t wide = 0;
      if (!from.read_signed(wide, bounds::min(), bounds::max()))
        return false;
      value = static_cast<T>(wide);
    } else {
      std::uint64_t wide = 0;
      if (!from.read_unsigned(wide, bounds::max()))
        return false;
      value = static_cast<T>(wide);
    }
    return true;
  }
  static bool fits(source& from) {
    source::probe attempt(from);
    T value{};
    return read(from, value);
  }
  static void describe(std::string& out) { out += "integer"; }
  static consteval std::size_t min_size() { return 2; }
};

template <fixed_text Text> struct decoder<is<Text>> {
  static bool read(source& from, is<Text>&) { return from.read_exactly(detail::name_of<Text>); }
  static bool fits(source& from) { return from.is_atom(detail::name_of<Text>); }
  static consteval detail::head head() { return {detail::head::sort::atom, Text.view()}; }
  static void describe(std::string& out) {
    detail::describe_names(out, {&detail::name_of<Text>, 1});
  }
  static consteval std::size_t min_size() { return 2; }
};

template <> struct decoder<std::monostate> {
  static bool read(source& from, std::monostate&) {
    return from.take_absent() || from.fail(etf_errc::wrong_value, "undefined or nil");
  }
  static bool fits(source& from) { return from.is_absent(); }
  static void describe(std::string& out) { out += "undefined"; }
  static consteval std::size_t min_size() { return 2; }
};

template <class T> struct decoder<std::optional<T>> {
  static bool read(source& from, std::optional<T>& value) {
    if (!from.take_absent())
      return decoder<T>::read(from, value.emplace());
    value.reset();
    return true;
  }
  static bool fits(source& from) { return from.is_absent() || decoder<T>::fits(from); }
  static void describe(std::string& out) {
    decoder<T>::describe(out);
    out += " or undefined";
  }
  static constexpr std::size_t min_size() { return 1; }
};

template <class... Parts> struct decoder<std::tuple<Parts...>> {
  static bool read(source& from, std::tuple<Parts...>& value) {
    source::scope saved;
    return from.enter_tuple(saved, sizeof...(Parts)) &&
           std::apply([&](Parts&... part) { return detail::read_parts(from, part...); }, value) &&
           from.leave(saved);
  }
  static bool fits(source& from) {
    if constexpr (sizeof...(Parts) == 0)
      return from.is_tuple(0);
    else
      return detail::first_fits<std::tuple_element_t<0, std::tuple<Parts...>>>(from,
                                                                               sizeof...(Parts));
  }
  static consteval detail::head head() { return detail::head_of_tuple<Parts...>(); }
  static void describe(std::string& out) { detail::describe_tuple(out, sizeof...(Parts)); }
  static constexpr std::size_t min_size() {
    return (std::size_t{2} + ... + decoder<Parts>::min_size());
  }
};

template <class First, class Second> struct decoder<std::pair<First, Second>> {
  static bool read(source& from, std::pair<First, Second>& value) {
    source::scope saved;
    return from.enter_tuple(saved, 2) && detail::read_parts(from, value.first, value.second) &&
           from.leave(saved);
  }
  static bool fits(source& from) { return detail::first_fits<First>(from, 2); }
  static consteval detail::head head() { return detail::head_of_tuple<First, Second>(); }
  static void describe(std::string& out) { detail::describe_tuple(out, 2); }
  static constexpr std::size_t min_size() {
    return 2 + decoder<First>::min_size() + decoder<Second>::min_size();
  }
};

template <class T, std::size_t Size> struct decoder<std::array<T, Size>> {
  static bool read(source& from, std::array<T, Size>& value) {
    source::scope saved;
    if (!from.enter_tuple(saved, Size))
      return false;
    for (std::size_t i = 0; i < Size; ++i)
      if (!decoder<T>::read(from, value[i]))
        return from.under(i);
    return from.leave(saved);
  }
  static bool fits(source& from) {
    if constexpr (Size == 0)
      return from.is_tuple(0);
    else
      return detail::first_fits<T>(from, Size);
  }
  static void describe(std::string& out) { detail::describe_tuple(out, Size); }
  static constexpr std::size_t min_size() { return 2 + Size * decoder<T>::min_size(); }
};

template <class T, class Allocator>
  requires(!std::same_as<T, std::byte>)
struct decoder<std::vector<T, Allocator>> {
  static bool read(source& from, std::vector<T, Allocator>& value) {
    source::scope saved;
    if (!from.enter_list(saved, decoder<T>::min_size()))
      return false;
    value.clear();
    // Grown by resize alone: each way to grow a vector costs every user's compiler its time.
    for (std::size_t index = 0; from.more(saved); ++index) {
      if (index == value.size())
        value.resize(index + 1 + saved.left());
      if constexpr (std::same_as<T, bool>) {
        bool part = false;
        if (!from.read(part))
          return from.under(index);
        value[index] = part;
      } else if (!decoder<T>::read(from, value[index])) {
        return from.under(index);
      }
    }
    return from.leave(saved);
  }
  static bool fits(source& from) { return from.is(kinds(term_kind::nil, term_kind::list)); }
  static consteval detail::head head() { return {detail::head::sort::list}; }
  static void describe(std::string& out) { out += "list"; }
  static constexpr std::size_t min_size() { return 1; }
};

template <class... Parts> struct decoder<std::variant<Parts...>> {
  using variant = std::variant<Parts...>;

  static bool read(source& from, variant& value) {
    [[maybe_unused]] detail::alternatives_check<Parts...> unambiguous;
    return read_from<0>(from, value);
  }
  static bool fits(source& from) { return (decoder<Parts>::fits(from) || ...); }
  static void describe(std::string& out) {
    bool first = true;
    ((out += first ? "" : " or ", first = false, decoder<Parts>::describe(out)), ...);
  }
  static constexpr std::size_t min_size() { return 1; }

private:
  template <std::size_t Index> static bool read_from(source& from, variant& value) {
    if constexpr (Index == sizeof...(Parts)) {
      return detail::fail_variant(from, describe);
    } else {
      using part = decoder<std::variant_alternative_t<Index, variant>>;
      return part::fits(from) ? part::read(from, value.template emplace<Index>())
                              : read_from<Index + 1>(from, value);
    }
  }
};

template <class T, class Error> struct decoder<std::expected<T, Error>> {
  static bool read(source& from, std::expected<T, Error>& value) {
    source::scope saved;
    const unsigned which = detail::enter_result(from, saved, std::is_void_v<T>);
    if (which == 0) {
      if constexpr (std::is_void_v<T>) {
        value.emplace();
        return true;
      } else {
        return (decoder<T>::read(from, value.emplace()) || from.under(1)) && from.leave(saved);
      }
    }
    if (which == 1) {
      value = std::unexpected(Error{});
      return (decoder<Error>::read(from, value.error()) || from.under(1)) && from.leave(saved);
    }
    return false;
  }
  static bool fits(source& from) { return detail::fits_result(from, std::is_void_v<T>); }
  static void describe(std::string& out) {
    out += std::is_void_v<T> ? "ok or {error,_}" : "{ok,_} or {error,_}";
  }
  static constexpr std::size_t min_size() { return 2; }
};

namespace detail {

/// Becomes the error in its place. (Anything that moves an error costs the compiler of every
/// `decode<T>` more than all the rest of it.)
struct error_in {
  source& from;
  operator decode_error() const { return from.take_error(); }
};

/// The error takes the place of the value that could not be read. (To return it beside the value,
/// or to assign it, would instantiate twice as much of std::expected; and its destructor would ask
/// again what is known here.)
template <class Value> void set_error(std::expected<Value, decode_error>& result, source& from) {
  result->~Value();
  ::new (static_cast<void*>(&result))
      std::expected<Value, decode_error>(std::unexpect, error_in{from});
}

/// An integer of mostly one word, at once.
template <class T> bool read_small([[maybe_unused]] term_ref from, [[maybe_unused]] T& value) {
  if constexpr (integer<T>)
    if (const auto small = from.to_int64(); small && std::in_range<T>(*small)) {
      value = static_cast<T>(*small);
      return true;
    }
  return false;
}

template <class T> std::expected<T, decode_error> decode_from(source& from) {
  std::expected<T, decode_error> result;
  if (from.failed() || !decoder<T>::read(from, *result))
    set_error(result, from);
  return result;
}

} // namespace detail

/// A `T` from 131 and a term. Bytes after the term are ignored. Borrowing targets are valid as long
/// as the bytes are. Safe on hostile input: it never throws (memory exhaustion apart), and
/// allocates in proportion to the bytes.
template <class T> std::expected<T, decode_error> decode(std::span<const std::byte> external) {
  static_assert(!std::same_as<T, term_ref>,
                "a term_ref borrows from a term, and bytes are none: decode an erl::term");
  source from(external);
  return detail::decode_from<T>(from);
}

/// The same with limits, without the version byte, or with an atom cache.
template <class T>
std::expected<T, decode_error> decode(std::span<const std::byte> bytes,
                                      const decode_options& options) {
  source from(bytes, options);
  return detail::decode_from<T>(from);
}

/// A `T` from a term. Borrowing targets are valid as long as the term's owner lives; parts that
/// become an `erl::term` are copied.
template <class T> std::expected<T, decode_error> decode(term_ref value) {
  std::expected<T, decode_error> result;
  if (detail::read_small(value, *result))
    return result;
  source from(value);
  if (!decoder<T>::read(from, *result))
    detail::set_error(result, from);
  return result;
}

/// The same; parts that become an `erl::term` share the memory of `value`.
template <class T> std::expected<T, decode_error> decode(const term& value) {
  source from(value);
  return detail::decode_from<T>(from);
}

/// A value and how many bytes it took.
template <class T> struct decoded_as {
  T value;
  std::size_t consumed = 0;
};

/// A `T` from the first term of `bytes`, for frames with several.
template <class T>
std::expected<decoded_as<T>, decode_error> decode_prefix(std::span<const std::byte> bytes,
                                                         const decode_options& options = {}) {
  source from(bytes, options);
  std::expected<decoded_as<T>, decode_error> result;
  if (from.failed() || !decoder<T>::read(from, result->value))
    detail::set_error(result, from);
  else
    result->consumed = from.consumed();
  return result;
}

/// As `decode`, without the reason for a failure, which makes failures cheap; of `part` of a term.
template <class T> std::optional<T> try_decode(const term& owner, term_ref part) {
  T result{};
  if (detail::read_small(part, result))
    return result;
  source from(owner, part);
  from.quiet();
  if (!decoder<T>::read(from, result))
    return std::nullopt;
  return result;
}

/// The same of a whole term.
template <class T> std::optional<T> try_decode(const term& value) {
  return try_decode<T>(value, value);
}

/// Would `decode<T>` succeed?
template <class T> bool matches(term_ref value) {
  source from(value);
  from.quiet();
  T result{};
  return decoder<T>::read(from, result);
}

/// Has the term the kind, arity and first element of a `T`? A look at its head, to choose among
/// several types.
template <class T> bool fits(term_ref value) {
  source from(value);
  return decoder<T>::fits(from);
}

} // namespace erl
