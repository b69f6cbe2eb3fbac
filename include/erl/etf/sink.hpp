/// Where typed encoding writes to: the bytes of an external term, or a term. One interface for
/// both.
#pragma once

#include <erl/etf/bigint.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/named_atom.hpp>
#include <erl/etf/pid.hpp>
#include <erl/etf/term.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace erl {

class builder;

/// Takes a term in preorder: a container's size first, then its parts, then the matching `end_`.
class sink {
public:
  /// Appends to `out`, after the version byte if `frame` asks for it.
  sink(std::vector<std::byte>& out, framing frame);
  explicit sink(builder& tree) noexcept : tree_(&tree) {}

  void boolean(bool value);
  void atom(erl::atom value);
  void atom(const detail::named_atom& name) { atom(name.get()); }
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void integer(const bigint& value);
  /// Throws std::domain_error for NaN and infinities.
  void floating(double value);
  /// Binaries.
  void bytes(std::span<const std::byte> value);
  void text(std::string_view value);
  void write(const pid& value);
  void write(const port& value);
  void write(const reference& value);
  void write(term_ref value);

  void begin_tuple(std::size_t arity);
  /// Returns what `end_list` needs.
  [[nodiscard]] std::size_t begin_list(std::size_t elements);
  void end_list(std::size_t start, std::size_t elements);
  /// One element and then the tail follow. Returns what `end_cell` needs.
  [[nodiscard]] std::size_t begin_cell();
  void end_cell(std::size_t start);
  /// A native record; as many values follow as there are fields.
  void begin_record(erl::atom module, erl::atom name, bool exported,
                    std::span<const erl::atom> fields);
  /// Pairs in any order follow. Of equal keys the last one stays.
  [[nodiscard]] std::size_t begin_map(std::size_t pairs);
  /// `sorted`: the keys are in ascending exact order, and there are none twice.
  void end_map(std::size_t start, std::size_t pairs, bool sorted);

private:
  std::vector<std::byte>* out_ = nullptr;
  builder* tree_ = nullptr;
};

} // namespace erl
