/// For tests: makes the tree of a term by reading it through a view, part by part.
#pragma once

#include <erl/etf/builder.hpp>
#include <erl/etf/view.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace erl::test {

/// A term that has no parts, or that a view takes as a whole only. Not an atom that does not exist.
inline bool add_leaf(builder& tree, view& from, term_kind kind) {
  std::int64_t integer = 0;
  std::uint64_t large = 0;
  double number = 0;
  atom name;
  pid process;
  port gate;
  reference unique;
  std::string_view text;
  if (kind == term_kind::integer && from.take(integer))
    return tree.add(integer), true;
  if (kind == term_kind::big_integer && from.take(large))
    return tree.add(large), true;
  if (kind == term_kind::floating && from.take(number))
    return tree.add(number), true;
  if (kind == term_kind::atom && from.take(name))
    return tree.add(name), true;
  if (kind == term_kind::pid && from.take(process))
    return tree.add(process), true;
  if (kind == term_kind::port && from.take(gate))
    return tree.add(gate), true;
  if (kind == term_kind::reference && from.take(unique))
    return tree.add(unique), true;
  if (kind == term_kind::bitstring && from.take(text))
    return tree.text(text), true;
  if (kind == term_kind::nil && from.take_nil())
    return tree.nil(), true;
  const auto whole = from.take_term();
  if (whole)
    tree.add(*whole);
  return whole.has_value();
}

/// The next term; nothing when its bytes are wrong, or name an atom that does not exist.
inline std::optional<term> rebuild(view& from) {
  builder tree;
  for (std::size_t missing = 1; missing > 0; --missing) {
    const auto kind = from.kind();
    if (!kind)
      return std::nullopt;
    if (*kind == term_kind::tuple) {
      const auto arity = from.enter_tuple();
      if (!arity)
        return std::nullopt;
      tree.begin_tuple(*arity);
      missing += *arity;
    } else if (*kind == term_kind::map) {
      const auto pairs = from.enter_map();
      if (!pairs)
        return std::nullopt;
      tree.begin_map(*pairs);
      missing += 2 * *pairs;
    } else if (*kind == term_kind::list) {
      const auto elements = from.enter_list();
      if (!elements)
        return std::nullopt;
      tree.begin_list_with_tail(*elements);
      missing += *elements + 1;
    } else if (!add_leaf(tree, from, *kind)) {
      return std::nullopt;
    }
  }
  return tree.finish();
}

} // namespace erl::test
