/// Natural numbers as 64-bit words, the low-order one first and without leading zeros: what
/// integers of any size are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace erl::magnitude {

using view = std::span<const std::uint64_t>;

/// The most decimal digits that always fit one word.
inline constexpr std::size_t decimal_digits = 19;

/// Without leading zeros.
view trim(view words) noexcept;

/// Negative, zero or positive.
int compare(view left, view right) noexcept;

/// Compares a magnitude with a finite, positive double, exactly.
int compare(view left, double right) noexcept;

/// words = words * factor + summand.
void multiply_add(std::vector<std::uint64_t>& words, std::uint64_t factor, std::uint64_t summand);

std::optional<std::int64_t> to_int64(bool negative, view words) noexcept;

/// The nearest double, or nothing above the largest one.
std::optional<double> to_double(bool negative, view words) noexcept;

/// Appends decimal digits.
void print(view words, std::string& out);

} // namespace erl::magnitude
