#include "etf/atom_table.hpp"
#include "etf/leaves.hpp"
#include "etf/source_bytes.hpp"
#include <erl/etf/source.hpp>

#include <cstring>
#include <expected>
#include <limits>
#include <string_view>

namespace erl {

using detail::load8;

namespace {

std::expected<atom, etf_errc> intern_latin1(std::string_view text) noexcept {
  if (text.size() > 255)
    return std::unexpected(etf_errc::atom_too_long);
  return atom::intern(wire::utf8_name(text).text());
}

} // namespace

atom detail::named_atom::get() const {
  const std::uint32_t known = __atomic_load_n(&index_, __ATOMIC_ACQUIRE);
  if (known != 0)
    return atom::from_index(known);
  const atom result(text_);
  __atomic_store_n(&index_, result.index(), __ATOMIC_RELEASE);
  return result;
}

bool detail::named_atom::is(atom value) const noexcept {
  const std::uint32_t known = __atomic_load_n(&index_, __ATOMIC_ACQUIRE);
  if (known != 0)
    return value.index() == known;
  if (value.text() != text_)
    return false;
  __atomic_store_n(&index_, value.index(), __ATOMIC_RELEASE);
  return true;
}

/// What follows the atom at `at` if it is this one, else null.
const std::byte* source::after_atom(const std::byte* at,
                                    const detail::named_atom& name) const noexcept {
  if (end_ - at >= 2 && load8(at) == static_cast<std::uint32_t>(etf::tag::atom_cache_ref)) {
    const std::size_t index = load8(at + 1);
    const bool same = index < options_->atom_refs.size() && name.is(options_->atom_refs[index]);
    return same ? at + 2 : nullptr;
  }
  const wire::name_leaf found = wire::name(at, end_);
  if (found.after == nullptr)
    return nullptr;
  const bool same =
      found.latin1 ? wire::same_name(found.text, name.text()) : found.text == name.text();
  return same ? found.after : nullptr;
}

/// Takes the next term if it is this atom; notes no error.
bool source::take(const detail::named_atom& name) noexcept {
  const std::string_view text = name.text();
  if (where_ == place::bytes && rest() >= 2 + text.size() &&
      load8(at_) == static_cast<std::uint32_t>(etf::tag::small_atom_utf8) &&
      load8(at_ + 1) == text.size() && std::memcmp(at_ + 2, text.data(), text.size()) == 0) {
    at_ += 2 + text.size();
    return true;
  }
  if (!in_bytes()) {
    if (!is_atom(name))
      return false;
    advance();
    return true;
  }
  const std::byte* after = where_ == place::bytes ? after_atom(at_, name) : nullptr;
  if (after == nullptr)
    return false;
  at_ = after;
  return true;
}

bool source::is_atom(const detail::named_atom& name) const noexcept {
  if (in_bytes())
    return where_ == place::bytes && after_atom(at_, name) != nullptr;
  const auto value = peek().to_atom();
  return value && name.is(*value);
}

bool source::is_absent() const noexcept {
  return is(kinds(term_kind::atom)) &&
         (is_atom(detail::name_of<"undefined">) || is_atom(detail::name_of<"nil">));
}

bool source::read(bool& value) {
  const bool yes = take(detail::name_of<"true">);
  if (!yes && !take(detail::name_of<"false">))
    return fail(etf_errc::wrong_type, "boolean");
  value = yes;
  return true;
}

/// The atom encoded at `at` in its usual form, if it exists: what follows it; else null.
const std::byte* source::known_atom(const std::byte* at, atom& value) const noexcept {
  if (end_ - at < 2 || load8(at) != static_cast<std::uint32_t>(etf::tag::small_atom_utf8))
    return nullptr;
  const std::size_t size = load8(at + 1);
  if (static_cast<std::size_t>(end_ - at) < 2 + size)
    return nullptr;
  const std::byte* const after = at + 2 + size;
  if (size < 8 && after - begin_ < 8)
    return nullptr;
  const std::uint32_t index = detail::atom_table::get().find(detail::atom_key::readable(
      reinterpret_cast<const char*>(at + 2), static_cast<std::uint32_t>(size)));
  if (index == detail::atom_table::none)
    return nullptr;
  value = atom::from_index(index);
  return after;
}

bool source::read(atom& value) {
  if (where_ == place::bytes) {
    if (const std::byte* after = known_atom(at_, value); after != nullptr) {
      at_ = after;
      return true;
    }
  }
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
  const wire::name_leaf found = where_ == place::string ? wire::name_leaf{} : wire::name(at_, end_);
  if (found.after == nullptr)
    return fail(etf_errc::wrong_type, "atom");
  if (new_atoms_ != std::numeric_limits<std::uint32_t>::max() || options_->budget != nullptr)
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

bool source::read_exactly(const detail::named_atom& name) {
  if (take(name))
    return true;
  return fail(etf_errc::wrong_value, name.text());
}

bool source::take_absent() noexcept {
  return is(kinds(term_kind::atom)) &&
         (take(detail::name_of<"undefined">) || take(detail::name_of<"nil">));
}

std::size_t source::read_one_of(detail::named_atoms names) {
  if (!is(kinds(term_kind::atom)))
    return names.count;
  for (std::size_t i = 0; i < names.count; ++i)
    if (take(names[i]))
      return i;
  return names.count;
}

} // namespace erl
