#include "etf/parts.hpp"
#include <erl/etf/builder.hpp>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace erl {

using namespace detail;

builder::builder() noexcept = default;
builder::~builder() = default;

void builder::refuse() { throw std::logic_error("erl::builder: the term is complete already"); }

void builder::add_large(std::int64_t value) { put(memory_.integer(value)); }
void builder::add_unsigned(std::uint64_t value) { put(memory_.unsigned_integer(value)); }
void builder::add(double value) { put(memory_.floating(value)); }
void builder::add(const bigint& value) {
  put(memory_.magnitude(value.negative(), value.magnitude()));
}
void builder::add(const pid& value) { put(memory_.identifier(value)); }
void builder::add(const port& value) { put(memory_.identifier(value)); }
void builder::add(const reference& value) { put(memory_.identifier(value)); }
void builder::add(const external_fun& value) { put(memory_.fun(value)); }
void builder::add(term_ref value) { put(copy_into(memory_, value)); }
void builder::binary(std::span<const std::byte> bytes) { put(memory_.binary(bytes)); }
void builder::text(std::string_view text) { binary(std::as_bytes(std::span(text))); }
void builder::binary(const shared_bytes& owner, std::span<const std::byte> part) {
  put(memory_.slice(owner, part));
}
void builder::bit_string(std::span<const std::byte> bytes, std::size_t bits) {
  put(memory_.bit_string(bytes, bits));
}

void builder::add(const closure_info& value) {
  word* box = memory_.allocate(closure_head + value.variables.size());
  box[0] = box_header(box_kind::closure, value.variables.size());
  box[1] = pair(value.arity, value.index);
  std::memcpy(box + closure_unique, value.unique.data(), value.unique.size());
  box[closure_module] = atom_word(value.module.index());
  box[closure_old_index] = small_word(value.old_index);
  box[closure_old_unique] = small_word(value.old_unique);
  box[closure_pid] = memory_.identifier(value.creator);
  std::ranges::transform(value.variables, box + closure_head,
                         [&](term_ref variable) { return copy_into(memory_, variable); });
  put(tagged(box, tag::box));
}

void builder::open(word* first, std::size_t count, closing closes, word* map) {
  if (top_.left != 0 || top_.closes != closing::nothing)
    stack_.push(top_);
  top_ = {first, count, closes, map};
}

void builder::close() {
  while (top_.left == 0) {
    if (top_.closes == closing::tail) {
      // One value is still to come: the word after the mark.
      top_ = {top_.next + 1, 1, closing::nothing, nullptr};
      return;
    }
    if (top_.closes == closing::map) {
      std::size_t kept = sort_pairs(top_.map + 1, size_of(*top_.map));
      *top_.map = box_header(box_kind::map, kept);
    }
    if (stack_.empty()) {
      top_.closes = closing::nothing;
      return;
    }
    top_ = stack_.top();
    stack_.pop();
  }
}

void builder::begin_tuple(std::size_t elements) {
  word* at = memory_.allocate(1 + elements);
  at[0] = elements;
  if (elements == 0)
    return put(tagged(at, tag::tuple));
  put_open(tagged(at, tag::tuple));
  open(at + 1, elements, closing::nothing, nullptr);
}

void builder::begin_list(std::size_t elements) {
  if (elements == 0)
    return put(nil_word);
  word* at = memory_.allocate(elements + 1);
  at[elements] = list_end;
  put_open(tagged(at, tag::list));
  open(at, elements, closing::nothing, nullptr);
}

void builder::begin_list_with_tail(std::size_t elements) {
  if (elements == 0)
    return;
  word* at = memory_.allocate(elements + 2);
  at[elements] = list_tail;
  put_open(tagged(at, tag::list));
  open(at, elements, closing::tail, nullptr);
}

void builder::begin_map(std::size_t pairs) {
  word* at = memory_.allocate(1 + 2 * pairs);
  at[0] = box_header(box_kind::map, pairs);
  if (pairs == 0)
    return put(tagged(at, tag::box));
  put_open(tagged(at, tag::box));
  open(at + 1, 2 * pairs, closing::map, at);
}

void builder::begin_record(atom module, atom name, bool exported, std::span<const atom> fields) {
  word* at = memory_.allocate(record_head + 2 * fields.size());
  at[0] = box_header(box_kind::record, fields.size() * 2 + (exported ? 1 : 0));
  at[1] = atom_word(module.index());
  at[2] = atom_word(name.index());
  std::ranges::transform(fields, at + record_head,
                         [](atom field) { return atom_word(field.index()); });
  if (fields.empty())
    return put(tagged(at, tag::box));
  put_open(tagged(at, tag::box));
  open(at + record_head + fields.size(), fields.size(), closing::nothing, nullptr);
}

term builder::finish() {
  if (top_.left != 0 || !stack_.empty())
    throw std::logic_error("erl::builder: the term is not complete");
  word root = std::exchange(root_, nil_word);
  top_ = {&root_, 1, closing::nothing, nullptr};
  return term::adopt(root, memory_.take());
}

} // namespace erl
