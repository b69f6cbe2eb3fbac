#include <erl/etf/encode.hpp>
#include <erl/etf/tags.hpp>
#include <erl/etf/writer.hpp>

#include <algorithm>
#include <stdexcept>

namespace erl {

sink::sink(std::vector<std::byte>& out, framing frame) : out_(&out) {
  if (frame == framing::external)
    etf::writer(out).version();
}

void sink::boolean(bool value) { atom(value ? atoms::true_ : atoms::false_); }

void sink::atom(erl::atom value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).atom(value);
}

void sink::integer(std::int64_t value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).integer(value);
}

void sink::unsigned_integer(std::uint64_t value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).unsigned_integer(value);
}

void sink::integer(const bigint& value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).big_integer(value);
}

void sink::floating(double value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).floating(value);
}

void sink::bytes(std::span<const std::byte> value) {
  if (tree_ != nullptr)
    tree_->binary(value);
  else
    etf::writer(*out_).binary(value);
}

void sink::text(std::string_view value) {
  if (tree_ != nullptr)
    tree_->text(value);
  else
    etf::writer(*out_).text(value);
}

void sink::write(const pid& value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).pid(value);
}

void sink::write(const port& value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).port(value);
}

void sink::write(const reference& value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    etf::writer(*out_).reference(value);
}

void sink::write(term_ref value) {
  if (tree_ != nullptr)
    tree_->add(value);
  else
    encode(value, *out_, {.framing = framing::bare});
}

void sink::begin_tuple(std::size_t arity) {
  if (tree_ != nullptr)
    tree_->begin_tuple(arity);
  else
    etf::writer(*out_).tuple(arity);
}

std::size_t sink::begin_list(std::size_t elements) {
  if (tree_ != nullptr) {
    tree_->begin_list(elements);
    return 0;
  }
  const std::size_t start = out_->size();
  if (elements > 0)
    etf::writer(*out_).list(elements);
  return start;
}

/// A list of small integers only becomes STRING_EXT: SMALL_INTEGER_EXT is the one term of two bytes
/// that begins with its tag, so the tags at every other byte tell.
void sink::end_list(std::size_t start, std::size_t elements) {
  if (tree_ != nullptr)
    return;
  constexpr std::size_t head = 5;
  constexpr std::size_t max_string = 65535;
  const auto small = static_cast<std::byte>(etf::tag::small_integer);
  std::byte* const parts = out_->data() + start + head;
  bool is_string =
      elements > 0 && elements <= max_string && out_->size() == start + head + 2 * elements;
  for (std::size_t i = 0; is_string && i < elements; ++i)
    is_string = parts[2 * i] == small;
  if (!is_string)
    return etf::writer(*out_).nil();
  std::byte* to = out_->data() + start;
  *to++ = static_cast<std::byte>(etf::tag::string);
  *to++ = static_cast<std::byte>(elements >> 8);
  *to++ = static_cast<std::byte>(elements & 0xff);
  for (std::size_t i = 0; i < elements; ++i)
    *to++ = parts[2 * i + 1];
  out_->resize(start + 3 + elements);
}

std::size_t sink::begin_cell() {
  if (tree_ != nullptr) {
    tree_->begin_list_with_tail(1);
    return 0;
  }
  const std::size_t start = out_->size();
  etf::writer(*out_).list(1);
  return start;
}

/// Where the tail is a list, both are one list, which has other bytes.
void sink::end_cell(std::size_t start) {
  if (tree_ != nullptr)
    return;
  const decode_options bare{.framing = framing::bare};
  const std::span<const std::byte> cell = std::span<const std::byte>(*out_).subspan(start);
  const std::size_t head = 5 + skip_term(cell.subspan(5), bare).value();
  const auto tail = static_cast<etf::tag>(cell[head]);
  if (tail != etf::tag::nil && tail != etf::tag::list && tail != etf::tag::string)
    return;
  const term whole = decode_prefix(cell, bare).value().value;
  out_->resize(start);
  encode(whole, *out_, {.framing = framing::bare});
}

void sink::begin_record(erl::atom module, erl::atom name, bool exported,
                        std::span<const erl::atom> fields) {
  if (tree_ != nullptr)
    return tree_->begin_record(module, name, exported, fields);
  etf::writer to(*out_);
  to.record(module, name, exported, fields.size());
  for (const erl::atom field : fields)
    to.atom(field);
}

std::size_t sink::begin_map(std::size_t pairs) {
  if (tree_ != nullptr) {
    tree_->begin_map(pairs);
    return 0;
  }
  const std::size_t start = out_->size();
  etf::writer(*out_).map(pairs);
  return start;
}

namespace {

/// A pair of an encoded map.
struct encoded_pair {
  term key;
  std::span<const std::byte> bytes;
};

std::vector<encoded_pair> split_pairs(std::span<const std::byte> bytes, std::size_t pairs) {
  std::vector<encoded_pair> result;
  result.reserve(pairs);
  const decode_options bare{.framing = framing::bare};
  while (result.size() < pairs) {
    auto key = decode_prefix(bytes, bare).value();
    const std::size_t size = key.consumed + skip_term(bytes.subspan(key.consumed), bare).value();
    result.push_back({std::move(key.value), bytes.first(size)});
    bytes = bytes.subspan(size);
  }
  return result;
}

} // namespace

void sink::end_map(std::size_t start, std::size_t pairs, bool sorted) {
  constexpr std::size_t head = 5;
  if (tree_ != nullptr || sorted || pairs < 2)
    return;
  const std::vector<std::byte> unsorted(out_->begin() + static_cast<std::ptrdiff_t>(start + head),
                                        out_->end());
  std::vector<encoded_pair> parts = split_pairs(unsorted, pairs);
  std::sort(parts.begin(), parts.end(), [](const encoded_pair& left, const encoded_pair& right) {
    const int order = compare_exact(left.key, right.key);
    return order != 0 ? order < 0 : left.bytes.data() < right.bytes.data();
  });
  const auto same_as_next = [&](std::size_t i) {
    return i + 1 < parts.size() && compare_exact(parts[i].key, parts[i + 1].key) == 0;
  };
  std::size_t different = parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i)
    different -= same_as_next(i) ? 1 : 0;
  out_->resize(start);
  etf::writer(*out_).map(different);
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (!same_as_next(i))
      out_->insert(out_->end(), parts[i].bytes.begin(), parts[i].bytes.end());
}

void detail::refuse_enumerator() {
  throw std::invalid_argument(
      "erl::encode: an enumerator that its shape, erl::enum_atoms, does not list");
}

} // namespace erl
