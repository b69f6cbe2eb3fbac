// Erlang's order of terms. A walk in step over two terms: a frame holds two rows of words still to
// be compared. What is alike at once (the same word, two small integers) never makes a frame, so
// long flat terms stay in the inner loops. The exact order (map keys) differs in numbers only; a
// map's keys are always compared in it, and its values after all of its keys.
#include "etf/magnitude.hpp"
#include "etf/parts.hpp"
#include <erl/etf/detail/small_stack.hpp>
#include <erl/etf/term.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace erl {

using namespace detail;

namespace {

/// What makes two numbers equal.
enum class comparison : std::uint8_t {
  /// Their values: Erlang's `==`.
  arithmetic,
  /// Their kinds and values, and the signs of zeros: `=:=`, and the keys of maps.
  exact,
  /// The same without the signs of zeros, as before OTP 27.
  exact_but_zeros,
};

/// Two rows in step; or, where `left` is `tails`, what follows two elements of lists.
struct rows {
  const word* a;
  const word* b;
  std::size_t left;
  std::uint8_t stride;
  comparison how;
};

constexpr std::size_t tails = ~std::size_t{0};

using frames = small_stack<rows, 8>;

template <class T> int three_way(const T& a, const T& b) noexcept {
  return a < b ? -1 : b < a ? 1 : 0;
}

/// The place of a type in Erlang's order; all numbers are 0.
int rank(word value) noexcept {
  switch (tag_of(value)) {
  case tag::integer:
  case tag::floating:
    return 0;
  case tag::immediate:
    return value == nil_word ? 9 : 1;
  case tag::list:
    return 10;
  case tag::tuple:
    return 6;
  case tag::binary:
    return 11;
  case tag::box:
    break;
  }
  switch (kind_of(*address(value))) {
  case box_kind::positive_integer:
  case box_kind::negative_integer:
    return 0;
  case box_kind::reference:
    return 2;
  case box_kind::external_fun:
  case box_kind::closure:
    return 3;
  case box_kind::port:
    return 4;
  case box_kind::pid:
    return 5;
  case box_kind::record:
    return 7;
  case box_kind::map:
    return 8;
  case box_kind::slice:
  case box_kind::bits:
    break;
  }
  return 11;
}

/// An integer of any size as a sign and a magnitude.
struct integer {
  explicit integer(word value) noexcept {
    if (tag_of(value) == tag::integer) {
      std::int64_t number = small_value(value);
      negative = number < 0;
      small =
          negative ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
      words = {&small, number == 0 ? std::size_t{0} : std::size_t{1}};
    } else {
      const word* box = address(value);
      negative = kind_of(box[0]) == box_kind::negative_integer;
      words = {box + 1, size_of(box[0])};
    }
  }
  integer(const integer&) = delete;
  integer& operator=(const integer&) = delete;

  bool negative = false;
  std::uint64_t small = 0;
  magnitude::view words;
};

int compare_integers(word left, word right) noexcept {
  integer a(left);
  integer b(right);
  if (a.negative != b.negative)
    return a.negative ? -1 : 1;
  int order = magnitude::compare(a.words, b.words);
  return a.negative ? -order : order;
}

int compare_integer_float(word left, double right) noexcept {
  integer a(left);
  bool negative = right < 0;
  if (a.negative != negative)
    return a.negative ? -1 : 1;
  if (right == 0)
    return a.words.empty() ? 0 : 1;
  int order = magnitude::compare(a.words, std::fabs(right));
  return negative ? -order : order;
}

int compare_floats(double a, double b, comparison how) noexcept {
  if (a == b && how == comparison::exact)
    return three_way(!std::signbit(a), !std::signbit(b));
  return three_way(a, b);
}

int compare_numbers(word a, word b, comparison how) noexcept {
  bool left = tag_of(a) == tag::floating;
  bool right = tag_of(b) == tag::floating;
  if (left && right)
    return compare_floats(float_at(a), float_at(b), how);
  if (!left && !right)
    return compare_integers(a, b);
  if (how != comparison::arithmetic)
    return left ? 1 : -1;
  return left ? -compare_integer_float(b, float_at(a)) : compare_integer_float(a, float_at(b));
}

int compare_pids(const pid& a, const pid& b) noexcept {
  if (int order = three_way(a.serial, b.serial))
    return order;
  if (int order = three_way(a.id, b.id))
    return order;
  if (int order = compare(a.node, b.node))
    return order;
  return three_way(a.creation, b.creation);
}

int compare_ports(const port& a, const port& b) noexcept {
  if (int order = compare(a.node, b.node))
    return order;
  if (int order = three_way(a.creation, b.creation))
    return order;
  return three_way(a.id, b.id);
}

int compare_references(const reference& a, const reference& b) noexcept {
  if (int order = compare(a.node, b.node))
    return order;
  if (int order = three_way(a.creation, b.creation))
    return order;
  for (std::size_t i = a.words.size(); i-- > 0;) {
    if (int order = three_way(a.words[i], b.words[i]))
      return order;
  }
  return 0;
}

bits_of bits_at(word value) noexcept {
  return tag_of(value) == tag::binary ? inline_binary(value) : slice_or_bits(address(value));
}

int compare_bits(bits_of a, bits_of b) noexcept {
  // Unused bits are 0, so of two that agree in all common bytes the one with fewer bits is the
  // prefix or the lesser.
  std::size_t bytes = (std::min(a.bits, b.bits) + 7) / 8;
  if (bytes != 0) {
    if (int order = std::memcmp(a.data, b.data, bytes))
      return order;
  }
  return three_way(a.bits, b.bits);
}

/// A closure and an external fun, or two of either; the variables of closures are pushed.
int compare_funs(const word* a, const word* b, comparison how, frames& left) {
  bool closures = kind_of(a[0]) == box_kind::closure;
  if (kind_of(a[0]) != kind_of(b[0]))
    return closures ? -1 : 1;
  if (!closures) {
    if (int order = compare(atom_of(a[1]), atom_of(b[1])))
      return order;
    if (int order = compare(atom_of(a[2]), atom_of(b[2])))
      return order;
    return three_way(a[0], b[0]);
  }
  if (int order = compare(atom_of(a[closure_module]), atom_of(b[closure_module])))
    return order;
  for (std::size_t part : {closure_old_index, closure_old_unique}) {
    if (int order = three_way(small_value(a[part]), small_value(b[part])))
      return order;
  }
  if (int order = three_way(a[1], b[1]))
    return order;
  if (int order = std::memcmp(a + closure_unique, b + closure_unique, 16))
    return order;
  if (int order = three_way(a[0], b[0]))
    return order;
  if (std::size_t count = size_of(a[0]))
    left.push({a + closure_head, b + closure_head, count, 1, how});
  return 0;
}

int compare_maps(const word* a, const word* b, comparison how, frames& left) {
  if (int order = three_way(a[0], b[0]))
    return order;
  if (std::size_t count = size_of(a[0])) {
    left.push({a + 2, b + 2, count, 2, how});
    const bool by_value = how == comparison::arithmetic;
    left.push({a + 1, b + 1, count, 2, by_value ? comparison::exact : how});
  }
  return 0;
}

int compare_records(const word* a, const word* b, comparison how, frames& left) {
  for (std::size_t part : {std::size_t{1}, std::size_t{2}}) {
    if (int order = compare(atom_of(a[part]), atom_of(b[part])))
      return order;
  }
  if (int order = three_way(a[0], b[0]))
    return order;
  if (std::size_t fields = size_of(a[0]) / 2)
    left.push({a + record_head, b + record_head, 2 * fields, 1, how});
  return 0;
}

int compare_boxes(const word* a, const word* b, comparison how, frames& left) {
  switch (kind_of(a[0])) {
  case box_kind::reference:
    return compare_references(reference_at(a), reference_at(b));
  case box_kind::external_fun:
  case box_kind::closure:
    return compare_funs(a, b, how, left);
  case box_kind::port:
    return compare_ports(port_at(a), port_at(b));
  case box_kind::pid:
    return compare_pids(pid_at(a), pid_at(b));
  case box_kind::map:
    return compare_maps(a, b, how, left);
  default:
    return compare_records(a, b, how, left);
  }
}

/// Two terms that are different words and not both lists; their parts are pushed.
int compare_one(word a, word b, comparison how, frames& left) {
  if (tag_of(a) == tag::integer && tag_of(b) == tag::integer)
    return three_way(small_value(a), small_value(b));
  int rank_a = rank(a);
  if (int order = three_way(rank_a, rank(b)))
    return order;
  switch (tag_of(a)) {
  case tag::immediate:
    return compare(atom_of(a), atom_of(b));
  case tag::tuple:
    if (int order = three_way(*address(a), *address(b)))
      return order;
    if (*address(a) != 0)
      left.push({address(a) + 1, address(b) + 1, static_cast<std::size_t>(*address(a)), 1, how});
    return 0;
  default:
    break;
  }
  if (rank_a == 0)
    return compare_numbers(a, b, how);
  if (rank_a == 11)
    return compare_bits(bits_at(a), bits_at(b));
  return compare_boxes(address(a), address(b), how, left);
}

/// Finds the next pair to compare, which are different words; false when nothing is left.
bool next_pair(frames& left, word& a, word& b, comparison& how) {
  while (!left.empty()) {
    rows& now = left.top();
    how = now.how;
    if (now.left != tails) {
      a = *now.a;
      b = *now.b;
      now.a += now.stride;
      now.b += now.stride;
      if (--now.left == 0)
        left.pop();
      if (a != b)
        return true;
      continue;
    }
    const word* x = now.a;
    const word* y = now.b;
    for (;;) {
      a = tail_of(x);
      b = tail_of(y);
      if (tag_of(a) != tag::list || tag_of(b) != tag::list || a == b)
        break;
      x = address(a);
      y = address(b);
      if (*x != *y) {
        now.a = x;
        now.b = y;
        a = *x;
        b = *y;
        return true;
      }
    }
    left.pop();
    if (a != b)
      return true;
  }
  return false;
}

int compare_words(word a, word b, comparison how) {
  if (a == b)
    return 0;
  frames left;
  do {
    while (tag_of(a) == tag::list && tag_of(b) == tag::list) {
      left.push({address(a), address(b), tails, 1, how});
      a = *address(a);
      b = *address(b);
      if (a == b)
        break;
    }
    if (a == b)
      continue;
    if (int order = compare_one(a, b, how, left))
      return order;
  } while (next_pair(left, a, b, how));
  return 0;
}

/// Words that say all about their value, so that different words are different values.
bool simple(word value) noexcept {
  return tag_of(value) == tag::integer || tag_of(value) == tag::immediate;
}

/// Is `a` below `b` in the exact order? The usual keys of maps are compared here, by their first
/// bytes; for all else this is the general comparison.
bool ascending(word a, word b) {
  const tag kind = tag_of(a);
  if (kind == tag_of(b)) {
    if (kind == tag::integer)
      return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
    if (kind == tag::binary && *address(a) != 0 && *address(b) != 0) {
      // What follows the last byte of a binary is 0, so a prefix is not above what it begins.
      const word x = __builtin_bswap64(address(a)[1]);
      const word y = __builtin_bswap64(address(b)[1]);
      if (x != y)
        return x < y;
    }
  }
  return compare_words(a, b, comparison::exact) < 0;
}

struct key_value {
  word key;
  word value;
};

bool key_less(const key_value& a, const key_value& b) { return ascending(a.key, b.key); }

/// Stable, in place.
void insertion_sort(key_value* first, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    key_value* last = first + i;
    std::rotate(std::upper_bound(first, last, *last, key_less), last, last + 1);
  }
}

/// Stable, without recursion.
void merge_sort(key_value* first, std::size_t count) {
  std::vector<key_value> buffer(count);
  key_value* from = first;
  key_value* to = buffer.data();
  for (std::size_t width = 1; width < count; width *= 2) {
    for (std::size_t i = 0; i < count; i += 2 * width) {
      key_value* middle = from + std::min(i + width, count);
      key_value* end = from + std::min(i + 2 * width, count);
      std::merge(from + i, middle, middle, end, to + i, key_less);
    }
    std::swap(from, to);
  }
  if (from != first)
    std::copy(from, from + count, first);
}

} // namespace

int compare(term_ref left, term_ref right) {
  return compare_words(left.raw(), right.raw(), comparison::arithmetic);
}

int compare_exact(term_ref left, term_ref right, signed_zeros zeros) {
  return compare_words(left.raw(), right.raw(),
                       zeros == signed_zeros::differ ? comparison::exact
                                                     : comparison::exact_but_zeros);
}

bool equal(term_ref left, term_ref right) { return compare(left, right) == 0; }

bool exactly_equal(term_ref left, term_ref right, signed_zeros zeros) {
  if (simple(left.raw()) || simple(right.raw()))
    return left.raw() == right.raw();
  return compare_exact(left, right, zeros) == 0;
}

namespace detail {

std::size_t sort_pairs(word* pairs, std::size_t count) {
  std::size_t sorted = 1;
  auto key = [&](std::size_t index) { return pairs[2 * index]; };
  while (sorted < count && ascending(key(sorted - 1), key(sorted)))
    ++sorted;
  if (sorted >= count)
    return count;
  auto* first = reinterpret_cast<key_value*>(pairs);
  constexpr std::size_t few = 24;
  if (count <= few)
    insertion_sort(first, count);
  else
    merge_sort(first, count);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bool last_of_its_key =
        i + 1 == count || compare_words(first[i].key, first[i + 1].key, comparison::exact) != 0;
    if (last_of_its_key)
      first[kept++] = first[i];
  }
  return kept;
}

} // namespace detail

} // namespace erl
