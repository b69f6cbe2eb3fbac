#include "etf/source_bytes.hpp"
#include <erl/etf/source.hpp>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace erl {

using detail::load16;
using detail::load32;
using detail::load64;
using detail::load8;

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

bool source::is_binary() const noexcept {
  if (!in_bytes())
    return peek().is_binary();
  const auto first = static_cast<etf::tag>(tag());
  return first == etf::tag::binary ||
         (first == etf::tag::bit_binary && rest() >= 6 && load8(at_ + 5) == 8);
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

} // namespace erl
