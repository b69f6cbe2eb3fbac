/// Numbers from their digits, for the parsers of text.
#pragma once

#include "etf/magnitude.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace erl::text {

/// Gathers the digits of an integer, the first one first.
class digit_sink {
public:
  /// Begins anew; `base` is at least 2.
  void start(unsigned base) noexcept;
  /// `digit` is below the base. False when the number would be larger than OTP allows.
  [[nodiscard]] bool add(unsigned digit);
  /// The magnitude; valid until the next call of `start`. False as for `add`.
  [[nodiscard]] bool finish();
  magnitude::view words() const noexcept { return words_; }

private:
  std::vector<std::uint64_t> words_;
  std::uint64_t base_ = 10;
  /// Digits that are not in `words_` yet, and the power of the base above them.
  std::uint64_t value_ = 0;
  std::uint64_t scale_ = 1;
};

/// The value of a digit in any base up to 36, or 36 for other characters.
unsigned digit_value(char character) noexcept;

/// The double nearest to decimal text of the form `-12.5e-3`, nothing when it would be infinite.
/// Too small ones are 0.
std::optional<double> to_double(std::string_view text);

} // namespace erl::text
