/// A type inside itself.
#pragma once

#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

#include <utility>

namespace erl {

/// One `T` on the heap, for types that contain themselves:
///
///     struct node { int value = 0; std::optional<erl::boxed<node>> next; };
///
/// A value like any other: copied with what it holds, compared by it, never empty (but after it was
/// moved from, when it may only be assigned to or destroyed). Travels as the `T`.
///
/// Decoding ends with `etf_errc::too_deep` at `source::max_depth` levels of tuples, lists and maps.
/// What a program nests itself is copied, encoded and destroyed by recursion.
template <class T> class boxed {
public:
  boxed() : value_(new T()) {}
  boxed(T value) : value_(new T(std::move(value))) {}
  boxed(const boxed& other) : value_(new T(*other)) {}
  boxed(boxed&& other) noexcept : value_(std::exchange(other.value_, nullptr)) {}
  boxed& operator=(boxed other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~boxed() { delete value_; }

  T& operator*() noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }
  T* operator->() noexcept { return value_; }
  const T* operator->() const noexcept { return value_; }

  bool operator==(const boxed& other) const { return *value_ == *other.value_; }

private:
  T* value_;
};

template <class T> struct decoder<boxed<T>> {
  static bool read(source& from, boxed<T>& value) { return decoder<T>::read(from, *value); }
  static bool fits(source& from) { return decoder<T>::fits(from); }
  static consteval detail::head head() { return detail::head_of<T>(); }
  static void describe(std::string& out) { decoder<T>::describe(out); }
  /// Not that of `T`, which may depend on this one.
  static constexpr std::size_t min_size() { return 1; }
};

template <class T> struct encoder<boxed<T>> {
  static void write(sink& to, const boxed<T>& value) { encoder<T>::write(to, *value); }
};

} // namespace erl
