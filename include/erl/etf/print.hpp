/// Terms as text, in Erlang's syntax.
#pragma once

#include <erl/etf/term.hpp>

#include <cstddef>
#include <limits>
#include <string>

namespace erl {

/// How to print.
enum class print_style : std::uint8_t {
  /// As `io_lib:format("~0tp", ...)`: printable lists and binaries as strings, on one line.
  pretty,
  /// As `~tw`: lists and binaries as numbers; characters beyond Latin-1 as they are.
  plain,
  /// As `~w`: like plain, characters beyond Latin-1 as `\x{4E2D}`.
  plain_latin1,
  /// As Elixir's `inspect` without limits and on one line: `%{name: "Ada", tags: [:a, nil]}`. Maps
  /// are in ascending exact order of the keys (Elixir's own is arbitrary unless it is told to sort
  /// them). A map with a module in `__struct__` prints as a struct, without the forms that Elixir's
  /// protocol gives to single ones: `%Date{...}`, not `~D[...]`. Atoms with characters beyond
  /// the Latin letters up to U+017E are always quoted.
  elixir,
};

/// The node whose pids are printed with 0 in front, as a node prints its own: `nonode@nohost` until
/// somebody sets it, which a program's node does when it starts. Any thread.
atom own_node() noexcept;
void set_own_node(atom node) noexcept;

/// How to print, and for whom.
struct print_options {
  print_style style = print_style::pretty;
  /// The node whose pids begin with 0; others begin with the index of their node's atom.
  atom own_node = erl::own_node();
  /// Bytes after which the text ends in `...`, for logs.
  std::size_t max_bytes = std::numeric_limits<std::size_t>::max();
  /// Pids, ports and references begin with the name of their node: `<a@h.5.0>`.
  bool node_names = false;
};

/// The text of a term in UTF-8.
std::string to_string(term_ref value, const print_options& options);

/// The text of a term, as Erlang's shell would show it.
std::string to_string(term_ref value, print_style style = print_style::pretty);

/// The same for logs and errors: at most 1 KB of it, whatever size the term has.
std::string brief(term_ref value);

/// Appends the text.
void print(term_ref value, std::string& out, const print_options& options = {});

} // namespace erl
