#include "arithmetic.hpp"

#include <erl/erl.hpp>
#include <erl/etf/bigint.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace demo {
namespace {

using words = std::vector<std::uint64_t>;

[[noreturn]] void bad_arithmetic() { throw erl::exit_exception{erl::atom("badarith")}; }

/// The number of the other sign, in two's complement.
void negate(words& number) {
  bool carry = true;
  for (auto& word : number) {
    word = ~word + (carry ? 1 : 0);
    carry = carry && word == 0;
  }
}

/// Two's complement of so many words, the low-order one first.
words complement(const erl::bigint& value, std::size_t size) {
  const auto magnitude = value.magnitude();
  words result(size);
  std::ranges::copy(magnitude, result.begin());
  if (value.negative())
    negate(result);
  return result;
}

erl::bigint add(const erl::bigint& left, const erl::bigint& right) {
  // One word more than the longer one, so that the sign bit of the sum stays its sign.
  const std::size_t size = std::max(left.magnitude().size(), right.magnitude().size()) + 1;
  words total = complement(left, size);
  const words other = complement(right, size);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t part = total[i] + other[i];
    const std::uint64_t whole = part + carry;
    carry = (part < other[i] ? 1U : 0U) + (whole < part ? 1U : 0U);
    total[i] = whole;
  }
  const bool negative = (total.back() >> 63U) != 0;
  if (negative)
    negate(total);
  return {negative, total};
}

double to_double(erl::term_ref value) {
  if (const auto number = value.to_double())
    return *number;
  const auto number = value.to_bigint();
  const auto nearest = number ? number->to_double() : std::nullopt;
  if (!nearest)
    bad_arithmetic();
  return *nearest;
}

} // namespace

erl::term sum(erl::term_ref left, erl::term_ref right) {
  const auto a = left.to_int64();
  const auto b = right.to_int64();
  std::int64_t small = 0;
  if (a && b && !__builtin_add_overflow(*a, *b, &small))
    return erl::term(small);
  if (left.is_integer() && right.is_integer())
    return erl::to_term(add(*left.to_bigint(), *right.to_bigint()));
  const double total = to_double(left) + to_double(right);
  if (total - total != 0) // not finite
    bad_arithmetic();
  return erl::term(total);
}

} // namespace demo
