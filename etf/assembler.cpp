#include "etf/assembler.hpp"

#include <algorithm>

namespace erl::detail {

word* assembler::allocate(std::size_t words) {
  count(words);
  return memory_.allocate(words);
}

void assembler::move_values(std::size_t first, word* to) {
  const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(first);
  std::copy(begin, values_.end(), to);
  values_.erase(begin, values_.end());
}

void assembler::integer(bool negative, magnitude::view words) {
  count(words.size());
  add(memory_.magnitude(negative, words));
}

void assembler::floating(double value) {
  count(1);
  add(memory_.floating(value));
}

void assembler::binary(std::string_view bytes) {
  count(1 + words_for(bytes.size()));
  add(memory_.binary(std::as_bytes(std::span(bytes))));
}

void assembler::bit_string(std::span<const std::byte> bytes, std::size_t bits) {
  count(1 + words_for(bytes.size()));
  add(bits % 8 == 0 ? memory_.binary(bytes.first(bits / 8)) : memory_.bit_string(bytes, bits));
}

void assembler::list(std::span<const char32_t> characters) {
  if (characters.empty())
    return add(nil_word);
  word* at = allocate(characters.size() + 1);
  std::ranges::transform(characters, at, [](char32_t code) { return small_word(code); });
  at[characters.size()] = list_end;
  add(tagged(at, tag::list));
}

void assembler::external_fun(const erl::external_fun& value) {
  count(external_fun_words);
  add(memory_.fun(value));
}

void assembler::tuple(std::size_t first) {
  const std::size_t elements = size() - first;
  word* at = allocate(1 + elements);
  at[0] = elements;
  move_values(first, at + 1);
  add(tagged(at, tag::tuple));
}

void assembler::list(std::size_t first, bool with_tail) {
  const word tail = with_tail ? values_.back() : nil_word;
  if (with_tail)
    values_.pop_back();
  const std::size_t elements = size() - first;
  if (elements == 0)
    return add(tail);
  word* at = allocate(elements + (tail == nil_word ? 1 : 2));
  move_values(first, at);
  at[elements] = tail == nil_word ? list_end : list_tail;
  if (tail != nil_word)
    at[elements + 1] = tail;
  add(tagged(at, tag::list));
}

void assembler::raw_map(std::size_t first) {
  const std::size_t pairs = (size() - first) / 2;
  word* at = allocate(1 + 2 * pairs);
  at[0] = box_header(box_kind::map, pairs);
  move_values(first, at + 1);
  add(tagged(at, tag::box));
}

void assembler::map(std::size_t first) {
  const std::size_t pairs = (size() - first) / 2;
  word* at = allocate(1 + 2 * pairs);
  move_values(first, at + 1);
  at[0] = box_header(box_kind::map, sort_pairs(at + 1, pairs));
  add(tagged(at, tag::box));
}

void assembler::map_of_firsts(std::size_t first) {
  for (std::size_t low = first, high = size(); low + 2 < high; low += 2) {
    high -= 2;
    std::swap(values_[low], values_[high]);
    std::swap(values_[low + 1], values_[high + 1]);
  }
  map(first);
}

term assembler::finish() {
  const word root = values_.back();
  values_.clear();
  return term::adopt(root, memory_.take());
}

} // namespace erl::detail
