#include "etf/magnitude.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

namespace erl::magnitude {

namespace {

__extension__ using wide = unsigned __int128;

constexpr std::uint64_t decimal_base = 10'000'000'000'000'000'000U;
constexpr auto decimal_reciprocal =
    static_cast<std::uint64_t>(~wide{0} / decimal_base - (wide{1} << 64));

struct division {
  std::uint64_t quotient;
  std::uint64_t remainder;
};

/// Divides (high, low) by the decimal base, which is above high. Two multiplications (Moeller and
/// Granlund) in place of a division, as numbers of a million digits take a thousand million of
/// these.
division divide(std::uint64_t high, std::uint64_t low) noexcept {
  static_assert(decimal_base >> 63 == 1, "the method wants a normalised divisor");
  wide estimate =
      static_cast<wide>(decimal_reciprocal) * high + (static_cast<wide>(high) << 64 | low);
  auto quotient = static_cast<std::uint64_t>(estimate >> 64) + 1;
  std::uint64_t remainder = low - quotient * decimal_base;
  if (remainder > static_cast<std::uint64_t>(estimate)) {
    --quotient;
    remainder += decimal_base;
  }
  if (remainder >= decimal_base) {
    ++quotient;
    remainder -= decimal_base;
  }
  return {quotient, remainder};
}

std::size_t bit_size(view words) noexcept {
  return words.empty()
             ? 0
             : words.size() * 64 - static_cast<std::size_t>(std::countl_zero(words.back()));
}

/// A double of at least 1 as words; its fraction, if any, is dropped.
std::size_t to_words(double value, std::array<std::uint64_t, 17>& out) noexcept {
  int exponent = 0;
  double fraction = std::frexp(value, &exponent);
  auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  int shift = exponent - 53;
  if (shift <= 0) {
    out[0] = mantissa >> -shift;
    return 1;
  }
  auto word = static_cast<std::size_t>(shift) / 64;
  auto bit = static_cast<std::size_t>(shift) % 64;
  out[word] = mantissa << bit;
  out[word + 1] = bit == 0 ? 0 : mantissa >> (64 - bit);
  return word + 2;
}

} // namespace

view trim(view words) noexcept {
  while (!words.empty() && words.back() == 0)
    words = words.first(words.size() - 1);
  return words;
}

int compare(view left, view right) noexcept {
  if (left.size() != right.size())
    return left.size() < right.size() ? -1 : 1;
  for (std::size_t i = left.size(); i-- > 0;) {
    if (left[i] != right[i])
      return left[i] < right[i] ? -1 : 1;
  }
  return 0;
}

int compare(view left, double right) noexcept {
  if (right < 1.0)
    return left.empty() ? -1 : 1;
  std::array<std::uint64_t, 17> words{};
  std::size_t size = to_words(right, words);
  int order = compare(left, trim(view(words).first(size)));
  return order == 0 && right < 0x1p53 && right != std::floor(right) ? -1 : order;
}

void multiply_add(std::vector<std::uint64_t>& words, std::uint64_t factor, std::uint64_t summand) {
  std::uint64_t carry = summand;
  for (std::uint64_t& word : words) {
    wide product = static_cast<wide>(word) * factor + carry;
    word = static_cast<std::uint64_t>(product);
    carry = static_cast<std::uint64_t>(product >> 64);
  }
  if (carry != 0)
    words.push_back(carry);
}

std::optional<std::int64_t> to_int64(bool negative, view words) noexcept {
  if (words.empty())
    return 0;
  constexpr std::uint64_t top = std::uint64_t{1} << 63;
  if (words.size() > 1 || words[0] > top || (words[0] == top && !negative))
    return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - words[0] : words[0]);
}

std::optional<double> to_double(bool negative, view words) noexcept {
  std::size_t bits = bit_size(words);
  if (bits > 1024)
    return std::nullopt;
  double result = 0.0;
  if (bits <= 64) {
    result = words.empty() ? 0.0 : static_cast<double>(words[0]);
  } else {
    // The top 64 bits, with everything below folded into the last one: rounding then sees whether
    // it was a tie.
    std::size_t drop = bits - 64;
    std::size_t word = drop / 64;
    std::size_t bit = drop % 64;
    std::uint64_t top = words[word] >> bit;
    if (bit != 0)
      top |= words[word + 1] << (64 - bit);
    bool rest = bit != 0 && (words[word] << (64 - bit)) != 0;
    rest = rest || std::ranges::any_of(words.first(word), [](std::uint64_t w) { return w != 0; });
    result = std::ldexp(static_cast<double>(top | (rest ? 1U : 0U)), static_cast<int>(drop));
  }
  if (std::isinf(result))
    return std::nullopt;
  return negative ? -result : result;
}

void print(view words, std::string& out) {
  if (words.empty()) {
    out += '0';
    return;
  }
  std::vector<std::uint64_t> left(words.begin(), words.end());
  std::vector<std::uint64_t> groups;
  while (!left.empty()) {
    std::uint64_t remainder = 0;
    for (std::size_t i = left.size(); i-- > 0;) {
      division step = divide(remainder, left[i]);
      left[i] = step.quotient;
      remainder = step.remainder;
    }
    groups.push_back(remainder);
    while (!left.empty() && left.back() == 0)
      left.pop_back();
  }
  for (std::size_t i = groups.size(); i-- > 0;) {
    std::array<char, decimal_digits + 1> digits{};
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), groups[i]).ptr;
    auto size = static_cast<std::size_t>(end - digits.data());
    if (i + 1 < groups.size())
      out.append(decimal_digits - size, '0');
    out.append(digits.data(), size);
  }
}

} // namespace erl::magnitude
