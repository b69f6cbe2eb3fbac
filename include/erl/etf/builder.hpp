/// Builds a term in place: no intermediate copies, one block of memory.
#pragma once

#include <erl/etf/detail/arena.hpp>
#include <erl/etf/detail/small_stack.hpp>
#include <erl/etf/term.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace erl {

/// Builds one term in preorder: `begin_tuple(2)`, then its two elements, each a value or a
/// container of its own. A container closes by itself when its announced elements are there. Every
/// call that adds a value when the term is complete, and `finish()` before it is, is a programming
/// error and throws std::logic_error. Nothing recurses.
///
///     builder b;
///     b.begin_tuple(2);
///     b.add(atoms::ok);
///     b.begin_list(2); b.add(1); b.add(2);
///     term t = b.finish();                 // {ok,[1,2]}
class builder {
public:
  builder() noexcept;
  ~builder();
  builder(const builder&) = delete;
  builder& operator=(const builder&) = delete;

  void add(atom value) { put(detail::atom_word(value.index())); }
  template <std::same_as<bool> Bool> void add(Bool value) {
    add(value ? atoms::true_ : atoms::false_);
  }
  template <term_integer Integer> void add(Integer value) {
    if constexpr (std::is_signed_v<Integer>)
      add_integer(static_cast<std::int64_t>(value));
    else
      add_unsigned(static_cast<std::uint64_t>(value));
  }
  /// Throws std::domain_error for NaN and infinities.
  void add(double value);
  void add(const bigint& value);
  void add(const pid& value);
  void add(const port& value);
  void add(const reference& value);
  void add(const external_fun& value);
  void add(const closure_info& value);
  /// A deep copy; large binaries are shared.
  void add(term_ref value);
  /// As `add(term_ref)`.
  void add(const term& value) { add(static_cast<term_ref>(value)); }

  void nil() { put(detail::nil_word); }
  /// Binaries, copied.
  void binary(std::span<const std::byte> bytes);
  void text(std::string_view text);
  /// A binary that shares `part` of `owner`.
  void binary(const shared_bytes& owner, std::span<const std::byte> part);
  /// The first `bits` bits of `bytes`.
  void bit_string(std::span<const std::byte> bytes, std::size_t bits);

  /// `elements` values follow.
  void begin_tuple(std::size_t elements);
  /// A proper list; `elements` values follow.
  void begin_list(std::size_t elements);
  /// `elements` values and then the tail follow; without elements the tail is the value.
  void begin_list_with_tail(std::size_t elements);
  /// `pairs` times a key and a value follow, in any order. Of equal keys the last one stays.
  void begin_map(std::size_t pairs);
  /// A native record; as many values follow as there are fields.
  void begin_record(atom module, atom name, bool exported, std::span<const atom> fields);

  /// The term. The builder is then empty and may be used again.
  term finish();

private:
  enum class closing : std::uint8_t { nothing, tail, map };
  /// A container that is being filled: its next free word, and how many of its values are missing.
  struct frame {
    detail::word* next;
    std::size_t left;
    closing closes;
    detail::word* map;
  };

  void put(detail::word value) {
    if (top_.left == 0)
      refuse();
    *top_.next++ = value;
    if (--top_.left == 0)
      close();
  }
  /// As `put`, for a container that is filled next.
  void put_open(detail::word value) {
    if (top_.left == 0)
      refuse();
    *top_.next++ = value;
    --top_.left;
  }
  void open(detail::word* first, std::size_t count, closing closes, detail::word* map);
  void close();
  void add_unsigned(std::uint64_t value);
  void add_large(std::int64_t value);
  void add_integer(std::int64_t value) {
    if (detail::fits_small(value))
      put(detail::small_word(value));
    else
      add_large(value);
  }
  [[noreturn]] static void refuse();

  detail::arena memory_;
  detail::word root_ = detail::nil_word;
  frame top_{&root_, 1, closing::nothing, nullptr};
  detail::small_stack<frame, 4> stack_;
};

namespace detail {

template <class T> void add_part(builder& into, const T& value) {
  if constexpr (std::convertible_to<const T&, std::string_view>)
    into.text(value);
  else
    into.add(value);
}

} // namespace detail

/// `{A, B, ...}` of anything that a builder takes; text becomes a binary: `tuple_of(atoms::ok, 42,
/// "text", pid)`.
template <class... Parts> term tuple_of(const Parts&... parts) {
  builder b;
  b.begin_tuple(sizeof...(parts));
  (detail::add_part(b, parts), ...);
  return b.finish();
}

/// `[A, B, ...]`, likewise.
template <class... Parts> term list_of(const Parts&... parts) {
  builder b;
  b.begin_list(sizeof...(parts));
  (detail::add_part(b, parts), ...);
  return b.finish();
}

} // namespace erl
