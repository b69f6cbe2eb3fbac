#include "etf/atom_table.hpp"
#include "etf/leaves.hpp"
#include "etf/utf8.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/view.hpp>

#include <bit>
#include <cmath>

namespace erl {

using detail::atom_key;
using detail::atom_table;
using detail::kinds_of_tags;
using detail::undecided;
using etf::tag;
using wire::get16;
using wire::get32;
using wire::get64;
using wire::get8;

constexpr std::array<std::uint8_t, 256> detail::kinds_of_tags = [] {
  std::array<std::uint8_t, 256> result{};
  const auto set = [&](term_kind kind, std::initializer_list<etf::tag> tags, unsigned flag = 0) {
    for (const etf::tag what : tags)
      result[static_cast<std::size_t>(what)] =
          static_cast<std::uint8_t>((static_cast<unsigned>(kind) + 1) | flag);
  };
  using enum etf::tag;
  set(term_kind::integer, {small_integer, integer});
  set(term_kind::integer, {small_big, large_big}, undecided);
  set(term_kind::floating, {new_float, float_text});
  set(term_kind::atom, {small_atom_utf8, atom_utf8, small_atom, atom, atom_cache_ref});
  set(term_kind::reference, {newer_reference, new_reference, reference});
  set(term_kind::fun, {external_fun, new_fun});
  set(term_kind::port, {v4_port, new_port, port});
  set(term_kind::pid, {new_pid, pid});
  set(term_kind::tuple, {small_tuple, large_tuple});
  set(term_kind::record, {record});
  set(term_kind::map, {map});
  set(term_kind::nil, {nil});
  set(term_kind::list, {list, string}, undecided);
  set(term_kind::bitstring, {binary, bit_binary});
  return result;
}();

namespace {

/// Characters of an atom's name.
constexpr std::size_t max_name = 255;

/// Heads of lists without elements, whose value is the tail, are passed over.
const std::byte* after_empty_lists(const std::byte* at, const std::byte* end) noexcept {
  while (end - at >= 5 && static_cast<tag>(get8(at)) == tag::list && get32(at + 1) == 0)
    at += 5;
  return at;
}

} // namespace

view::view(std::span<const std::byte> external) noexcept : view(bare(external)) {
  if (external.empty())
    fail(etf_errc::truncated);
  else if (get8(at_) != etf::version)
    fail(etf_errc::bad_version);
  else
    ++at_;
}

view view::bare(std::span<const std::byte> bytes, std::span<const atom> atom_refs) noexcept {
  view result;
  result.begin_ = result.at_ = bytes.data();
  result.limit_ = result.end_ = result.at_ + bytes.size();
  result.atom_refs_ = atom_refs;
  return result;
}

/// From now on the view is at the end of its bytes, where there is nothing to take.
bool view::fail(etf_errc error) noexcept {
  if (error_ == etf_errc::none)
    error_ = error;
  end_ = limit_ = at_;
  return false;
}

/// Is the next term of this kind, as far as its tag says? Where there is none, that is the error.
bool view::at(term_kind kind) noexcept {
  if (compact_ != 0)
    return kind == (compact_ > 1 ? term_kind::integer : term_kind::nil);
  at_ = after_empty_lists(at_, end_);
  if (at_ == end_)
    return fail(etf_errc::truncated);
  const unsigned found = kinds_of_tags[get8(at_)];
  return found == 0 ? fail(etf_errc::bad_tag)
                    : (found & ~unsigned{undecided}) - 1 == static_cast<unsigned>(kind);
}

/// The kind where the tag does not say it.
std::optional<term_kind> view::rare_kind() const noexcept {
  if (compact_ != 0)
    return compact_ > 1 ? term_kind::integer : term_kind::nil;
  const std::byte* at = after_empty_lists(at_, end_);
  if (at == end_ || kinds_of_tags[get8(at)] == 0)
    return std::nullopt;
  switch (static_cast<tag>(get8(at))) {
  case tag::small_big:
    if (end_ - at >= 2 && get8(at + 1) < 8)
      return term_kind::integer;
    [[fallthrough]];
  case tag::large_big: {
    const wire::integer_leaf next = wire::integer(at, end_);
    return next.after == nullptr || next.is_int64() ? term_kind::integer : term_kind::big_integer;
  }
  case tag::string:
    return end_ - at >= 3 && get16(at + 1) == 0 ? term_kind::nil : term_kind::list;
  default:
    return static_cast<term_kind>((kinds_of_tags[get8(at)] & ~undecided) - 1);
  }
}

struct view::integer : wire::integer_leaf {};

/// The integer that comes next; `after` is null when it is none.
view::integer view::next_integer() noexcept {
  if (rest() > 2 && static_cast<tag>(get8(at_)) == tag::small_big)
    if (const wire::integer_leaf next = wire::big_integer(at_, end_, 2); next.after != nullptr)
      return {next};
  if (!at(term_kind::integer))
    return {};
  if (compact_ != 0)
    return {{at_, get8(at_ - (compact_ - 1)), false, true}};
  const wire::integer_leaf next = wire::integer(at_, end_);
  if (next.after == nullptr)
    skip(); // which says what is wrong with it
  return {next};
}

void view::took(const integer& value) noexcept {
  at_ = value.after;
  if (compact_ != 0)
    leave_compact();
}

/// An element of a list in compact form, or its tail, is taken.
void view::leave_compact() noexcept {
  if (--compact_ == 0)
    limit_ = end_;
}

bool view::take_signed(std::int64_t& value, std::int64_t low, std::int64_t high) noexcept {
  const integer next = next_integer();
  if (next.after == nullptr || !next.is_int64() || next.to_int64() < low || next.to_int64() > high)
    return false;
  value = next.to_int64();
  took(next);
  return true;
}

bool view::take_unsigned(std::uint64_t& value, std::uint64_t high) noexcept {
  const integer next = next_integer();
  const bool below_zero = next.negative && next.magnitude != 0;
  if (next.after == nullptr || !next.fits || below_zero || next.magnitude > high)
    return false;
  value = next.magnitude;
  took(next);
  return true;
}

/// The old form, in text.
bool view::take_rare(double& value) noexcept {
  if (!at(term_kind::floating))
    return false;
  if (static_cast<tag>(get8(at_)) == tag::new_float || rest() < 1 + wire::float_text_size)
    return rest() > 8 && static_cast<tag>(get8(at_)) == tag::new_float ? take(value)
                                                                       : fail(etf_errc::truncated);
  const auto found = wire::float_text(at_ + 1);
  if (!found)
    return fail(etf_errc::bad_float);
  value = *found;
  at_ += 1 + wire::float_text_size;
  return true;
}

/// The atom encoded at `from`. `after` is where it ends, null when no whole atom is there.
std::optional<atom> view::find_atom(const std::byte* from, const std::byte*& after) const noexcept {
  after = nullptr;
  if (end_ - from >= 2 && static_cast<tag>(get8(from)) == tag::atom_cache_ref) {
    const std::size_t index = get8(from + 1);
    if (index >= atom_refs_.size())
      return std::nullopt;
    after = from + 2;
    return atom_refs_[index];
  }
  const wire::name_leaf found = wire::name(from, end_);
  after = found.after;
  if (after == nullptr)
    return std::nullopt;
  if (found.latin1)
    return wire::find_latin1(found.text);
  const std::uint32_t index =
      found.text.size() >= 8 || after - begin_ >= 8
          ? atom_table::get().find(atom_key::readable(
                found.text.data(), static_cast<std::uint32_t>(found.text.size())))
          : atom_table::get().find(atom_key(found.text));
  return index == atom_table::none ? std::nullopt : std::optional(atom::from_index(index));
}

bool view::take(atom& value) noexcept {
  if (!at(term_kind::atom))
    return false;
  const std::byte* after = nullptr;
  const auto found = find_atom(at_, after);
  if (!found)
    return after != nullptr ? false : fail(etf_errc::truncated);
  value = *found;
  at_ = after;
  return true;
}

bool view::take_name(std::string_view& name) noexcept {
  if (next_is(tag::small_atom_utf8, 2) && byte(1) <= rest() - 2) {
    const std::string_view text(reinterpret_cast<const char*>(at_ + 2), byte(1));
    if (utf8::is_ascii(text)) {
      name = text;
      at_ += 2 + text.size();
      return true;
    }
  }
  const wire::name_leaf found = wire::name(at_, limit_);
  if (found.after == nullptr || (found.latin1 && !utf8::is_ascii(found.text))) {
    atom known;
    if (!take(known))
      return false;
    name = known.text();
    return true;
  }
  const auto length = utf8::length(found.text);
  if (!length || *length > max_name)
    return fail(length ? etf_errc::atom_too_long : etf_errc::bad_utf8);
  name = found.text;
  at_ = found.after;
  return true;
}

bool view::take_rare_atom(std::string_view name) noexcept {
  if (!at(term_kind::atom))
    return false;
  const std::byte* after = nullptr;
  const wire::name_leaf found = wire::name(at_, end_);
  bool same = false;
  if (found.after == nullptr) {
    const auto known = find_atom(at_, after);
    same = known && known->text() == name;
  } else {
    after = found.after;
    same = found.latin1 ? wire::same_name(found.text, name) : found.text == name;
  }
  if (after == nullptr)
    return fail(etf_errc::truncated);
  if (same)
    at_ = after;
  return same;
}

bool view::take(bool& value) noexcept {
  const bool yes = take_atom("true");
  if (!yes && !take_atom("false"))
    return false;
  value = yes;
  return true;
}

/// The node of an identifier, at `from`, and `size` bytes of numbers after it, at `numbers`.
bool view::take_node(const std::byte* from, std::size_t size, atom& node,
                     const std::byte*& numbers) noexcept {
  const auto found = find_atom(from, numbers);
  if (numbers == nullptr || static_cast<std::size_t>(end_ - numbers) < size)
    return fail(etf_errc::truncated);
  if (found)
    node = *found;
  return found.has_value();
}

bool view::take(pid& value) noexcept {
  if (!at(term_kind::pid))
    return false;
  const bool old = static_cast<tag>(get8(at_)) == tag::pid;
  const std::size_t size = old ? 9 : 12;
  const std::byte* numbers = nullptr;
  pid found;
  if (!take_node(at_ + 1, size, found.node, numbers))
    return false;
  found.id = get32(numbers);
  found.serial = get32(numbers + 4);
  found.creation = old ? get8(numbers + 8) : get32(numbers + 8);
  if ((old && found.creation > wire::max_old_creation) ||
      (found.node == atoms::nonode_nohost && found.creation == 0 && found.id >> 28 != 0))
    return fail(etf_errc::bad_identifier);
  value = found;
  at_ = numbers + size;
  return true;
}

bool view::take(port& value) noexcept {
  if (!at(term_kind::port))
    return false;
  const tag what = static_cast<tag>(get8(at_));
  const std::size_t id_size = what == tag::v4_port ? 8 : 4;
  const std::size_t size = id_size + (what == tag::port ? 1 : 4);
  const std::byte* numbers = nullptr;
  port found;
  if (!take_node(at_ + 1, size, found.node, numbers))
    return false;
  found.id = what == tag::v4_port ? get64(numbers) : get32(numbers);
  found.creation = what == tag::port ? get8(numbers + id_size) : get32(numbers + id_size);
  if (what == tag::port && found.creation > wire::max_old_creation)
    return fail(etf_errc::bad_identifier);
  value = found;
  at_ = numbers + size;
  return true;
}

bool view::take(reference& value) noexcept {
  if (!at(term_kind::reference))
    return false;
  const tag what = static_cast<tag>(get8(at_));
  if (what == tag::reference)
    return take_old_reference(value);
  if (rest() < 3)
    return fail(etf_errc::truncated);
  const std::size_t words = get16(at_ + 1);
  if (words == 0 || words > wire::max_reference_words)
    return fail(etf_errc::bad_identifier);
  const bool old = what == tag::new_reference;
  const std::size_t head = old ? 1 : 4;
  const std::byte* numbers = nullptr;
  reference found;
  if (!take_node(at_ + 3, head + 4 * words, found.node, numbers))
    return false;
  found.creation = old ? get8(numbers) : get32(numbers);
  found.size = static_cast<std::uint8_t>(words);
  for (std::size_t i = 0; i < words; ++i)
    found.words[i] = get32(numbers + head + 4 * i);
  if (old && (found.creation > wire::max_old_creation || found.words[0] > wire::max_old_reference))
    return fail(etf_errc::bad_identifier);
  value = found;
  at_ = numbers + head + 4 * words;
  return true;
}

/// One word, and then the creation.
bool view::take_old_reference(reference& value) noexcept {
  const std::byte* numbers = nullptr;
  reference found;
  if (!take_node(at_ + 1, 5, found.node, numbers))
    return false;
  found.size = 1;
  found.words[0] = get32(numbers);
  found.creation = get8(numbers + 4);
  if (found.creation > wire::max_old_creation || found.words[0] > wire::max_old_reference)
    return fail(etf_errc::bad_identifier);
  value = found;
  at_ = numbers + 5;
  return true;
}

bool view::take_rare(std::span<const std::byte>& value) noexcept {
  if (!at(term_kind::bitstring))
    return false;
  const bool bits = static_cast<tag>(get8(at_)) == tag::bit_binary;
  const std::size_t head = bits ? 6 : 5;
  if (rest() < head)
    return fail(etf_errc::truncated);
  const std::size_t size = count();
  if (size > rest() - head)
    return fail(etf_errc::length_beyond_input);
  if (bits && (size == 0 || get8(at_ + 5) == 0 || get8(at_ + 5) > 8))
    return fail(etf_errc::bad_bit_string);
  if (bits && get8(at_ + 5) != 8)
    return false;
  value = {at_ + head, size};
  at_ += head + size;
  return true;
}

bool view::take_rare_nil() noexcept {
  if (kind() != term_kind::nil)
    return false;
  if (compact_ != 0) {
    leave_compact();
    return true;
  }
  at_ = after_empty_lists(at_, end_);
  at_ += static_cast<tag>(get8(at_)) == tag::nil ? 1 : 3;
  return true;
}

std::optional<std::size_t> view::enter_rare_tuple() noexcept {
  if (!at(term_kind::tuple))
    return std::nullopt;
  const std::size_t head = static_cast<tag>(get8(at_)) == tag::small_tuple ? 2 : 5;
  const std::size_t arity = rest() < head ? 0 : head == 2 ? get8(at_ + 1) : count();
  if (rest() < head || arity > rest() - head) {
    fail(rest() < head ? etf_errc::truncated : etf_errc::length_beyond_input);
    return std::nullopt;
  }
  at_ += head;
  return arity;
}

/// There is no map that can be entered.
std::optional<std::size_t> view::refuse_map() noexcept {
  const std::byte* const before = at_;
  if (at(term_kind::map)) {
    if (at_ != before)
      return enter_map();
    fail(rest() < 5 ? etf_errc::truncated : etf_errc::length_beyond_input);
  }
  return std::nullopt;
}

std::optional<std::size_t> view::enter_rare_list() noexcept {
  if (take_nil())
    return 0;
  if (!at(term_kind::list))
    return std::nullopt;
  const bool compact = static_cast<tag>(get8(at_)) == tag::string;
  const std::size_t head = compact ? 3 : 5;
  const std::size_t elements = rest() < head ? 0 : compact ? get16(at_ + 1) : count();
  if (rest() < head || elements > rest() - head) {
    fail(rest() < head ? etf_errc::truncated : etf_errc::length_beyond_input);
    return std::nullopt;
  }
  at_ += head;
  if (compact) {
    compact_ = static_cast<std::uint32_t>(elements + 1);
    at_ += elements;
    limit_ = at_;
  }
  return elements;
}

bool view::skip() noexcept {
  if (compact_ != 0) {
    leave_compact();
    return true;
  }
  if (error_ != etf_errc::none)
    return false;
  const wire::scanned found =
      wire::scan({at_, limit_}, {.framing = framing::bare, .atom_refs = atom_refs_});
  at_ += found.bytes;
  return found.error == etf_errc::none || fail(found.error);
}

bool view::take_bytes(std::span<const std::byte>& value) noexcept {
  const std::byte* start = at_;
  if (compact_ != 0 || !skip())
    return false;
  value = {start, at_};
  return true;
}

std::optional<term> view::take_term(const limits& limits) {
  if (compact_ != 0) {
    term element = compact_ > 1 ? term(get8(at_ - (compact_ - 1))) : term();
    leave_compact();
    return element;
  }
  if (error_ != etf_errc::none)
    return std::nullopt;
  auto found = decode_prefix({at_, end_},
                             {.limits = limits, .framing = framing::bare, .atom_refs = atom_refs_});
  if (!found) {
    at_ += found.error().offset;
    fail(found.error().code);
    return std::nullopt;
  }
  at_ += found->consumed;
  return std::move(found->value);
}

} // namespace erl
