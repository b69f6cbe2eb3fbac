#include "etf/source_bytes.hpp"
#include <erl/etf/source.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace erl {

using detail::load32;
using detail::load64;
using detail::load8;

namespace {

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

/// `first`: the tag, as `source::tag` gives it.
inline integer_parts find_integer(int first, const std::byte* at, const std::byte* end) noexcept {
  if (first == static_cast<int>(etf::tag::small_integer) && end - at >= 2)
    return {integer_parts::fits, false, load8(at + 1), at + 2};
  if (first == static_cast<int>(etf::tag::integer) && end - at >= 5) {
    const std::int64_t value = std::bit_cast<std::int32_t>(load32(at + 1));
    return {integer_parts::fits, value < 0, static_cast<std::uint64_t>(value < 0 ? -value : value),
            at + 5};
  }
  if (first == static_cast<int>(etf::tag::small_big))
    return find_big(at, end, 2);
  if (first == static_cast<int>(etf::tag::large_big))
    return find_big(at, end, 5);
  return {};
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

} // namespace erl
