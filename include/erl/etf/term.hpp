/// Terms: any Erlang value, owned (`term`) or looked at (`term_ref`).
#pragma once

#include <erl/etf/atom.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/bigint.hpp>
#include <erl/etf/detail/layout.hpp>
#include <erl/etf/pid.hpp>
#include <erl/etf/shared_bytes.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace erl {

/// What a term is, in Erlang's order of types (integers and floats are one type there).
enum class term_kind : std::uint8_t {
  /// An integer that fits std::int64_t.
  integer,
  /// An integer that does not.
  big_integer,
  floating,
  atom,
  reference,
  /// An external fun (`fun m:f/1`) or a closure.
  fun,
  port,
  pid,
  tuple,
  /// A native record (OTP 29).
  record,
  map,
  /// The empty list.
  nil,
  /// A list of at least one element, proper or not.
  list,
  /// A binary, or a bit string whose size is no whole number of bytes.
  bitstring,
};

class list_range;
struct external_fun;
struct closure_info;
struct record_info;

/// A term that somebody else owns: eight bytes, copied freely, valid as long as the owner lives.
/// All reading of terms is here. Nothing here allocates but `to_bigint`.
class term_ref {
public:
  /// `[]`.
  constexpr term_ref() noexcept = default;
  /// An atom needs no owner.
  constexpr term_ref(atom value) noexcept : word_(detail::atom_word(value.index())) {}

  term_kind kind() const noexcept;

  /// Any integer, of any size.
  bool is_integer() const noexcept;
  bool is_float() const noexcept { return tag() == detail::tag::floating; }
  bool is_number() const noexcept { return is_integer() || is_float(); }
  constexpr bool is_atom() const noexcept { return detail::is_atom_word(word_); }
  bool is_tuple() const noexcept { return tag() == detail::tag::tuple; }
  bool is_tuple(std::size_t size) const noexcept { return is_tuple() && arity() == size; }
  /// `{name, ...}` with `size` elements, the name included.
  bool is_tuple(erl::atom name, std::size_t size) const noexcept {
    return is_tuple(size) && size > 0 && element(0).is(name);
  }
  /// A list, `[]` included, proper or not.
  bool is_list() const noexcept { return is_nil() || is_cons(); }
  /// A list of at least one element.
  bool is_cons() const noexcept { return tag() == detail::tag::list; }
  constexpr bool is_nil() const noexcept { return word_ == detail::nil_word; }
  bool is_map() const noexcept { return is_box(detail::box_kind::map); }
  /// A bit string of whole bytes.
  bool is_binary() const noexcept;
  bool is_bitstring() const noexcept;
  bool is_pid() const noexcept { return is_box(detail::box_kind::pid); }
  bool is_port() const noexcept { return is_box(detail::box_kind::port); }
  bool is_reference() const noexcept { return is_box(detail::box_kind::reference); }
  bool is_fun() const noexcept;
  bool is_record() const noexcept { return is_box(detail::box_kind::record); }

  /// This very atom?
  constexpr bool is(erl::atom value) const noexcept {
    return word_ == detail::atom_word(value.index());
  }

  /// The value as C++ has it, or nothing when the term is of another kind or does not fit.
  std::optional<std::int64_t> to_int64() const noexcept;
  std::optional<std::uint64_t> to_uint64() const noexcept;
  std::optional<bigint> to_bigint() const;
  /// Of a float only; integers are not converted.
  std::optional<double> to_double() const noexcept;
  std::optional<erl::atom> to_atom() const noexcept;
  /// Of the atoms true and false.
  std::optional<bool> to_bool() const noexcept;
  std::optional<erl::pid> to_pid() const noexcept;
  std::optional<erl::port> to_port() const noexcept;
  std::optional<erl::reference> to_reference() const noexcept;
  /// The bytes of a binary; lives as long as the owner.
  std::optional<std::span<const std::byte>> to_binary() const noexcept;
  /// The bytes of a binary as characters, whatever they are.
  std::optional<std::string_view> to_text() const noexcept;
  /// The bytes of any bit string (unused low bits of the last one are 0) and its size in bits.
  struct bits {
    std::span<const std::byte> bytes;
    std::size_t size;
  };
  std::optional<bits> to_bits() const noexcept;
  std::optional<external_fun> to_external_fun() const noexcept;
  std::optional<closure_info> to_closure() const noexcept;
  std::optional<record_info> to_record() const noexcept;

  /// Elements of a tuple; 0 for anything else.
  std::size_t arity() const noexcept {
    return is_tuple() ? static_cast<std::size_t>(*detail::address(word_)) : 0;
  }
  /// An element of a tuple, counted from 0 and below `arity()`.
  term_ref element(std::size_t index) const noexcept {
    return term_ref(detail::address(word_)[index + 1]);
  }
  /// All elements of a tuple; empty for anything else.
  std::span<const term_ref> elements() const noexcept;

  /// The first element of a list that `is_cons()`.
  term_ref head() const noexcept { return term_ref(*detail::address(word_)); }
  /// What follows the first element of a list that `is_cons()`.
  term_ref tail() const noexcept;
  /// The elements of a list, for range-for; empty for anything but a list. The tail of an improper
  /// list is not among them: see `list_tail`.
  list_range items() const noexcept;
  /// What a list ends with: `[]` when it is proper. Takes time proportional to the length.
  term_ref list_tail() const noexcept;
  /// The length of a proper list (0 for `[]`); nothing for anything else. Takes time proportional
  /// to the length.
  std::optional<std::size_t> list_length() const noexcept;

  /// Pairs of a map; 0 for anything else.
  std::size_t map_size() const noexcept {
    return is_map() ? static_cast<std::size_t>(detail::count_of(*detail::address(word_))) : 0;
  }
  /// A pair of a map, in ascending exact order of the keys, counted from 0 and below `map_size()`.
  term_ref map_key(std::size_t index) const noexcept {
    return term_ref(detail::address(word_)[1 + 2 * index]);
  }
  term_ref map_value(std::size_t index) const noexcept {
    return term_ref(detail::address(word_)[2 + 2 * index]);
  }
  /// The value of a key in a map, by exact equality; nothing when there is none, or this is no map.
  std::optional<term_ref> find(term_ref key) const;

  /// The representation. For the library itself.
  static constexpr term_ref from_word(detail::word value) noexcept { return term_ref(value); }
  constexpr detail::word raw() const noexcept { return word_; }

protected:
  constexpr explicit term_ref(detail::word value) noexcept : word_(value) {}

  constexpr detail::tag tag() const noexcept { return detail::tag_of(word_); }
  bool is_box(detail::box_kind kind) const noexcept {
    return tag() == detail::tag::box && detail::kind_of(*detail::address(word_)) == kind;
  }

  detail::word word_ = detail::nil_word;
};

/// The elements of a list as a range. Iterators are valid as long as the owner of the list lives.
class list_range {
public:
  class iterator {
  public:
    using value_type = term_ref;
    using difference_type = std::ptrdiff_t;

    iterator() noexcept = default;
    explicit iterator(term_ref rest) noexcept : rest_(rest) {}

    term_ref operator*() const noexcept { return rest_.head(); }
    iterator& operator++() noexcept {
      rest_ = rest_.tail();
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    /// Elements are left as long as the rest is a list of at least one.
    bool operator==(const iterator& other) const noexcept {
      return rest_.is_cons() ? rest_.raw() == other.rest_.raw() : !other.rest_.is_cons();
    }

  private:
    term_ref rest_;
  };

  explicit list_range(term_ref list) noexcept : list_(list) {}
  iterator begin() const noexcept { return iterator(list_); }
  iterator end() const noexcept { return iterator(); }

private:
  term_ref list_;
};

inline list_range term_ref::items() const noexcept { return list_range(*this); }

/// `fun module:function/arity`.
struct external_fun {
  atom module{};
  atom function{};
  std::uint8_t arity = 0;
  bool operator==(const external_fun&) const noexcept = default;
};

/// A closure of some Erlang node: opaque here, and passed on unchanged.
struct closure_info {
  atom module{};
  std::uint8_t arity = 0;
  std::uint32_t index = 0;
  std::array<std::byte, 16> unique{};
  std::int64_t old_index = 0;
  std::int64_t old_unique = 0;
  pid creator{};
  /// The free variables; valid as long as the owner of the term lives.
  std::span<const term_ref> variables{};
};

/// A native record (OTP 29). The spans are valid as long as the owner of the term lives.
struct record_info {
  atom module{};
  atom name{};
  bool exported = false;
  /// Atoms, in the order of the definition.
  std::span<const term_ref> fields{};
  std::span<const term_ref> values{};
};

template <class T>
concept term_integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                       !std::same_as<T, char8_t> && !std::same_as<T, char16_t> &&
                       !std::same_as<T, char32_t> && !std::same_as<T, wchar_t>;

/// A term that owns its parts: 16 bytes, immutable, cheap to copy (a counter), free to share
/// between threads. Composite terms are built from parts by copying them into one block; `builder`
/// builds large ones in place.
class term : public term_ref {
public:
  /// `[]`.
  term() noexcept = default;
  term(atom value) noexcept : term_ref(value) {}
  template <std::same_as<bool> Bool>
  term(Bool value) noexcept : term_ref(value ? atoms::true_ : atoms::false_) {}
  template <term_integer Integer> term(Integer value) {
    if constexpr (std::is_signed_v<Integer>)
      set_integer(static_cast<std::int64_t>(value));
    else
      set_unsigned(static_cast<std::uint64_t>(value));
  }
  /// Throws std::domain_error for NaN and infinities, which Erlang does not have.
  term(double value);
  term(const bigint& value);
  term(const pid& value);
  term(const port& value);
  term(const reference& value);
  term(const external_fun& value);

  term(const term& other) noexcept : term_ref(other), block_(other.block_) {
    if (block_ != nullptr)
      detail::retain(block_);
  }
  term(term&& other) noexcept
      : term_ref(std::exchange(other.word_, detail::nil_word)),
        block_(std::exchange(other.block_, nullptr)) {}
  term& operator=(term other) noexcept {
    swap(other);
    return *this;
  }
  ~term() {
    if (block_ != nullptr)
      detail::release(block_);
  }

  static term nil() noexcept { return {}; }
  /// A binary with a copy of the bytes.
  static term binary(std::span<const std::byte> bytes);
  /// A binary with a copy of the text.
  static term text(std::string_view text);
  /// A binary that shares `part`, which lies inside `owner`.
  static term binary(const shared_bytes& owner, std::span<const std::byte> part);
  /// A bit string of the first `bits` bits of `bytes`.
  static term bit_string(std::span<const std::byte> bytes, std::size_t bits);
  /// Copies of the parts in a new tuple, list or map. A key that comes twice in a map keeps its
  /// last value.
  static term tuple(std::initializer_list<term_ref> elements);
  static term tuple(std::span<const term_ref> elements);
  static term list(std::initializer_list<term_ref> elements);
  static term list(std::span<const term_ref> elements, term_ref tail = {});
  static term map(std::span<const std::pair<term_ref, term_ref>> pairs);
  static term map(std::initializer_list<std::pair<term_ref, term_ref>> pairs);
  /// A copy in a block of its own. Large binaries are shared, not copied.
  static term copy(term_ref value);

  /// An inner part of this term that keeps the whole alive; no copy.
  term share(term_ref inner) const noexcept {
    if (block_ != nullptr)
      detail::retain(block_);
    return term(inner.raw(), block_);
  }

  /// Bytes of memory behind this term, shared binaries not counted.
  std::size_t memory() const noexcept;

  void swap(term& other) noexcept {
    std::swap(word_, other.word_);
    std::swap(block_, other.block_);
  }

  /// The term at `value` in `owner`, taking over one count. For the library itself.
  static term adopt(detail::word value, detail::block* owner) noexcept {
    return term(value, owner);
  }

private:
  term(detail::word value, detail::block* owner) noexcept : term_ref(value), block_(owner) {}

  void set_integer(std::int64_t value);
  void set_unsigned(std::uint64_t value);

  detail::block* block_ = nullptr;
};

/// Erlang's order: `1 == 1.0`, map keys exactly. Negative, zero (`==`) or positive.
int compare(term_ref left, term_ref right);
/// Are 0.0 and -0.0 `=:=`?
enum class signed_zeros : std::uint8_t {
  /// No, as of OTP 27.
  differ,
  /// Yes, as up to OTP 26.
  equal,
};
/// The order of map keys: integers below floats, -0.0 below 0.0; zero means `=:=`.
int compare_exact(term_ref left, term_ref right, signed_zeros zeros = signed_zeros::differ);
/// Erlang's `==`.
bool equal(term_ref left, term_ref right);
/// Erlang's `=:=`.
bool exactly_equal(term_ref left, term_ref right, signed_zeros zeros = signed_zeros::differ);
/// `=:=`, like `exactly_equal`.
inline bool operator==(term_ref left, term_ref right) { return exactly_equal(left, right); }
/// Equal for terms that are `=:=`.
std::size_t hash(term_ref value);

/// The order of map keys as a function object, for ordered containers.
struct exact_less {
  bool operator()(term_ref left, term_ref right) const { return compare_exact(left, right) < 0; }
};

} // namespace erl

template <> struct std::hash<erl::term_ref> {
  std::size_t operator()(erl::term_ref value) const { return erl::hash(value); }
};

template <> struct std::hash<erl::term> {
  std::size_t operator()(const erl::term& value) const { return erl::hash(value); }
};
