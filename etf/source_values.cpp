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

/// An identifier by way of a term: all that is not in the usual form.
template <class T>
bool source::read_identifier(T& value, std::optional<T> (term_ref::*get)() const noexcept,
                             term_kind kind, std::string_view name) {
  if (!is(kinds(kind)))
    return fail(etf_errc::wrong_type, name);
  if (in_bytes()) {
    term whole;
    if (!read_bare(whole))
      return false;
    value = (whole.*get)().value_or(T());
    return true;
  }
  value = (peek().*get)().value_or(T());
  advance();
  return true;
}

bool source::read(pid& value) {
  if (where_ == place::bytes && at_ != end_ &&
      load8(at_) == static_cast<std::uint32_t>(etf::tag::new_pid)) {
    const std::byte* numbers = known_atom(at_ + 1, value.node);
    // A larger number is legal for some nodes only.
    if (numbers != nullptr && end_ - numbers >= 12 && load32(numbers) >> 28 == 0) {
      value.id = load32(numbers);
      value.serial = load32(numbers + 4);
      value.creation = load32(numbers + 8);
      at_ = numbers + 12;
      return true;
    }
  }
  return read_identifier(value, &term_ref::to_pid, term_kind::pid, "pid");
}

bool source::read(port& value) {
  return read_identifier(value, &term_ref::to_port, term_kind::port, "port");
}

bool source::read(reference& value) {
  constexpr std::size_t usual_words = 3;
  if (where_ == place::bytes && rest() >= 3 &&
      load8(at_) == static_cast<std::uint32_t>(etf::tag::newer_reference) &&
      load16(at_ + 1) == usual_words) {
    const std::byte* numbers = known_atom(at_ + 3, value.node);
    if (numbers != nullptr && end_ - numbers >= 16) {
      value.creation = load32(numbers);
      value.size = usual_words;
      value.words = {load32(numbers + 4), load32(numbers + 8), load32(numbers + 12), 0, 0};
      at_ = numbers + 16;
      return true;
    }
  }
  return read_identifier(value, &term_ref::to_reference, term_kind::reference, "reference");
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

bool source::read_bytes(std::span<const std::byte>& value) {
  if (inflated_)
    return fail(etf_errc::wrong_type, "binary that can be borrowed (this input is compressed)");
  return read_binary(value);
}

bool source::read_text(std::string_view& value) {
  std::span<const std::byte> bytes;
  if (!read_bytes(bytes))
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
