/// Typed pointers: a std::unique_ptr is a value or nothing, like a std::optional.
#pragma once

#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

#include <memory>

namespace erl {

template <class T> inline constexpr bool detail::may_be_empty<std::unique_ptr<T>> = true;

/// Null is `undefined` (`nil` as a direct field of an Elixir struct); decoding takes both. Types
/// may contain themselves this way: see erl::boxed for what limits their depth.
template <class T> struct decoder<std::unique_ptr<T>> {
  static bool read(source& from, std::unique_ptr<T>& value) {
    if (from.take_absent()) {
      value.reset();
      return true;
    }
    value = std::make_unique<T>();
    return decoder<T>::read(from, *value);
  }
  static bool fits(source& from) { return from.is_absent() || decoder<T>::fits(from); }
  static void describe(std::string& out) {
    decoder<T>::describe(out);
    out += " or undefined";
  }
  static constexpr std::size_t min_size() { return 1; }
};

template <class T> struct encoder<std::unique_ptr<T>> {
  static void write(sink& to, const std::unique_ptr<T>& value) {
    if (value)
      encoder<T>::write(to, *value);
    else
      to.atom(atoms::undefined);
  }
};

} // namespace erl
