#include "etf/magnitude.hpp"
#include "etf/parts.hpp"
#include <erl/etf/term.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace erl {

using namespace detail;

namespace {

std::span<const term_ref> as_terms(std::span<const word> words) noexcept {
  static_assert(sizeof(term_ref) == sizeof(word));
  return {reinterpret_cast<const term_ref*>(words.data()), words.size()};
}

bool is_big(word header) noexcept {
  return kind_of(header) == box_kind::positive_integer ||
         kind_of(header) == box_kind::negative_integer;
}

magnitude::view magnitude_of(const word* box) noexcept { return {box + 1, size_of(box[0])}; }

} // namespace

term_kind term_ref::kind() const noexcept {
  switch (tag()) {
  case detail::tag::integer:
    return term_kind::integer;
  case detail::tag::immediate:
    return is_nil() ? term_kind::nil : term_kind::atom;
  case detail::tag::list:
    return term_kind::list;
  case detail::tag::tuple:
    return term_kind::tuple;
  case detail::tag::floating:
    return term_kind::floating;
  case detail::tag::binary:
    return term_kind::bitstring;
  case detail::tag::box:
    break;
  }
  const word* box = address(word_);
  switch (kind_of(box[0])) {
  case box_kind::positive_integer:
  case box_kind::negative_integer:
    return to_int64() ? term_kind::integer : term_kind::big_integer;
  case box_kind::slice:
  case box_kind::bits:
    return term_kind::bitstring;
  case box_kind::map:
    return term_kind::map;
  case box_kind::pid:
    return term_kind::pid;
  case box_kind::port:
    return term_kind::port;
  case box_kind::reference:
    return term_kind::reference;
  case box_kind::external_fun:
  case box_kind::closure:
    return term_kind::fun;
  case box_kind::record:
    break;
  }
  return term_kind::record;
}

bool term_ref::is_integer() const noexcept {
  return tag() == detail::tag::integer || (tag() == detail::tag::box && is_big(*address(word_)));
}

bool term_ref::is_binary() const noexcept {
  return tag() == detail::tag::binary || is_box(box_kind::slice);
}

bool term_ref::is_bitstring() const noexcept { return is_binary() || is_box(box_kind::bits); }

bool term_ref::is_fun() const noexcept {
  return is_box(box_kind::external_fun) || is_box(box_kind::closure);
}

std::optional<std::int64_t> term_ref::to_int64() const noexcept {
  if (tag() == detail::tag::integer)
    return small_value(word_);
  if (!is_integer())
    return std::nullopt;
  const word* box = address(word_);
  return magnitude::to_int64(kind_of(box[0]) == box_kind::negative_integer, magnitude_of(box));
}

std::optional<std::uint64_t> term_ref::to_uint64() const noexcept {
  if (tag() == detail::tag::integer && small_value(word_) >= 0)
    return static_cast<std::uint64_t>(small_value(word_));
  if (is_box(box_kind::positive_integer) && size_of(*address(word_)) == 1)
    return address(word_)[1];
  return std::nullopt;
}

std::optional<bigint> term_ref::to_bigint() const {
  if (tag() == detail::tag::integer)
    return bigint(small_value(word_));
  if (!is_integer())
    return std::nullopt;
  const word* box = address(word_);
  return bigint(kind_of(box[0]) == box_kind::negative_integer, magnitude_of(box));
}

std::optional<double> term_ref::to_double() const noexcept {
  if (!is_float())
    return std::nullopt;
  return float_at(word_);
}

std::optional<atom> term_ref::to_atom() const noexcept {
  if (!is_atom())
    return std::nullopt;
  return atom_of(word_);
}

std::optional<bool> term_ref::to_bool() const noexcept {
  if (is(atoms::true_))
    return true;
  if (is(atoms::false_))
    return false;
  return std::nullopt;
}

std::optional<pid> term_ref::to_pid() const noexcept {
  if (!is_pid())
    return std::nullopt;
  return pid_at(address(word_));
}

std::optional<port> term_ref::to_port() const noexcept {
  if (!is_port())
    return std::nullopt;
  return port_at(address(word_));
}

std::optional<reference> term_ref::to_reference() const noexcept {
  if (!is_reference())
    return std::nullopt;
  return reference_at(address(word_));
}

std::optional<term_ref::bits> term_ref::to_bits() const noexcept {
  if (!is_bitstring())
    return std::nullopt;
  bits_of found =
      tag() == detail::tag::binary ? inline_binary(word_) : slice_or_bits(address(word_));
  return bits{{found.data, (found.bits + 7) / 8}, found.bits};
}

std::optional<std::span<const std::byte>> term_ref::to_binary() const noexcept {
  if (!is_binary())
    return std::nullopt;
  return to_bits()->bytes;
}

std::optional<std::string_view> term_ref::to_text() const noexcept {
  auto bytes = to_binary();
  if (!bytes)
    return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

std::optional<external_fun> term_ref::to_external_fun() const noexcept {
  if (!is_box(box_kind::external_fun))
    return std::nullopt;
  const word* box = address(word_);
  return external_fun{atom_of(box[1]), atom_of(box[2]),
                      static_cast<std::uint8_t>(count_of(box[0]))};
}

std::optional<closure_info> term_ref::to_closure() const noexcept {
  if (!is_box(box_kind::closure))
    return std::nullopt;
  const word* box = address(word_);
  closure_info result;
  result.module = atom_of(box[closure_module]);
  result.arity = static_cast<std::uint8_t>(high(box[1]));
  result.index = low(box[1]);
  std::memcpy(result.unique.data(), box + closure_unique, result.unique.size());
  result.old_index = small_value(box[closure_old_index]);
  result.old_unique = small_value(box[closure_old_unique]);
  result.creator = pid_at(address(box[closure_pid]));
  result.variables = as_terms(parts_of(box));
  return result;
}

std::optional<record_info> term_ref::to_record() const noexcept {
  if (!is_record())
    return std::nullopt;
  const word* box = address(word_);
  std::size_t fields = size_of(box[0]) / 2;
  return record_info{atom_of(box[1]), atom_of(box[2]), count_of(box[0]) % 2 != 0,
                     as_terms({box + record_head, fields}), as_terms(parts_of(box))};
}

std::span<const term_ref> term_ref::elements() const noexcept {
  if (!is_tuple())
    return {};
  const word* at = address(word_);
  return as_terms({at + 1, static_cast<std::size_t>(at[0])});
}

term_ref term_ref::tail() const noexcept { return term_ref(tail_of(address(word_))); }

term_ref term_ref::list_tail() const noexcept {
  word at = word_;
  while (tag_of(at) == detail::tag::list) {
    const word* element = address(at);
    at = tail_after(element + run_of(element));
  }
  return term_ref(at);
}

std::optional<std::size_t> term_ref::list_length() const noexcept {
  std::size_t length = 0;
  word at = word_;
  while (tag_of(at) == detail::tag::list) {
    const word* element = address(at);
    std::size_t run = run_of(element);
    length += run;
    at = tail_after(element + run);
  }
  if (at != nil_word)
    return std::nullopt;
  return length;
}

std::optional<term_ref> term_ref::find(term_ref key) const {
  std::size_t from = 0;
  std::size_t to = map_size();
  constexpr std::size_t few = 12;
  if (to <= few && tag() == detail::tag::box &&
      (key.tag() == detail::tag::integer || key.tag() == detail::tag::immediate)) {
    for (std::size_t i = 0; i < to; ++i) {
      if (map_key(i).word_ == key.word_)
        return map_value(i);
    }
    return std::nullopt;
  }
  while (from < to) {
    std::size_t middle = from + (to - from) / 2;
    int order = compare_exact(key, map_key(middle));
    if (order == 0)
      return map_value(middle);
    if (order < 0)
      to = middle;
    else
      from = middle + 1;
  }
  return std::nullopt;
}

} // namespace erl
