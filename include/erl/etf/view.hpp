/// Views: reading encoded terms in place, for routing, filtering and large documents. Nothing is
/// built and nothing is allocated.
///
///     erl::view v(bytes);  // {'$gen_call', From, {add, A, B}}
///     std::int64_t a = 0, b = 0;
///     if (v.enter_tuple(3) && v.take_atom("$gen_call") && v.skip() && v.enter_tuple(3) &&
///         v.take_atom("add") && v.take(a) && v.take(b))
///       ...
#pragma once

#include <erl/etf/codec.hpp>
#include <erl/etf/tags.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace erl {

namespace detail {

/// One more than the kind of the terms with a tag; 0 for no term, and `undecided` and more where
/// the tag is not enough.
extern const std::array<std::uint8_t, 256> kinds_of_tags;
inline constexpr std::uint8_t undecided = 0x80;

} // namespace detail

/// A cursor before a term in encoded bytes. Copying it is cheap and makes a bookmark; the bytes are
/// borrowed, and what is taken from them (texts, binaries) lives as long as they do.
///
/// Each `take` and `enter` goes past what it read. When the next term is of another kind, or does
/// not fit the type, it returns false (or nothing) and the view stays where it is, so alternatives
/// can be tried one after another. Parts follow their container: after `enter_tuple` come as many
/// terms as it has elements, after `enter_map` a key and a value for each pair, after `enter_list`
/// the elements and then the tail, which is `[]` for a proper list. A list in the compact form of
/// small integers (STRING_EXT) reads like any other.
///
/// Bytes that are no term are an error: from then on nothing can be taken, and `error` and
/// `consumed` say what is wrong and where. A term is checked when it is read or skipped, not
/// before; repeated keys of a map and fields of a record are not looked for. No member throws.
class view {
public:
  /// 131 and a term, which is not compressed (nothing can be read in place there:
  /// etf_errc::bad_tag).
  explicit view(std::span<const std::byte> external) noexcept;
  /// A term without 131 before it: what `take_bytes` gives, or what follows a distribution header,
  /// whose atoms are `atom_refs`.
  static view bare(std::span<const std::byte> bytes, std::span<const atom> atom_refs = {}) noexcept;

  /// The kind of the next term; nothing at the end of the bytes, or when they are no term.
  std::optional<term_kind> kind() const noexcept {
    if (rest() == 0)
      return rare_kind();
    const std::uint8_t found = detail::kinds_of_tags[byte(0)];
    if (found - 1U < detail::undecided - 1U)
      return static_cast<term_kind>(found - 1);
    return next_is_middle_integer() ? term_kind::integer : rare_kind();
  }
  bool is(term_kind what) const noexcept { return kind() == what; }

  bool take(bool& value) noexcept;
  /// An integer in the range of the type.
  template <term_integer Integer> bool take(Integer& value) noexcept {
    std::int64_t small = 0;
    const std::size_t size = small_integer(small);
    if (size == 0)
      return take_wide(value);
    if (!std::in_range<Integer>(small))
      return false;
    value = static_cast<Integer>(small);
    at_ += size;
    return true;
  }
  /// Of a float only; integers are not converted.
  bool take(double& value) noexcept {
    if (!next_is(etf::tag::new_float, 9))
      return take_rare(value);
    std::uint64_t bits;
    std::memcpy(&bits, at_ + 1, sizeof(bits));
    bits = __builtin_bswap64(bits);
    constexpr std::uint64_t exponent = 0x7ff0000000000000U;
    if ((bits & exponent) == exponent)
      return fail(etf_errc::bad_float);
    std::memcpy(&value, &bits, sizeof(value));
    at_ += 9;
    return true;
  }
  /// An atom that exists already: no atom is made.
  bool take(atom& value) noexcept;
  /// Identifiers whose node exists as an atom.
  bool take(pid& value) noexcept;
  bool take(port& value) noexcept;
  bool take(reference& value) noexcept;
  /// The bytes of a binary.
  bool take(std::span<const std::byte>& value) noexcept {
    if (!next_is(etf::tag::binary, 5) || count() > rest() - 5)
      return take_rare(value);
    value = {at_ + 5, count()};
    at_ += 5 + value.size();
    return true;
  }
  /// The bytes of a binary as characters, whatever they are.
  bool take(std::string_view& value) noexcept {
    std::span<const std::byte> bytes;
    if (!take(bytes))
      return false;
    value = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    return true;
  }
  /// The name of any atom in UTF-8, known here or not. (In the old Latin-1 form only if all of its
  /// characters are ASCII, or the atom exists.)
  bool take_name(std::string_view& name) noexcept;
  /// This atom and no other.
  bool take_atom(std::string_view name) noexcept {
    if (!next_is(etf::tag::small_atom_utf8, 2 + name.size()))
      return take_rare_atom(name);
    if (byte(1) != name.size() ||
        (!name.empty() && std::memcmp(at_ + 2, name.data(), name.size()) != 0))
      return false;
    at_ += 2 + name.size();
    return true;
  }
  bool take_nil() noexcept {
    if (!next_is(etf::tag::nil, 1))
      return take_rare_nil();
    ++at_;
    return true;
  }
  /// The bytes of the next term, whatever it is, without 131: to be kept, compared, or sent on. Not
  /// of an element of a list in compact form, which has no bytes of its own.
  bool take_bytes(std::span<const std::byte>& value) noexcept;

  /// The count of elements; they follow.
  std::optional<std::size_t> enter_tuple() noexcept {
    if (!next_is(etf::tag::small_tuple, 2) || byte(1) > rest() - 2)
      return enter_rare_tuple();
    at_ += 2;
    return std::to_integer<std::size_t>(at_[-1]);
  }
  /// A tuple of this size.
  bool enter_tuple(std::size_t arity) noexcept {
    const std::byte* const before = at_;
    if (enter_tuple() == arity)
      return true;
    if (error_ == etf_errc::none)
      at_ = before;
    return false;
  }
  /// The count of elements; they follow, and then the tail. 0 for `[]`, whose tail does not follow.
  std::optional<std::size_t> enter_list() noexcept {
    if (!next_is(etf::tag::list, 5) || count() - 1 >= rest() - 5)
      return enter_rare_list();
    at_ += 5;
    return count(-4);
  }
  /// The count of pairs; keys and values follow in turns.
  std::optional<std::size_t> enter_map() noexcept {
    if (!next_is(etf::tag::map, 5) || 2 * count() > rest() - 5)
      return refuse_map();
    at_ += 5;
    return count(-4);
  }

  /// Goes past the next term, all of its parts included.
  bool skip() noexcept;
  /// The next term as a tree, which is taken; nothing when the bytes are no term. This one
  /// allocates, and makes atoms.
  std::optional<term> take_term(const limits& limits = {});

  /// What is wrong with the bytes; `none` as long as all is well.
  etf_errc error() const noexcept { return error_; }
  /// Bytes from the start to where the view stands.
  std::size_t consumed() const noexcept {
    const std::size_t to_come = compact_ > 1 ? compact_ - 1 : 0;
    return static_cast<std::size_t>(at_ - begin_) - to_come;
  }

private:
  view() noexcept = default;

  // The common forms are read here; what is rare, or wrong, is looked at behind these calls.

  /// Bytes that may be read here. None inside a list in compact form, and after an error.
  std::size_t rest() const noexcept { return static_cast<std::size_t>(limit_ - at_); }
  std::uint32_t byte(std::size_t index) const noexcept {
    return std::to_integer<std::uint32_t>(at_[index]);
  }
  /// Four bytes as a count, those after the tag or at another distance.
  std::size_t count(std::ptrdiff_t distance = 1) const noexcept {
    std::uint32_t value;
    std::memcpy(&value, at_ + distance, sizeof(value));
    return __builtin_bswap32(value);
  }
  bool next_is(etf::tag what, std::size_t size) const noexcept {
    return rest() >= size && at_[0] == static_cast<std::byte>(what);
  }
  /// An integer of more than 32 bits and less than 64, which may be read as eight bytes?
  bool next_is_middle_integer() const noexcept {
    return next_is(etf::tag::small_big, 3 + 8) &&
           (byte(1) < 8 ? byte(1) > 0 : byte(1) == 8 && byte(10) < 0x80);
  }
  /// An integer of less than 64 bits and how many bytes it takes; 0 when there is none that may be
  /// read here.
  std::size_t small_integer(std::int64_t& value) const noexcept {
    if (next_is(etf::tag::small_integer, 2)) {
      value = byte(1);
      return 2;
    }
    if (next_is(etf::tag::integer, 5)) {
      value = static_cast<std::int32_t>(count());
      return 5;
    }
    if (next_is_middle_integer()) {
      std::memcpy(&value, at_ + 3, sizeof(value));
      value &= static_cast<std::int64_t>(~std::uint64_t{0} >> (64 - 8 * byte(1)));
      if (byte(2) != 0)
        value = -value;
      return 3 + byte(1);
    }
    return 0;
  }
  template <class Integer> bool take_wide(Integer& value) noexcept {
    using bounds = std::numeric_limits<Integer>;
    if constexpr (std::is_signed_v<Integer>) {
      std::int64_t wide = 0;
      if (!take_signed(wide, bounds::min(), bounds::max()))
        return false;
      value = static_cast<Integer>(wide);
    } else {
      std::uint64_t wide = 0;
      if (!take_unsigned(wide, bounds::max()))
        return false;
      value = static_cast<Integer>(wide);
    }
    return true;
  }

  std::optional<term_kind> rare_kind() const noexcept;
  bool take_signed(std::int64_t& value, std::int64_t low, std::int64_t high) noexcept;
  bool take_unsigned(std::uint64_t& value, std::uint64_t high) noexcept;
  bool take_rare(double& value) noexcept;
  bool take_rare(std::span<const std::byte>& value) noexcept;
  bool take_rare_atom(std::string_view name) noexcept;
  bool take_rare_nil() noexcept;
  std::optional<std::size_t> enter_rare_tuple() noexcept;
  std::optional<std::size_t> enter_rare_list() noexcept;
  std::optional<std::size_t> refuse_map() noexcept;

  bool at(term_kind kind) noexcept;
  bool fail(etf_errc error) noexcept;
  struct integer;
  integer next_integer() noexcept;
  void took(const integer& value) noexcept;
  std::optional<atom> find_atom(const std::byte* from, const std::byte*& after) const noexcept;
  bool take_node(const std::byte* from, std::size_t size, atom& node,
                 const std::byte*& numbers) noexcept;
  bool take_old_reference(reference& value) noexcept;
  void leave_compact() noexcept;

  const std::byte* begin_ = nullptr;
  const std::byte* at_ = nullptr;
  /// The end of what may be read here.
  const std::byte* limit_ = nullptr;
  const std::byte* end_ = nullptr;
  std::span<const atom> atom_refs_{};
  /// In a list in compact form, whose bytes end at `at_`: its elements that are still to come, and
  /// one for its tail.
  std::uint32_t compact_ = 0;
  etf_errc error_ = etf_errc::none;
};

} // namespace erl
