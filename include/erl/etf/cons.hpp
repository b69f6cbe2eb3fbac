/// Lists cell by cell, for those that do not end with `[]`.
#pragma once

#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

namespace erl {

/// `[Head | Tail]`: `erl::cons<erl::atom, erl::reference>` is `[alias | Ref]`. The tail may be
/// anything: another cons, or a vector for a list of at least one element. Where it is a list, or
/// not the only thing behind the head, nothing can be borrowed from the bytes, and errors have no
/// offset.
template <class Head, class Tail> struct cons {
  Head head{};
  Tail tail{};
  bool operator==(const cons&) const = default;
};

template <class Head, class Tail> struct decoder<cons<Head, Tail>> {
  static bool read(source& from, cons<Head, Tail>& value) {
    source::scope saved;
    term room;
    return from.enter_cell(saved, room) &&
           (decoder<Head>::read(from, value.head) || from.under("head")) &&
           (decoder<Tail>::read(from, value.tail) || from.under("tail")) && from.leave_cell(saved);
  }
  static bool fits(source& from) { return from.is_cell(); }
  static void describe(std::string& out) { out += "[_|_]"; }
  static constexpr std::size_t min_size() { return 1; }
};

template <class Head, class Tail> struct encoder<cons<Head, Tail>> {
  static void write(sink& to, const cons<Head, Tail>& value) {
    const std::size_t start = to.begin_cell();
    encoder<Head>::write(to, value.head);
    encoder<Tail>::write(to, value.tail);
    to.end_cell(start);
  }
};

} // namespace erl
