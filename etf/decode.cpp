#include "etf/source_bytes.hpp"
#include <erl/etf/decode.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

namespace erl {

using detail::load16;
using detail::load32;
using detail::load64;
using detail::load8;

namespace {

/// The text of an encoded atom, or nothing (`after` null) when it is none or not whole.
struct atom_bytes {
  std::string_view text{};
  bool latin1 = false;
  const std::byte* after = nullptr;
};

atom_bytes find_atom(const std::byte* at, const std::byte* end) noexcept {
  const auto rest = static_cast<std::size_t>(end - at);
  if (rest < 2)
    return {};
  std::size_t size = 0, head = 0;
  bool latin1 = false;
  switch (static_cast<etf::tag>(load8(at))) {
  case etf::tag::small_atom:
    latin1 = true;
    [[fallthrough]];
  case etf::tag::small_atom_utf8:
    size = load8(at + 1);
    head = 2;
    break;
  case etf::tag::atom:
    latin1 = true;
    [[fallthrough]];
  case etf::tag::atom_utf8:
    if (rest < 3)
      return {};
    size = load16(at + 1);
    head = 3;
    break;
  default:
    return {};
  }
  if (size > rest - head)
    return {};
  return {{reinterpret_cast<const char*>(at) + head, size}, latin1, at + head + size};
}

bool same_text(std::string_view latin1, std::string_view utf8) noexcept {
  std::size_t at = 0;
  for (const char c : latin1) {
    const auto code = static_cast<unsigned char>(c);
    const char bytes[2] = {static_cast<char>(0xc0 | code >> 6),
                           static_cast<char>(0x80 | (code & 0x3f))};
    const std::string_view wanted =
        code < 0x80 ? std::string_view(&c, 1) : std::string_view(bytes, 2);
    if (utf8.substr(at, wanted.size()) != wanted)
      return false;
    at += wanted.size();
  }
  return at == utf8.size();
}

std::expected<atom, etf_errc> intern_latin1(std::string_view text) noexcept {
  char utf8[510];
  std::size_t size = 0;
  if (text.size() > 255)
    return std::unexpected(etf_errc::atom_too_long);
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x80)
      utf8[size++] = static_cast<char>(0xc0 | code >> 6);
    utf8[size++] = static_cast<char>(code < 0x80 ? code : 0x80 | (code & 0x3f));
  }
  return atom::intern({utf8, size});
}

struct integer_parts {
  enum { none, fits, too_large } size = none;
  bool negative = false;
  std::uint64_t magnitude = 0;
  const std::byte* after = nullptr;
};

integer_parts find_big(const std::byte* at, const std::byte* end, std::size_t head) noexcept {
  const auto rest = static_cast<std::size_t>(end - at);
  if (rest < head + 1)
    return {};
  std::size_t size = head == 2 ? load8(at + 1) : load32(at + 1);
  if (size > rest - head - 1)
    return {};
  integer_parts result{integer_parts::fits, load8(at + head) != 0, 0, at + head + 1 + size};
  const std::byte* digits = at + head + 1;
  while (size > 0 && load8(digits + size - 1) == 0)
    --size;
  if (size > 8)
    return {integer_parts::too_large};
  while (size > 0)
    result.magnitude = result.magnitude << 8 | load8(digits + --size);
  return result;
}

integer_parts find_integer(int first, const std::byte* at, const std::byte* end) noexcept {
  switch (static_cast<etf::tag>(first)) {
  case etf::tag::small_integer:
    if (end - at < 2)
      return {};
    return {integer_parts::fits, false, load8(at + 1), at + 2};
  case etf::tag::integer: {
    if (end - at < 5)
      return {};
    const auto value = std::bit_cast<std::int32_t>(load32(at + 1));
    const std::int64_t wide = value;
    return {integer_parts::fits, wide < 0, static_cast<std::uint64_t>(wide < 0 ? -wide : wide),
            at + 5};
  }
  case etf::tag::small_big:
    return find_big(at, end, 2);
  case etf::tag::large_big:
    return find_big(at, end, 5);
  default:
    return {};
  }
}

/// The double of this very value, if there is one.
std::optional<double> exact_double(bool negative, std::uint64_t magnitude) noexcept {
  if (magnitude != 0 &&
      static_cast<int>(std::bit_width(magnitude)) - std::countr_zero(magnitude) > 53)
    return std::nullopt;
  const auto value = static_cast<double>(magnitude);
  return negative ? -value : value;
}

constexpr std::uint64_t negative_limit = std::uint64_t{1} << 63;

} // namespace

atom detail::named_atom::get() const {
  const std::uint32_t known = __atomic_load_n(&index_, __ATOMIC_RELAXED);
  if (known != 0)
    return atom::from_index(known);
  const atom result(text_);
  __atomic_store_n(&index_, result.index(), __ATOMIC_RELAXED);
  return result;
}

bool detail::named_atom::is(atom value) const noexcept {
  const std::uint32_t known = __atomic_load_n(&index_, __ATOMIC_RELAXED);
  if (known != 0)
    return value.index() == known;
  if (value.text() != text_)
    return false;
  __atomic_store_n(&index_, value.index(), __ATOMIC_RELAXED);
  return true;
}

bool source::spells(const std::byte* at, const detail::named_atom& name) const noexcept {
  if (end_ - at >= 2 && load8(at) == static_cast<std::uint32_t>(etf::tag::atom_cache_ref)) {
    const std::size_t index = load8(at + 1);
    return index < options_->atom_refs.size() && name.is(options_->atom_refs[index]);
  }
  const atom_bytes found = find_atom(at, end_);
  return found.after != nullptr &&
         (found.latin1 ? same_text(found.text, name.text()) : found.text == name.text());
}

bool source::is_atom(const detail::named_atom& name) const noexcept {
  if (in_bytes())
    return where_ == place::bytes && spells(at_, name);
  const auto value = peek().to_atom();
  return value && name.is(*value);
}

bool source::is_absent() const noexcept {
  return is(kinds(term_kind::atom)) &&
         (is_atom(detail::name_of<"undefined">) || is_atom(detail::name_of<"nil">));
}

bool source::is_binary() const noexcept {
  if (!in_bytes())
    return peek().is_binary();
  const auto first = static_cast<etf::tag>(tag());
  return first == etf::tag::binary ||
         (first == etf::tag::bit_binary && rest() >= 6 && load8(at_ + 5) == 8);
}

bool source::read(bool& value) {
  const bool yes = is_atom(detail::name_of<"true">);
  if (!yes && !is_atom(detail::name_of<"false">))
    return fail(etf_errc::wrong_type, "boolean");
  value = yes;
  return skip();
}

bool source::read(atom& value) {
  if (!in_bytes()) {
    const auto found = peek().to_atom();
    if (!found)
      return fail(etf_errc::wrong_type, "atom");
    value = *found;
    advance();
    return true;
  }
  const int first = tag();
  if (first == static_cast<int>(etf::tag::atom_cache_ref)) {
    if (rest() < 2 || load8(at_ + 1) >= options_->atom_refs.size())
      return fail(rest() < 2 ? etf_errc::truncated : etf_errc::bad_atom_reference, {});
    value = options_->atom_refs[load8(at_ + 1)];
    at_ += 2;
    return true;
  }
  const atom_bytes found = where_ == place::string ? atom_bytes{} : find_atom(at_, end_);
  if (found.after == nullptr)
    return fail(etf_errc::wrong_type, "atom");
  const auto known = new_atoms_ == 0 && !found.latin1 ? atom::find(found.text) : std::nullopt;
  if (known) {
    value = *known;
    at_ = found.after;
    return true;
  }
  if (new_atoms_ != std::numeric_limits<std::uint32_t>::max())
    return read_limited(value);
  const auto result = found.latin1 ? intern_latin1(found.text) : atom::intern(found.text);
  if (!result)
    return fail(result.error(), {});
  value = *result;
  at_ = found.after;
  return true;
}

/// An atom that may be new, where new ones are counted.
bool source::read_limited(atom& value) {
  term whole;
  if (!read_bare(whole))
    return false;
  value = whole.to_atom().value_or(atom());
  return true;
}

/// Any term from bytes. The atoms that it adds are taken off the limit; others' count as well, so
/// it errs to the safe side.
bool source::read_bare(term& value) {
  const std::uint32_t before = atom_count();
  auto result = erl::decode_prefix({at_, end_}, bare_options());
  if (!result)
    return fail_at(at_ + result.error().offset, result.error().code);
  if (new_atoms_ != std::numeric_limits<std::uint32_t>::max())
    new_atoms_ -= std::min(new_atoms_, atom_count() - before);
  value = std::move(result->value);
  at_ += result->consumed;
  return true;
}

bool source::read_signed(std::int64_t& value, std::int64_t low, std::int64_t high) {
  bool is_integer = true;
  if (in_bytes()) {
    const integer_parts parts = where_ == place::string
                                    ? integer_parts{integer_parts::fits, false, load8(at_), at_ + 1}
                                    : find_integer(tag(), at_, end_);
    is_integer = parts.size != integer_parts::none;
    const bool found = parts.size == integer_parts::fits &&
                       parts.magnitude <= negative_limit - (parts.negative ? 0 : 1);
    const auto result =
        static_cast<std::int64_t>(parts.negative ? 0 - parts.magnitude : parts.magnitude);
    if (found && result >= low && result <= high) {
      value = result;
      at_ = parts.after;
      return true;
    }
  } else {
    const term_ref next = peek();
    const auto number = next.to_int64();
    if (number && *number >= low && *number <= high) {
      value = *number;
      advance();
      return true;
    }
    is_integer = next.is_integer();
  }
  if (quiet_)
    return false;
  return is_integer ? fail(etf_errc::out_of_range,
                           "integer in " + std::to_string(low) + ".." + std::to_string(high))
                    : fail(etf_errc::wrong_type, "integer");
}

bool source::read_unsigned(std::uint64_t& value, std::uint64_t high) {
  bool is_integer = true;
  if (in_bytes()) {
    const integer_parts parts = where_ == place::string
                                    ? integer_parts{integer_parts::fits, false, load8(at_), at_ + 1}
                                    : find_integer(tag(), at_, end_);
    if (parts.size == integer_parts::fits && (!parts.negative || parts.magnitude == 0) &&
        parts.magnitude <= high) {
      value = parts.magnitude;
      at_ = parts.after;
      return true;
    }
    is_integer = parts.size != integer_parts::none;
  } else {
    const term_ref next = peek();
    const auto number = next.to_uint64();
    if (number && *number <= high) {
      value = *number;
      advance();
      return true;
    }
    is_integer = next.is_integer();
  }
  if (quiet_)
    return false;
  return is_integer ? fail(etf_errc::out_of_range, "integer in 0.." + std::to_string(high))
                    : fail(etf_errc::wrong_type, "integer");
}

bool source::read(double& value) {
  if (!in_bytes()) {
    const term_ref next = peek();
    auto number = next.to_double();
    if (!number)
      if (const auto whole = next.to_int64())
        number = exact_double(*whole < 0, *whole < 0 ? 0 - static_cast<std::uint64_t>(*whole)
                                                     : static_cast<std::uint64_t>(*whole));
    if (!number)
      return fail(next.is_integer() ? etf_errc::out_of_range : etf_errc::wrong_type, "float");
    value = *number;
    advance();
    return true;
  }
  const auto first = static_cast<etf::tag>(tag());
  if (first == etf::tag::new_float && rest() >= 9) {
    const auto number = std::bit_cast<double>(load64(at_ + 1));
    if (!std::isfinite(number))
      return fail(etf_errc::bad_float, {});
    value = number;
    at_ += 9;
    return true;
  }
  if (first == etf::tag::float_text) {
    term whole;
    if (!read_bare(whole))
      return false;
    value = whole.to_double().value_or(0.0);
    return true;
  }
  const integer_parts parts = where_ == place::string
                                  ? integer_parts{integer_parts::fits, false, load8(at_), at_ + 1}
                                  : find_integer(tag(), at_, end_);
  const auto number = parts.size == integer_parts::fits && parts.magnitude < negative_limit
                          ? exact_double(parts.negative, parts.magnitude)
                          : std::nullopt;
  if (!number)
    return fail(parts.size == integer_parts::none ? etf_errc::wrong_type : etf_errc::out_of_range,
                "float");
  value = *number;
  at_ = parts.after;
  return true;
}

bool source::read(bigint& value) {
  if (!is(kinds(term_kind::integer, term_kind::big_integer)))
    return fail(etf_errc::wrong_type, "integer");
  term whole;
  if (!read(whole))
    return false;
  value = whole.to_bigint().value_or(bigint());
  return true;
}

bool source::read(pid& value) {
  if (!in_bytes()) {
    const auto found = peek().to_pid();
    if (!found)
      return fail(etf_errc::wrong_type, "pid");
    value = *found;
    advance();
    return true;
  }
  if (!is(kinds(term_kind::pid)))
    return fail(etf_errc::wrong_type, "pid");
  if (tag() != static_cast<int>(etf::tag::new_pid)) {
    term whole;
    if (!read_bare(whole))
      return false;
    value = whole.to_pid().value_or(pid());
    return true;
  }
  ++at_;
  if (!read(value.node))
    return false;
  if (rest() < 12)
    return fail(etf_errc::truncated, {});
  value.id = load32(at_);
  value.serial = load32(at_ + 4);
  value.creation = load32(at_ + 8);
  at_ += 12;
  return true;
}

bool source::read(port& value) {
  if (!in_bytes()) {
    const auto found = peek().to_port();
    if (!found)
      return fail(etf_errc::wrong_type, "port");
    value = *found;
    advance();
    return true;
  }
  if (!is(kinds(term_kind::port)))
    return fail(etf_errc::wrong_type, "port");
  if (tag() != static_cast<int>(etf::tag::v4_port)) {
    term whole;
    if (!read_bare(whole))
      return false;
    value = whole.to_port().value_or(port());
    return true;
  }
  ++at_;
  if (!read(value.node))
    return false;
  if (rest() < 12)
    return fail(etf_errc::truncated, {});
  value.id = load64(at_);
  value.creation = load32(at_ + 8);
  at_ += 12;
  return true;
}

bool source::read(reference& value) {
  if (!in_bytes()) {
    const auto found = peek().to_reference();
    if (!found)
      return fail(etf_errc::wrong_type, "reference");
    value = *found;
    advance();
    return true;
  }
  if (!is(kinds(term_kind::reference)))
    return fail(etf_errc::wrong_type, "reference");
  if (tag() != static_cast<int>(etf::tag::newer_reference)) {
    term whole;
    if (!read_bare(whole))
      return false;
    value = whole.to_reference().value_or(reference());
    return true;
  }
  if (rest() < 3)
    return fail(etf_errc::truncated, {});
  const std::size_t words = load16(at_ + 1);
  if (words == 0 || words > value.words.size())
    return fail(etf_errc::bad_identifier, {});
  at_ += 3;
  if (!read(value.node))
    return false;
  if (rest() < 4 + 4 * words)
    return fail(etf_errc::truncated, {});
  value.creation = load32(at_);
  value.size = static_cast<std::uint8_t>(words);
  value.words = {};
  for (std::size_t i = 0; i < words; ++i)
    value.words[i] = load32(at_ + 4 + 4 * i);
  at_ += 4 + 4 * words;
  return true;
}

bool source::read(term& value) {
  if (in_bytes()) {
    if (where_ != place::string)
      return read_bare(value);
    value = load8(at_++);
    return true;
  }
  value = owner_ != nullptr ? owner_->share(peek()) : term::copy(peek());
  advance();
  return true;
}

bool source::read(term_ref& value) {
  if (in_bytes() || inflated_)
    return fail(etf_errc::wrong_type, "term that can be borrowed (these are bytes)");
  value = peek();
  advance();
  return true;
}

bool source::read_binary(std::span<const std::byte>& value) {
  if (!in_bytes()) {
    const auto found = peek().to_binary();
    if (!found)
      return fail(etf_errc::wrong_type, "binary");
    value = *found;
    advance();
    return true;
  }
  if (!is_binary() || rest() < 5)
    return fail(etf_errc::wrong_type, "binary");
  const std::size_t head = tag() == static_cast<int>(etf::tag::binary) ? 5 : 6;
  const std::size_t size = load32(at_ + 1);
  if (size > rest() - head)
    return fail(etf_errc::length_beyond_input, {});
  if (head == 6 && size == 0)
    return fail(etf_errc::bad_bit_string, {});
  value = {at_ + head, size};
  at_ += head + size;
  return true;
}

bool source::read(std::span<const std::byte>& value) {
  if (inflated_)
    return fail(etf_errc::wrong_type, "binary that can be borrowed (this input is compressed)");
  return read_binary(value);
}

bool source::read(std::string_view& value) {
  std::span<const std::byte> bytes;
  if (!read(bytes))
    return false;
  value = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return true;
}

bool source::read(std::string& value) {
  std::span<const std::byte> bytes;
  if (!read_binary(bytes))
    return false;
  value.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return true;
}

bool source::read(std::vector<std::byte>& value) {
  std::span<const std::byte> bytes;
  if (!read_binary(bytes))
    return false;
  value.assign(bytes.begin(), bytes.end());
  return true;
}

bool source::read_exactly(const detail::named_atom& name) {
  return is_atom(name) ? skip() : fail(etf_errc::wrong_value, name.text());
}

std::size_t source::read_one_of(std::span<const detail::named_atom> names) {
  if (!is(kinds(term_kind::atom)))
    return names.size();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (is_atom(names[i]))
      return skip() ? i : names.size();
  return names.size();
}

} // namespace erl
