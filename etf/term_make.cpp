#include "etf/parts.hpp"
#include <erl/etf/builder.hpp>
#include <erl/etf/term.hpp>

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace erl {

using namespace detail;

namespace {

/// A term of what `make` puts into an arena.
template <class Make> term make_term(Make make) {
  arena memory(0);
  word root = make(memory);
  return term::adopt(root, memory.take());
}

} // namespace

term::term(double value) : term(make_term([&](arena& memory) { return memory.floating(value); })) {}

term::term(const bigint& value)
    : term(make_term(
          [&](arena& memory) { return memory.magnitude(value.negative(), value.magnitude()); })) {}

term::term(const erl::pid& value)
    : term(make_term([&](arena& memory) { return memory.identifier(value); })) {}

term::term(const erl::port& value)
    : term(make_term([&](arena& memory) { return memory.identifier(value); })) {}

term::term(const erl::reference& value)
    : term(make_term([&](arena& memory) { return memory.identifier(value); })) {}

term::term(const erl::external_fun& value)
    : term(make_term([&](arena& memory) { return memory.fun(value); })) {}

void term::set_integer(std::int64_t value) {
  if (fits_small(value))
    word_ = small_word(value);
  else
    *this = make_term([&](arena& memory) { return memory.integer(value); });
}

void term::set_unsigned(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(max_small))
    word_ = small_word(static_cast<std::int64_t>(value));
  else
    *this = make_term([&](arena& memory) { return memory.unsigned_integer(value); });
}

term term::binary(std::span<const std::byte> bytes) {
  return make_term([&](arena& memory) { return memory.binary(bytes); });
}

term term::text(std::string_view text) { return binary(std::as_bytes(std::span(text))); }

term term::binary(const shared_bytes& owner, std::span<const std::byte> part) {
  return make_term([&](arena& memory) { return memory.slice(owner, part); });
}

term term::bit_string(std::span<const std::byte> bytes, std::size_t bits) {
  return make_term([&](arena& memory) { return memory.bit_string(bytes, bits); });
}

term term::tuple(std::initializer_list<term_ref> elements) {
  return tuple(std::span(elements.begin(), elements.size()));
}

term term::tuple(std::span<const term_ref> elements) {
  builder b;
  b.begin_tuple(elements.size());
  for (term_ref element : elements)
    b.add(element);
  return b.finish();
}

term term::list(std::initializer_list<term_ref> elements) {
  return list(std::span(elements.begin(), elements.size()));
}

term term::list(std::span<const term_ref> elements, term_ref tail) {
  builder b;
  if (tail.is_nil())
    b.begin_list(elements.size());
  else
    b.begin_list_with_tail(elements.size());
  for (term_ref element : elements)
    b.add(element);
  if (!tail.is_nil())
    b.add(tail);
  return b.finish();
}

term term::map(std::span<const std::pair<term_ref, term_ref>> pairs) {
  builder b;
  b.begin_map(pairs.size());
  for (const auto& [key, value] : pairs) {
    b.add(key);
    b.add(value);
  }
  return b.finish();
}

term term::map(std::initializer_list<std::pair<term_ref, term_ref>> pairs) {
  return map(std::span(pairs.begin(), pairs.size()));
}

term term::copy(term_ref value) {
  return make_term([&](arena& memory) {
    memory.reserve(measure(value));
    return copy_into(memory, value);
  });
}

std::size_t term::memory() const noexcept { return block_ == nullptr ? 0 : block_->memory; }

} // namespace erl
