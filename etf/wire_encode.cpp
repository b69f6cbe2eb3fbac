// Encodes terms: a walk in preorder with a stack of rows still to be written. The bytes go to a
// chain of memory that never moves, so that nothing is written twice; a vector gets them at the
// end, in one go.
#include "etf/atom_table.hpp"
#include "etf/parts.hpp"
#include "etf/put.hpp"
#include "etf/wire.hpp"
#include <erl/etf/byte_chain.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/detail/small_stack.hpp>

#include <algorithm>
#include <array>

namespace erl {

namespace detail {

namespace {

using etf::small_big;
using etf::store16;
using etf::store32;
using etf::store64;
using etf::store8;

/// Binaries of at least this many bytes are not copied into the chain.
constexpr std::size_t shortest_reference = 1024;

/// The elements of a list in all the places where it lies, and in the first one.
struct elements {
  std::size_t count = 0;
  std::size_t run = 0;
};

elements count_elements(const word* element) noexcept {
  elements result;
  result.count = result.run = run_of(element);
  for (;;) {
    const word tail = tail_after(element + run_of(element));
    if (tag_of(tail) != tag::list)
      return result;
    element = address(tail);
    result.count += run_of(element);
  }
}

/// Every element a byte, and the end `[]`?
bool is_byte_list(const word* element) noexcept {
  constexpr word byte_bits = word{0xff} << 3;
  for (;;) {
    for (; *element != list_end && *element != list_tail; ++element) {
      if ((*element & ~byte_bits) != 0)
        return false;
    }
    const word tail = tail_after(element);
    if (tail == nil_word)
      return true;
    if (tag_of(tail) != tag::list)
      return false;
    element = address(tail);
  }
}

} // namespace

/// What becomes of large binaries.
enum class large_binaries {
  /// Their pieces in the chain share their memory.
  shared,
  /// The same, but the chain lives no longer than the term, so they are not counted.
  borrowed,
  copied,
};

class chain_encoder {
public:
  chain_encoder(byte_chain& out, const encode_options& options, large_binaries large) noexcept
      : out_(out), cache_(options.atom_cache), large_(large) {}

  /// Writes to `buffer` before there is memory of the chain's own.
  void use(std::span<std::byte> buffer) noexcept {
    out_.begin_ = out_.at_ = buffer.data();
    out_.limit_ = out_.at_ + buffer.size();
  }

  /// What `use` was given and the chain has not recorded.
  std::span<const std::byte> unrecorded() const noexcept { return {out_.begin_, out_.at_}; }
  void finish() { out_.record(); }
  /// What an encoding left that ended with an exception.
  void forget_unrecorded() noexcept { out_.at_ = out_.begin_; }

  void version() { filled(store8(room(1), etf::version)); }

  // The common terms are written right here, with the place in the memory in local variables, as in
  // the decoder.
  void run(word root) {
    row now{&root, 1, ending::nothing};
    std::byte* at = out_.at_;
    std::byte* limit = out_.limit_;
    small_stack<row> stack;

    const auto save = [&]() __attribute__((always_inline)) { out_.at_ = at; };
    const auto restore = [&]() __attribute__((always_inline)) {
      at = out_.at_;
      limit = out_.limit_;
    };
    const auto has = [&](std::size_t size) __attribute__((always_inline)) {
      return static_cast<std::size_t>(limit - at) >= size;
    };
    const auto open = [&](const word* words, std::size_t count, ending after)
                          __attribute__((always_inline)) {
                            if (now.left != 0 || now.after != ending::nothing)
                              stack.push(now);
                            now = {words, count, after};
                          };

    for (;;) {
      word value = 0;
      if (now.left != 0) {
        --now.left;
        value = *now.next++;
      } else if (now.after == ending::list) {
        value = tail_after(now.next);
        if (tag_of(value) == tag::list) {
          now.next = address(value);
          now.left = run_of(now.next);
          continue;
        }
        now.after = ending::nothing;
      } else {
        if (now.after == ending::closure) {
          save();
          end_closure();
        }
        if (stack.empty())
          break;
        now = stack.top();
        stack.pop();
        continue;
      }
      if (!has(etf::largest_piece)) {
        save();
        out_.add_memory(etf::largest_piece);
        restore();
      }
      switch (tag_of(value)) {
      case tag::integer: {
        const std::int64_t number = small_value(value);
        if (static_cast<std::uint64_t>(number) <= 255)
          at = store8(store8(at, etf::tag::small_integer), static_cast<std::uint64_t>(number));
        else if (number == static_cast<std::int32_t>(number))
          at = store32(store8(at, etf::tag::integer), static_cast<std::uint64_t>(number));
        else
          at = small_big(at, number);
        continue;
      }
      case tag::immediate:
        if (value == nil_word) {
          at = store8(at, etf::tag::nil);
          continue;
        }
        if (cache_ == nullptr) {
          const auto& name = atoms_.at(static_cast<std::uint32_t>(value >> 8));
          if (name.size <= 16) {
            at = short_name(at, name);
            continue;
          }
        }
        break;
      case tag::floating: {
        const word bits = *address(value);
        at = store64(store8(at, etf::tag::new_float), bits);
        continue;
      }
      case tag::tuple: {
        const word* box = address(value);
        if (box[0] > 255)
          break;
        at = store8(store8(at, etf::tag::small_tuple), box[0]);
        open(box + 1, box[0], ending::nothing);
        continue;
      }
      case tag::binary: {
        const word* box = address(value);
        const std::size_t words = words_for(box[0]);
        if (!has(5 + 8 * words))
          break;
        at = store32(store8(at, etf::tag::binary), box[0]);
        std::byte* to = at;
        for (std::size_t i = 0; i < words; ++i, to += 8)
          std::memcpy(to, &box[1 + i], 8);
        at += box[0];
        continue;
      }
      case tag::list: {
        const word* element = address(value);
        const elements found = count_elements(element);
        constexpr std::size_t longest_byte_list = 65535;
        save();
        if (found.count <= longest_byte_list && is_byte_list(element)) {
          byte_list(element, found.count);
        } else {
          put_.list(found.count);
          open(element, found.run, ending::list);
        }
        restore();
        continue;
      }
      case tag::box: {
        const word* box = address(value);
        switch (kind_of(box[0])) {
        case box_kind::map:
          save();
          put_.map(size_of(box[0]));
          restore();
          open(box + 1, 2 * size_of(box[0]), ending::nothing);
          continue;
        case box_kind::positive_integer:
        case box_kind::negative_integer:
          if (size_of(box[0]) == 1) {
            at = small_big(at, kind_of(box[0]) == box_kind::negative_integer, box[1]);
            continue;
          }
          break;
        default:
          break;
        }
        break;
      }
      }
      save();
      row_ = {nullptr, 0, ending::nothing};
      rare(value);
      restore();
      if (row_.next != nullptr)
        open(row_.next, row_.left, row_.after);
    }
    save();
  }

  // What `put` writes to.

  std::byte* room(std::size_t size) {
    if (static_cast<std::size_t>(out_.limit_ - out_.at_) < size)
      out_.add_memory(size);
    return out_.at_;
  }
  void filled(std::byte* end) noexcept { out_.at_ = end; }
  void append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      room(1);
      const std::size_t size =
          std::min(bytes.size(), static_cast<std::size_t>(out_.limit_ - out_.at_));
      std::memcpy(out_.at_, bytes.data(), size);
      out_.at_ += size;
      bytes = bytes.subspan(size);
    }
  }
  void atom(erl::atom value) {
    const int index = cache_ == nullptr ? -1 : cache_->reference(value);
    if (index < 0)
      return put_.atom(value.text());
    filled(store8(store8(room(2), etf::tag::atom_cache_ref), static_cast<std::uint64_t>(index)));
  }

private:
  /// What comes when a row is written: nothing, the tail of a list, or the size of a closure.
  enum class ending : std::uint8_t { nothing, list, closure };

  struct row {
    const word* next;
    std::size_t left;
    ending after;
  };

  /// A name of up to 16 bytes, in two overlapping stores.
  static std::byte* short_name(std::byte* at, const atom_table::entry& name) noexcept {
    at = store8(store8(at, etf::tag::small_atom_utf8), name.size);
    std::memcpy(at, &name.first, 8);
    if (name.size > 8)
      std::memcpy(at + name.size - 8, &name.last, 8);
    return at + name.size;
  }

  void byte_list(const word* element, std::size_t count) {
    put_.byte_list(count);
    for (const term_ref byte : term_ref::from_word(tagged(element, tag::list)).items())
      filled(store8(room(1), byte.raw() >> 3));
  }

  [[gnu::noinline]] void rare(word value) {
    const word* at = address(value);
    switch (tag_of(value)) {
    case tag::immediate:
      return atom(atom_of(value));
    case tag::tuple:
      put_.tuple(static_cast<std::size_t>(at[0]));
      row_ = {at + 1, static_cast<std::size_t>(at[0]), ending::nothing};
      return;
    case tag::binary:
      return put_.binary(
          {reinterpret_cast<const std::byte*>(at + 1), static_cast<std::size_t>(at[0])});
    default:
      return box(at);
    }
  }

  void box(const word* at) {
    const std::size_t count = size_of(at[0]);
    switch (kind_of(at[0])) {
    case box_kind::positive_integer:
      return put_.big_integer(false, {at + 1, count});
    case box_kind::negative_integer:
      return put_.big_integer(true, {at + 1, count});
    case box_kind::slice:
      return slice(at);
    case box_kind::bits:
      return put_.bit_string({slice_or_bits(at).data, count / 8 + 1},
                             static_cast<unsigned>(count % 8));
    case box_kind::map:
      break; // not rare
    case box_kind::pid:
      return put_.pid(pid_at(at));
    case box_kind::port:
      return put_.port(port_at(at));
    case box_kind::reference:
      return put_.reference(reference_at(at));
    case box_kind::external_fun:
      return put_.external_fun(atom_of(at[1]), atom_of(at[2]), static_cast<std::uint8_t>(count));
    case box_kind::closure:
      return closure(at, count);
    case box_kind::record:
      put_.record(atom_of(at[1]), atom_of(at[2]), count_of(at[0]) % 2 != 0, count / 2);
      // Names and values lie side by side.
      row_ = {at + record_head, count / 2 * 2, ending::nothing};
      return;
    }
  }

  /// A binary outside of the term's block.
  void slice(const word* at) {
    const std::span<const std::byte> bytes(slice_or_bits(at).data, slice_or_bits(at).bits / 8);
    if (large_ == large_binaries::copied || bytes.size() < shortest_reference)
      return put_.binary(bytes);
    put_.binary_head(bytes.size());
    if (large_ == large_binaries::shared) {
      out_.append(bytes_access::owner_of(reinterpret_cast<void*>(at[slice_owner])), bytes);
    } else {
      out_.record();
      out_.pieces_.push_back(bytes);
      out_.size_ += bytes.size();
    }
  }

  std::size_t position() const noexcept {
    return out_.size_ + static_cast<std::size_t>(out_.at_ - out_.begin_);
  }

  // The size of a closure is known at its end only. Until then its place holds the position where
  // it begins.

  void closure(const word* at, std::size_t variables) {
    put_.byte(etf::tag::new_fun);
    std::byte* size = room(sizeof(std::uint32_t));
    store32(size, position());
    filled(size + sizeof(std::uint32_t));
    filled(store8(room(1), high(at[1])));
    append(std::as_bytes(std::span(at + closure_unique, 2)));
    filled(store32(store32(room(8), low(at[1])), variables));
    atom(atom_of(at[closure_module]));
    put_.integer(small_value(at[closure_old_index]));
    put_.integer(small_value(at[closure_old_unique]));
    put_.pid(pid_at(address(at[closure_pid])));
    sizes_.push(size);
    row_ = {at + closure_head, variables, ending::closure};
  }

  void end_closure() noexcept {
    std::byte* size = sizes_.top();
    sizes_.pop();
    store32(size, position() - wire::get32(size));
  }

  byte_chain& out_;
  atom_cache_writer* cache_;
  large_binaries large_;
  const atom_table& atoms_ = atom_table::get();
  etf::put<chain_encoder> put_{*this};
  /// What a rare term wants to be written next.
  row row_{};
  /// Where the sizes of the closures go that are being written.
  small_stack<std::byte*, 4> sizes_;
};

} // namespace detail

namespace {

/// Room on the stack for what is not large.
constexpr std::size_t near_size = 1024;

} // namespace

void encode_external(term_ref value, std::vector<std::byte>& out) { encode(value, out, {}); }

void encode(term_ref value, std::vector<std::byte>& out, const encode_options& options) {
  std::array<std::byte, near_size> near; // NOLINT(cppcoreguidelines-pro-type-member-init)
  byte_chain chain;
  detail::chain_encoder encoder(chain, options, detail::large_binaries::borrowed);
  encoder.use(near);
  if (options.framing == framing::external)
    encoder.version();
  encoder.run(value.raw());
  if (chain.empty()) {
    const auto all = encoder.unrecorded();
    out.insert(out.end(), all.begin(), all.end());
    return;
  }
  encoder.finish();
  if (out.capacity() - out.size() < chain.size())
    out.reserve(std::max(out.size() + chain.size(), 2 * out.capacity()));
  for (const auto piece : chain.pieces())
    out.insert(out.end(), piece.begin(), piece.end());
}

void encode(term_ref value, byte_chain& out, const encode_options& options) {
  detail::chain_encoder encoder(out, options, detail::large_binaries::shared);
  encoder.forget_unrecorded();
  if (options.framing == framing::external)
    encoder.version();
  encoder.run(value.raw());
  encoder.finish();
}

std::size_t encode_into(term_ref value, std::span<std::byte> out, const encode_options& options) {
  byte_chain chain;
  // Who asks for the size alone needs no copies.
  detail::chain_encoder encoder(chain, options,
                                out.empty() ? detail::large_binaries::borrowed
                                            : detail::large_binaries::copied);
  encoder.use(out);
  if (options.framing == framing::external)
    encoder.version();
  encoder.run(value.raw());
  encoder.finish();
  if (chain.size() <= out.size()) {
    // The first piece is there already. Others were made where the room got short.
    std::byte* at = out.data();
    for (const auto piece : chain.pieces()) {
      if (piece.data() != at)
        std::memcpy(at, piece.data(), piece.size());
      at += piece.size();
    }
  }
  return chain.size();
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
  etf::store32(etf::store8(etf::store8(result.data(), etf::version), etf::tag::compressed),
               inner.size());
  result.insert(result.end(), compressed->begin(), compressed->end());
  return result;
}

} // namespace erl
