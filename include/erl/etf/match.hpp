/// Patterns: what Erlang has on the left of `=`, in its own syntax.
#pragma once

#include <erl/etf/parse_error.hpp>
#include <erl/etf/term.hpp>

#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace erl {

class pattern;

/// What the variables of a pattern stand for in one term. Valid as long as the pattern and the
/// owner of the term live; keep a part with `owner.share(bound["Pid"])`.
class bindings {
public:
  /// By the order in which the variables appear in the pattern, from 0; below `size()`.
  term_ref operator[](std::size_t index) const noexcept { return values_[index]; }
  /// By name. Throws std::out_of_range for a variable that the pattern does not have.
  term_ref operator[](std::string_view name) const;
  std::size_t size() const noexcept { return names_.size(); }

private:
  friend class pattern;

  std::span<const std::string> names_;
  std::array<term_ref, 32> values_;
};

/// A pattern such as `{'$gen_call', {Pid, _}, {add, A, B}}`, made once and matched often, from any
/// thread. Variables stand for any term, and one that comes twice for exactly equal ones; `_` for
/// anything. Maps are matched by their keys (`#{name := Name}`), whatever else they hold; keys are
/// constants. All else must be exactly equal: `1` does not match 1.0.
class pattern {
public:
  /// At most 32 variables and 64 levels of nesting.
  static std::expected<pattern, parse_error> parse(std::string_view text);

  /// The same for a literal. Throws std::invalid_argument when it is no pattern.
  template <std::size_t N>
  pattern(const char (&literal)[N]) : pattern(checked(std::string_view(literal, N - 1))) {}

  /// The variables, if the term matches. Takes time proportional to the pattern, and memory only to
  /// compare very deep terms that a variable stands for twice.
  std::optional<bindings> match(term_ref value) const;
  bool matches(term_ref value) const { return match(value).has_value(); }

  /// The names of the variables, in the order of their first appearance.
  std::span<const std::string> variables() const noexcept { return names_; }

private:
  pattern() = default;
  static pattern checked(std::string_view literal);

  term shape_;
  std::vector<std::string> names_;
};

} // namespace erl
