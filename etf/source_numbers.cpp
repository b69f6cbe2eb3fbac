#include "etf/leaves.hpp"
#include "etf/source_bytes.hpp"
#include <erl/etf/source.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace erl {

using detail::load64;
using detail::load8;

namespace {

/// The next integer; one in a list of bytes has no tag.
wire::integer_leaf next_integer(bool in_string, const std::byte* at,
                                const std::byte* end) noexcept {
  if (in_string)
    return {at + 1, load8(at), false, true};
  return wire::integer(at, end);
}

/// The double of this very value, if there is one.
std::optional<double> exact_double(bool negative, std::uint64_t magnitude) noexcept {
  if (magnitude != 0 &&
      static_cast<int>(std::bit_width(magnitude)) - std::countr_zero(magnitude) > 53)
    return std::nullopt;
  const auto value = static_cast<double>(magnitude);
  return negative ? -value : value;
}

} // namespace

bool source::read_signed(std::int64_t& value, std::int64_t low, std::int64_t high) {
  if (where_ == place::bytes && rest() >= 2 &&
      load8(at_) == static_cast<std::uint32_t>(etf::tag::small_integer) && high >= 255 &&
      low <= 0) {
    value = load8(at_ + 1);
    at_ += 2;
    return true;
  }
  return read_other_signed(value, low, high);
}

bool source::read_other_signed(std::int64_t& value, std::int64_t low, std::int64_t high) {
  bool is_integer = true;
  if (in_bytes()) {
    const wire::integer_leaf next = next_integer(where_ == place::string, at_, end_);
    is_integer = next.after != nullptr;
    if (is_integer && next.is_int64() && next.to_int64() >= low && next.to_int64() <= high) {
      value = next.to_int64();
      at_ = next.after;
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
    const wire::integer_leaf next = next_integer(where_ == place::string, at_, end_);
    is_integer = next.after != nullptr;
    if (is_integer && next.fits && (!next.negative || next.magnitude == 0) &&
        next.magnitude <= high) {
      value = next.magnitude;
      at_ = next.after;
      return true;
    }
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
  const wire::integer_leaf next = next_integer(where_ == place::string, at_, end_);
  const auto number = next.after != nullptr && next.is_int64()
                          ? exact_double(next.negative, next.magnitude)
                          : std::nullopt;
  if (!number)
    return fail(next.after == nullptr ? etf_errc::wrong_type : etf_errc::out_of_range, "float");
  value = *number;
  at_ = next.after;
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
