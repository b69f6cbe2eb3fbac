// Encodes terms: a walk in preorder with a stack of rows still to be written. Bytes gather in a
// buffer of fixed size and move to the vector in pieces.
#include "etf/parts.hpp"
#include "etf/put.hpp"
#include "etf/stack.hpp"
#include "etf/wire.hpp"
#include <erl/etf/codec.hpp>

#include <array>

namespace erl {

namespace {

using detail::word;
using etf::store32;
using etf::store8;
using etf::tag;

class buffered_output {
public:
  buffered_output(std::vector<std::byte>& out, atom_cache_writer* cache) noexcept
      : out_(out), cache_(cache) {}

  std::byte* room(std::size_t size) {
    if (buffer_.size() - used_ < size)
      flush();
    return buffer_.data() + used_;
  }
  void filled(const std::byte* end) noexcept {
    used_ = static_cast<std::size_t>(end - buffer_.data());
  }
  void append(std::span<const std::byte> bytes) {
    if (bytes.size() > buffer_.size() - used_)
      return append_far(bytes);
    if (!bytes.empty())
      std::memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  void atom(erl::atom value) {
    int index = cache_ == nullptr ? -1 : cache_->reference(value);
    if (index >= 0)
      filled(store8(store8(room(2), tag::atom_cache_ref), static_cast<std::uint64_t>(index)));
    else
      etf::put<buffered_output>(*this).atom(value.text());
  }

  /// Bytes so far.
  std::size_t position() const noexcept { return out_.size() + used_; }
  /// Writes four bytes over what is at `position`.
  void patch32(std::size_t position, std::size_t value) {
    flush();
    store32(out_.data() + position, value);
  }
  void flush() {
    out_.insert(out_.end(), buffer_.data(), buffer_.data() + used_);
    used_ = 0;
  }

private:
  void append_far(std::span<const std::byte> bytes) {
    flush();
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

  std::vector<std::byte>& out_;
  atom_cache_writer* cache_;
  std::size_t used_ = 0;
  std::array<std::byte, 1024> buffer_; // NOLINT(cppcoreguidelines-pro-type-member-init)
};

/// Every element a byte, and the end `[]`?
bool is_byte_list(const word* element) noexcept {
  constexpr word byte_bits = word{0xff} << 3;
  for (;;) {
    for (; *element != detail::list_end && *element != detail::list_tail; ++element) {
      if ((*element & ~byte_bits) != 0)
        return false;
    }
    word tail = detail::tail_after(element);
    if (tail == detail::nil_word)
      return true;
    if (detail::tag_of(tail) != detail::tag::list)
      return false;
    element = detail::address(tail);
  }
}

/// Elements of a list in all the places where it lies.
std::size_t count_elements(const word* element) noexcept {
  std::size_t count = 0;
  for (;;) {
    std::size_t run = detail::run_of(element);
    count += run;
    word tail = detail::tail_after(element + run);
    if (detail::tag_of(tail) != detail::tag::list)
      return count;
    element = detail::address(tail);
  }
}

class encoder {
public:
  encoder(std::vector<std::byte>& out, atom_cache_writer* cache) noexcept
      : out_(out, cache), put_(out_) {}

  void run(word root) {
    one(root);
    while (!left_.empty()) {
      row& now = left_.top();
      if (now.left == 0) {
        end(now);
        continue;
      }
      word next = *now.next++;
      if (--now.left == 0 && now.after == ending::nothing)
        left_.pop();
      one(next);
    }
    out_.flush();
  }

private:
  /// What comes when a row is written: nothing, the tail of a list, or the size of a closure.
  enum class ending : std::uint8_t { nothing, list, closure };

  struct row {
    const word* next;
    std::size_t left;
    ending after;
    /// Of a closure: where its size is to be written.
    std::size_t start;
  };

  void end(const row& now) {
    if (now.after == ending::closure) {
      std::size_t start = now.start;
      left_.pop();
      out_.patch32(start, out_.position() - start);
      return;
    }
    word tail = detail::tail_after(now.next);
    left_.pop();
    if (detail::tag_of(tail) == detail::tag::list)
      push(detail::address(tail), detail::run_of(detail::address(tail)), ending::list);
    else
      one(tail);
  }

  void push(const word* words, std::size_t count, ending after = ending::nothing,
            std::size_t start = 0) {
    if (count != 0 || after != ending::nothing)
      left_.push({words, count, after, start});
  }

  void one(word value) {
    const word* at = detail::address(value);
    switch (detail::tag_of(value)) {
    case detail::tag::integer:
      return put_.integer(detail::small_value(value));
    case detail::tag::immediate:
      return value == detail::nil_word ? put_.byte(tag::nil) : atom(value);
    case detail::tag::list:
      return list(at);
    case detail::tag::tuple:
      put_.tuple(static_cast<std::size_t>(at[0]));
      return push(at + 1, static_cast<std::size_t>(at[0]));
    case detail::tag::floating:
      return put_.floating(detail::float_at(value));
    case detail::tag::binary:
      return put_.binary(
          {reinterpret_cast<const std::byte*>(at + 1), static_cast<std::size_t>(at[0])});
    case detail::tag::box:
      return box(at);
    }
  }

  void atom(word value) {
    out_.atom(erl::atom::from_index(static_cast<std::uint32_t>(value >> 8)));
  }

  void list(const word* element) {
    std::size_t count = count_elements(element);
    constexpr std::size_t longest_byte_list = 65535;
    if (count > longest_byte_list || !is_byte_list(element)) {
      put_.list(count);
      return push(element, detail::run_of(element), ending::list);
    }
    put_.byte_list(count);
    for (term_ref byte : term_ref::from_word(detail::tagged(element, detail::tag::list)).items())
      out_.filled(store8(out_.room(1), byte.raw() >> 3));
  }

  void box(const word* at) {
    std::size_t count = detail::size_of(at[0]);
    switch (detail::kind_of(at[0])) {
    case detail::box_kind::positive_integer:
      return put_.big_integer(false, {at + 1, count});
    case detail::box_kind::negative_integer:
      return put_.big_integer(true, {at + 1, count});
    case detail::box_kind::slice:
      return put_.binary({detail::slice_or_bits(at).data, detail::slice_or_bits(at).bits / 8});
    case detail::box_kind::bits:
      return put_.bit_string({detail::slice_or_bits(at).data, count / 8 + 1},
                             static_cast<unsigned>(count % 8));
    case detail::box_kind::map:
      put_.map(count);
      return push(at + 1, 2 * count);
    case detail::box_kind::pid:
      return put_.pid(detail::pid_at(at));
    case detail::box_kind::port:
      return put_.port(detail::port_at(at));
    case detail::box_kind::reference:
      return put_.reference(detail::reference_at(at));
    case detail::box_kind::external_fun:
      put_.byte(tag::external_fun);
      atom(at[1]);
      atom(at[2]);
      return put_.integer(static_cast<std::int64_t>(count));
    case detail::box_kind::closure:
      return closure(at, count);
    case detail::box_kind::record:
      return record(at, count / 2);
    }
  }

  void closure(const word* at, std::size_t variables) {
    put_.byte(tag::new_fun);
    std::size_t start = out_.position();
    out_.filled(store8(store32(out_.room(5), 0), detail::high(at[1])));
    out_.append(std::as_bytes(std::span(at + detail::closure_unique, 2)));
    out_.filled(store32(store32(out_.room(8), detail::low(at[1])), variables));
    atom(at[detail::closure_module]);
    put_.integer(detail::small_value(at[detail::closure_old_index]));
    put_.integer(detail::small_value(at[detail::closure_old_unique]));
    put_.pid(detail::pid_at(detail::address(at[detail::closure_pid])));
    push(at + detail::closure_head, variables, ending::closure, start);
  }

  void record(const word* at, std::size_t fields) {
    put_.record(erl::atom::from_index(static_cast<std::uint32_t>(at[1] >> 8)),
                erl::atom::from_index(static_cast<std::uint32_t>(at[2] >> 8)),
                detail::count_of(at[0]) % 2 != 0, fields);
    // Names and values lie side by side.
    push(at + detail::record_head, 2 * fields);
  }

  buffered_output out_;
  etf::put<buffered_output> put_;
  detail::small_stack<row> left_;
};

} // namespace

void encode_external(term_ref value, std::vector<std::byte>& out) { encode(value, out, {}); }

void encode(term_ref value, std::vector<std::byte>& out, const encode_options& options) {
  if (options.framing == framing::external)
    out.push_back(static_cast<std::byte>(etf::version));
  encoder(out, options.atom_cache).run(value.raw());
}

std::vector<std::byte> encode_compressed(term_ref value, int level) {
  std::vector<std::byte> plain;
  encode_external(value, plain);
  std::span<const std::byte> inner = std::span(plain).subspan(1);
  if (inner.size() > std::numeric_limits<std::uint32_t>::max())
    return plain;
  auto compressed = wire::deflate(inner, level);
  constexpr std::size_t head = 6;
  if (!compressed || compressed->size() + head >= plain.size())
    return plain;
  std::vector<std::byte> result(head);
  store32(store8(store8(result.data(), etf::version), tag::compressed), inner.size());
  result.insert(result.end(), compressed->begin(), compressed->end());
  return result;
}

} // namespace erl
