// A hash in step with `=:=`: a walk in preorder that mixes in the kind and size of every container
// and the value of every leaf.
#include "etf/parts.hpp"
#include <erl/etf/detail/small_stack.hpp>
#include <erl/etf/term.hpp>

#include <cstring>

namespace erl {

using namespace detail;

namespace {

class mixer {
public:
  void add(std::uint64_t value) noexcept {
    state_ = (state_ ^ value) * 0x9e3779b97f4a7c15U;
    state_ ^= state_ >> 29;
  }

  void add(bits_of bits) noexcept {
    add(bits.bits);
    std::size_t bytes = (bits.bits + 7) / 8;
    std::uint64_t word = 0;
    for (; bytes >= sizeof(word); bytes -= sizeof(word), bits.data += sizeof(word)) {
      std::memcpy(&word, bits.data, sizeof(word));
      add(word);
    }
    word = 0;
    if (bytes != 0)
      std::memcpy(&word, bits.data, bytes);
    add(word);
  }

  std::size_t result() const noexcept {
    std::uint64_t mixed = (state_ ^ state_ >> 32) * 0xd6e8feb86659fd93U;
    return mixed ^ mixed >> 32;
  }

private:
  std::uint64_t state_ = 0x243f6a8885a308d3U;
};

/// Words still to be mixed in; after the last one of a list comes its tail.
struct row {
  const word* next;
  std::size_t left;
  bool list;
};

using rows = small_stack<row>;

void add_box(const word* box, mixer& mix, rows& left) {
  std::size_t count = size_of(box[0]);
  box_kind kind = kind_of(box[0]);
  if (kind == box_kind::slice || kind == box_kind::bits)
    return mix.add(slice_or_bits(box));
  if (kind == box_kind::reference) {
    // Trailing zero words do not count.
    mix.add(static_cast<std::uint64_t>(kind));
    return mix.add(std::hash<reference>{}(reference_at(box)));
  }
  mix.add(box[0]);
  std::span<const word> parts = parts_of(box);
  auto add = [&](const word* from, std::size_t words) {
    for (std::size_t i = 0; i < words; ++i)
      mix.add(from[i]);
  };
  switch (kind) {
  case box_kind::positive_integer:
  case box_kind::negative_integer:
    add(box + 1, count);
    break;
  case box_kind::pid:
  case box_kind::port:
  case box_kind::external_fun:
    add(box + 1, 2);
    break;
  case box_kind::closure:
    add(box + 1, closure_pid - 1);
    break;
  case box_kind::record:
    add(box + 1, 2 + count / 2);
    break;
  default:
    break;
  }
  if (!parts.empty())
    left.push({parts.data(), parts.size(), false});
}

void add_one(word value, mixer& mix, rows& left) {
  const word* at = address(value);
  switch (tag_of(value)) {
  case tag::integer:
  case tag::immediate:
    return mix.add(value);
  case tag::floating:
    return mix.add(*at);
  case tag::binary:
    return mix.add(inline_binary(value));
  case tag::tuple:
    mix.add(at[0]);
    if (at[0] != 0)
      left.push({at + 1, static_cast<std::size_t>(at[0]), false});
    return;
  case tag::list:
    mix.add(list_end);
    left.push({at, run_of(at), true});
    return;
  case tag::box:
    return add_box(at, mix, left);
  }
}

} // namespace

std::size_t hash(term_ref value) {
  mixer mix;
  rows left;
  add_one(value.raw(), mix, left);
  while (!left.empty()) {
    row& now = left.top();
    if (now.left != 0) {
      word next = *now.next++;
      if (--now.left == 0 && !now.list)
        left.pop();
      add_one(next, mix, left);
      continue;
    }
    // A list that goes on in another place hashes as one that lies in one.
    word tail = tail_after(now.next);
    left.pop();
    if (tag_of(tail) == tag::list)
      left.push({address(tail), run_of(address(tail)), true});
    else
      add_one(tail, mix, left);
  }
  return mix.result();
}

} // namespace erl
