/// The grammar of constants, and of patterns with variables in them.
#pragma once

#include "etf/assembler.hpp"
#include "etf/parse_scan.hpp"
#include <erl/etf/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace erl::text {

class bit_sink;

/// Reads terms one after the other, with a stack of its own in place of recursion. After a function
/// returned false, `error` says why.
class grammar {
public:
  /// With `variables` it reads patterns: variables stand in the terms as `detail::variable_word`,
  /// and `variables` gets their names in the order of their first appearance.
  grammar(std::string_view text, const limits& bounds,
          std::vector<std::string>* variables = nullptr) noexcept
      : scan_(text, bounds.digits), bounds_(bounds), new_atoms_left_(bounds.new_atoms),
        variables_(variables) {}

  /// Goes to the first token.
  [[nodiscard]] bool start() { return scan_.advance(); }
  bool at_end() const noexcept { return scan_.kind() == token::end; }
  /// Reads a term and goes to the token behind it.
  [[nodiscard]] bool read(term& result);
  /// Reads the full stop after a term.
  [[nodiscard]] bool full_stop();
  /// Reads the one term that is the whole text, but for a full stop.
  [[nodiscard]] bool read_all(term& result);

  parse_error error() const { return locate(scan_.text(), scan_.error()); }

private:
  enum class inside : std::uint8_t { tuple, list, tail, key, value, parentheses };
  /// An open bracket, and the index of its first value.
  struct frame {
    inside what;
    /// Within a key of a map, where a pattern must not have variables.
    bool constant;
    std::size_t first;
  };
  /// What reading a part of a term led to.
  enum class step : std::uint8_t { failed, value_wanted, value_done };

  static step done(bool good) noexcept { return good ? step::value_done : step::failed; }
  static step wanted(bool good) noexcept { return good ? step::value_wanted : step::failed; }

  step begin();
  step symbol();
  step open(inside what, std::string_view closing);
  step open_map();
  step follow();
  step close();
  std::string_view arrow() const noexcept;
  std::string_view closings() const noexcept;

  bool leaf(bool negative);
  bool signed_number();
  bool atom();
  bool fun();
  bool variable();
  bool string();
  bool intern(std::string_view name, std::size_t at, erl::atom& result);
  bool keep(bool good);
  bool expect(std::string_view symbol);
  bool in_pattern() const noexcept;

  // Binaries: see parse_bits.cpp.
  struct segment;
  bool bits();
  bool bits_segment(bit_sink& out);
  bool segment_value(segment& now);
  bool segment_size(segment& now);
  bool segment_types(segment& now);
  bool segment_type(segment& now);
  bool segment_unit(segment& now);
  bool check_segment(segment& now, std::size_t at);
  bool put_segment(const segment& now, bit_sink& out, std::size_t at);
  bool small_integer(std::size_t largest, std::string_view what, std::size_t& value);

  scanner scan_;
  const limits& bounds_;
  std::uint32_t new_atoms_left_;
  std::vector<std::string>* variables_;
  /// Bits of all binaries so far.
  std::size_t bits_made_ = 0;
  detail::assembler made_;
  std::vector<frame> open_;
};

} // namespace erl::text
