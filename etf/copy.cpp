// Copies and measures terms. A frame is a row of words of which the rest is still to be done; the
// last word of a row is entered only after its frame is gone, so a list or a chain of tails of any
// length takes one frame.
#include "etf/parts.hpp"
#include <erl/etf/detail/small_stack.hpp>

#include <algorithm>
#include <cstring>

namespace erl::detail {

namespace {

struct row {
  const word* from;
  word* to;
  std::size_t left;
};

using rows = small_stack<row>;

bool immediate(word value) noexcept {
  return tag_of(value) == tag::integer || tag_of(value) == tag::immediate;
}

/// Words of what `value` points at, its parts not counted, and the parts as rows.
std::size_t words_at(word value, small_stack<std::span<const word>>& parts) {
  const word* at = address(value);
  auto add = [&](std::span<const word> some) {
    if (!some.empty())
      parts.push(some);
  };
  switch (tag_of(value)) {
  case tag::integer:
  case tag::immediate:
    return 0;
  case tag::floating:
    return 1;
  case tag::binary:
    return 1 + words_for(static_cast<std::size_t>(at[0]));
  case tag::tuple:
    add({at + 1, static_cast<std::size_t>(at[0])});
    return 1 + static_cast<std::size_t>(at[0]);
  case tag::list: {
    std::size_t run = run_of(at);
    bool more = at[run] == list_tail;
    if (more)
      add({at + run + 1, 1});
    add({at, run});
    return run + (more ? 2 : 1);
  }
  case tag::box:
    break;
  }
  std::size_t count = size_of(at[0]);
  switch (kind_of(at[0])) {
  case box_kind::positive_integer:
  case box_kind::negative_integer:
    return 1 + count;
  case box_kind::slice:
    return slice_words;
  case box_kind::bits:
    return 1 + words_for(count / 8 + 1);
  case box_kind::pid:
    return pid_words;
  case box_kind::port:
    return port_words;
  case box_kind::external_fun:
    return external_fun_words;
  case box_kind::reference:
    return reference_words(count);
  case box_kind::map:
    add(parts_of(at));
    return 1 + 2 * count;
  case box_kind::closure:
    add(parts_of(at));
    return closure_head + pid_words + count;
  case box_kind::record:
    add(parts_of(at));
    return record_head + count / 2 * 2;
  }
  return 0;
}

word* copy_words(arena& into, const word* from, std::size_t count) {
  word* to = into.allocate(count);
  std::memcpy(to, from, count * sizeof(word));
  return to;
}

word copy_list(arena& into, const word* from, rows& left) {
  std::size_t run = run_of(from);
  bool more = from[run] == list_tail;
  word* to = into.allocate(run + (more ? 2 : 1));
  to[run] = from[run];
  if (more)
    left.push({from + run + 1, to + run + 1, 1});
  left.push({from, to, run});
  return tagged(to, tag::list);
}

word copy_box(arena& into, const word* from, rows& left) {
  std::size_t count = size_of(from[0]);
  word* to = nullptr;
  switch (kind_of(from[0])) {
  case box_kind::slice:
    return into.slice(from);
  case box_kind::positive_integer:
  case box_kind::negative_integer:
    to = copy_words(into, from, 1 + count);
    break;
  case box_kind::bits:
    to = copy_words(into, from, 1 + words_for(count / 8 + 1));
    break;
  case box_kind::pid:
    to = copy_words(into, from, pid_words);
    break;
  case box_kind::port:
    to = copy_words(into, from, port_words);
    break;
  case box_kind::external_fun:
    to = copy_words(into, from, external_fun_words);
    break;
  case box_kind::reference:
    to = copy_words(into, from, reference_words(count));
    break;
  case box_kind::map:
    to = copy_words(into, from, 1 + 2 * count);
    break;
  case box_kind::closure:
    to = copy_words(into, from, closure_head + count);
    to[closure_pid] = tagged(copy_words(into, address(from[closure_pid]), pid_words), tag::box);
    break;
  case box_kind::record:
    to = copy_words(into, from, record_head + count / 2 * 2);
    break;
  }
  std::span<const word> parts = parts_of(from);
  if (!parts.empty())
    left.push({parts.data(), to + (parts.data() - from), parts.size()});
  return tagged(to, tag::box);
}

word copy_one(arena& into, word value, rows& left) {
  const word* from = address(value);
  switch (tag_of(value)) {
  case tag::integer:
  case tag::immediate:
    return value;
  case tag::floating:
    return tagged(copy_words(into, from, 1), tag::floating);
  case tag::binary:
    return tagged(copy_words(into, from, 1 + words_for(static_cast<std::size_t>(from[0]))),
                  tag::binary);
  case tag::tuple: {
    auto arity = static_cast<std::size_t>(from[0]);
    word* to = copy_words(into, from, 1 + arity);
    if (arity != 0)
      left.push({from + 1, to + 1, arity});
    return tagged(to, tag::tuple);
  }
  case tag::list:
    return copy_list(into, from, left);
  case tag::box:
    break;
  }
  return copy_box(into, from, left);
}

} // namespace

word copy_into(arena& into, term_ref value) {
  word result = value.raw();
  if (immediate(result))
    return result;
  rows left;
  result = copy_one(into, result, left);
  while (!left.empty()) {
    row& now = left.top();
    while (now.left != 0 && immediate(*now.from)) {
      *now.to++ = *now.from++;
      --now.left;
    }
    if (now.left == 0) {
      left.pop();
      continue;
    }
    word next = *now.from++;
    word* to = now.to++;
    if (--now.left == 0)
      left.pop();
    *to = copy_one(into, next, left);
  }
  return result;
}

std::size_t measure(term_ref value) {
  small_stack<std::span<const word>> left;
  std::size_t total = words_at(value.raw(), left);
  while (!left.empty()) {
    std::span<const word>& now = left.top();
    while (!now.empty() && immediate(now.front()))
      now = now.subspan(1);
    if (now.empty()) {
      left.pop();
      continue;
    }
    word next = now.front();
    now = now.subspan(1);
    if (now.empty())
      left.pop();
    total += words_at(next, left);
  }
  return total;
}

} // namespace erl::detail
