#include "dist/control_elements.hpp"

#include "dist/bytes.hpp"
#include <erl/etf/tags.hpp>

namespace erl::dist {

namespace {

using etf::tag;

tag tag_of(std::span<const std::byte> bytes) {
  return static_cast<tag>(std::to_integer<std::uint8_t>(bytes[0]));
}

/// Bytes of an atom in one of the forms that nodes send, or 0 for anything else. `bytes` are at
/// least one.
std::size_t atom_length(std::span<const std::byte> bytes) {
  if (tag_of(bytes) == tag::small_atom_utf8 && bytes.size() >= 2)
    return 2 + std::to_integer<std::size_t>(bytes[1]);
  if (tag_of(bytes) == tag::atom_utf8 && bytes.size() >= 3)
    return std::size_t{3} + number_at<std::uint16_t>(bytes.data() + 1);
  if (tag_of(bytes) == tag::atom_cache_ref)
    return 2;
  return 0;
}

/// Bytes of a term in one of the usual forms of control tuples, or 0 for anything else. May be more
/// than there are.
std::size_t usual_length(std::span<const std::byte> bytes) {
  constexpr std::size_t pid_numbers = 12;
  switch (tag_of(bytes)) {
  case tag::small_integer:
    return 2;
  case tag::integer:
    return 5;
  case tag::small_atom_utf8:
  case tag::atom_utf8:
  case tag::atom_cache_ref:
    return atom_length(bytes);
  case tag::new_pid: {
    const auto node = bytes.size() > 1 ? atom_length(bytes.subspan(1)) : 0;
    return node == 0 ? 0 : 1 + node + pid_numbers;
  }
  case tag::newer_reference: {
    if (bytes.size() < 4)
      return 0;
    const std::size_t words = number_at<std::uint16_t>(bytes.data() + 1);
    const auto node = atom_length(bytes.subspan(3));
    return node == 0 || words == 0 || words > 5 ? 0 : 3 + node + 4 + 4 * words;
  }
  default:
    return 0;
  }
}

} // namespace

bool control_elements::parse(std::span<const std::byte> bytes) {
  const auto whole = bytes.size();
  const auto fail = [this](etf_errc code) {
    error_ = code;
    return false;
  };
  if (bytes.size() < 2)
    return fail(etf_errc::truncated);
  if (how_.framing == framing::external) {
    if (bytes[0] != static_cast<std::byte>(etf::version))
      return fail(etf_errc::bad_version);
    bytes = bytes.subspan(1);
  }
  std::size_t arity = 0;
  if (tag_of(bytes) == tag::small_tuple && bytes.size() >= 2) {
    arity = std::to_integer<std::size_t>(bytes[1]);
    bytes = bytes.subspan(2);
  } else if (tag_of(bytes) == tag::large_tuple && bytes.size() >= 5) {
    arity = number_at<std::uint32_t>(bytes.data() + 1);
    bytes = bytes.subspan(5);
  }
  if (arity == 0 || arity > elements_.size())
    return false;
  for (std::size_t place = 0; place < arity; ++place) {
    const auto size = length(bytes);
    if (!size)
      return false;
    elements_[place] = bytes.first(*size);
    bytes = bytes.subspan(*size);
  }
  size_ = arity;
  consumed_ = whole - bytes.size();
  how_.framing = framing::bare; // of the elements
  return true;
}

std::optional<std::size_t> control_elements::length(std::span<const std::byte> bytes) {
  if (!bytes.empty()) {
    const auto usual = usual_length(bytes);
    if (usual != 0 && usual <= bytes.size())
      return usual;
  }
  auto how = how_;
  how.framing = framing::bare;
  const auto size = skip_term(bytes, how);
  if (!size) {
    error_ = size.error().code;
    return std::nullopt;
  }
  return *size;
}

bool control_elements::is_atom(std::size_t place) const {
  switch (tag_of(at(place))) {
  case tag::small_atom_utf8:
  case tag::atom_utf8:
  case tag::small_atom:
  case tag::atom:
  case tag::atom_cache_ref:
    return true;
  default:
    return false;
  }
}

std::optional<atom> control_elements::intern(std::string_view text) {
  if (text == names_.peer.text())
    return names_.peer;
  if (text == names_.self.text())
    return names_.self;
  if (const auto known = atom::find(text))
    return known;
  if (how_.limits.new_atoms == 0) {
    error_ = etf_errc::too_many_new_atoms;
    return std::nullopt;
  }
  const auto added = how_.budget == nullptr ? atom::intern(text) : atom::intern(text, *how_.budget);
  if (!added) {
    error_ = added.error();
    return std::nullopt;
  }
  --how_.limits.new_atoms;
  return *added;
}

std::optional<atom> control_elements::take_atom(std::span<const std::byte>& bytes) {
  const auto size = atom_length(bytes);
  if (size == 0 || size > bytes.size())
    return std::nullopt;
  if (tag_of(bytes) == tag::atom_cache_ref) {
    const auto index = std::to_integer<std::size_t>(bytes[1]);
    bytes = bytes.subspan(size);
    if (index < how_.atom_refs.size())
      return how_.atom_refs[index];
    error_ = etf_errc::bad_atom_reference;
    return std::nullopt;
  }
  const auto prefix = tag_of(bytes) == tag::small_atom_utf8 ? 2U : 3U;
  const auto text = bytes.first(size).subspan(prefix);
  bytes = bytes.subspan(size);
  return intern({reinterpret_cast<const char*>(text.data()), text.size()});
}

std::optional<pid> control_elements::to_pid(std::size_t place) {
  auto bytes = at(place);
  if (tag_of(bytes) == tag::new_pid && usual_length(bytes) == bytes.size()) {
    bytes = bytes.subspan(1);
    const auto node = take_atom(bytes);
    if (!node)
      return std::nullopt;
    return pid{.node = *node,
               .id = number_at<std::uint32_t>(bytes.data()),
               .serial = number_at<std::uint32_t>(bytes.data() + 4),
               .creation = number_at<std::uint32_t>(bytes.data() + 8)};
  }
  const auto value = to_term(place);
  return value ? value->to_pid() : std::nullopt;
}

std::optional<atom> control_elements::to_atom(std::size_t place) {
  auto bytes = at(place);
  if (atom_length(bytes) != 0)
    return take_atom(bytes);
  if (!is_atom(place))
    return std::nullopt;
  const auto value = to_term(place);
  return value ? value->to_atom() : std::nullopt;
}

std::optional<reference> control_elements::to_reference(std::size_t place) {
  auto bytes = at(place);
  if (tag_of(bytes) == tag::newer_reference && usual_length(bytes) == bytes.size()) {
    reference value;
    value.size = static_cast<std::uint8_t>(number_at<std::uint16_t>(bytes.data() + 1));
    bytes = bytes.subspan(3);
    const auto node = take_atom(bytes);
    if (!node)
      return std::nullopt;
    value.node = *node;
    value.creation = number_at<std::uint32_t>(bytes.data());
    for (std::size_t i = 0; i < value.size; ++i)
      value.words[i] = number_at<std::uint32_t>(bytes.data() + 4 + 4 * i);
    return value;
  }
  const auto value = to_term(place);
  return value ? value->to_reference() : std::nullopt;
}

std::optional<std::int64_t> control_elements::to_int64(std::size_t place) {
  const auto bytes = at(place);
  if (tag_of(bytes) == tag::small_integer)
    return std::to_integer<std::int64_t>(bytes[1]);
  if (tag_of(bytes) == tag::integer)
    return static_cast<std::int32_t>(number_at<std::uint32_t>(bytes.data() + 1));
  const auto value = to_term(place);
  return value ? value->to_int64() : std::nullopt;
}

std::optional<std::uint64_t> control_elements::to_uint64(std::size_t place) {
  const auto bytes = at(place);
  if (tag_of(bytes) == tag::small_integer)
    return std::to_integer<std::uint64_t>(bytes[1]);
  const auto value = to_term(place);
  return value ? value->to_uint64() : std::nullopt;
}

std::optional<term> control_elements::to_term(std::size_t place) {
  auto value = decode_prefix(at(place), how_);
  if (!value) {
    error_ = value.error().code;
    return std::nullopt;
  }
  return std::move(value->value);
}

} // namespace erl::dist
