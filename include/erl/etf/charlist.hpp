/// Erlang's strings: lists of characters.
#pragma once

#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace erl {

/// Text that travels as a list of code points, as Erlang's `"text"` does. (An Elixir `"text"` is a
/// binary: std::string.)
struct charlist {
  /// In UTF-8.
  std::string text;

  bool operator==(const charlist&) const = default;
};

namespace detail {

std::optional<std::string> utf8_from_code_points(const std::vector<std::uint32_t>& points);
/// Nothing when `text` is not UTF-8.
std::optional<std::vector<std::uint32_t>> code_points(std::string_view text);

} // namespace detail

template <> struct conversion<charlist> {
  using as = std::vector<std::uint32_t>;
  static std::optional<charlist> from(const as& points) {
    auto text = detail::utf8_from_code_points(points);
    return text ? std::optional(charlist{std::move(*text)}) : std::nullopt;
  }
  /// Throws std::invalid_argument when the text is not UTF-8.
  static as to(const charlist& value);
};

} // namespace erl
