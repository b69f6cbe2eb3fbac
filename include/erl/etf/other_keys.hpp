/// Keys that a type does not know, kept.
#pragma once

#include <erl/etf/term.hpp>

namespace erl {

/// A field of this type takes what the other fields leave: decoding collects it, encoding writes it
/// again. For shapes with keys, once in a type:
///
///     struct options { int port = 0; erl::other_keys rest; };
///     template <> inline constexpr auto erl::shape<options> = erl::map_shape;
///
/// The name of the field is no key.
struct other_keys {
  /// `[]` when there are none. Else for a map, an Elixir struct and a native record (the keys of
  /// which are atoms) a map of the other pairs, for lists a list of the other elements, in order.
  term all;

  bool operator==(const other_keys&) const = default;
};

} // namespace erl
