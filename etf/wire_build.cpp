#include "etf/atom_table.hpp"
#include "etf/leaves.hpp"
#include "etf/parts.hpp"
#include "etf/wire.hpp"
#include <erl/etf/detail/small_stack.hpp>

#include <algorithm>
#include <vector>

namespace erl::wire {

namespace {

using detail::word;
using etf::tag;

/// A container that waits for its other parts while one of them is filled.
struct frame {
  word* to;
  /// Null for a row of words; where the end of a list comes; or the head of a map.
  word* closes;
  std::uint32_t left;
  /// Levels of nesting around the words of the row.
  std::uint32_t depth;
};

/// What an arena's first piece holds when the size of the term is not known: enough for most
/// messages, and not much for a term that is little more than a large binary.
std::size_t first_words(std::size_t bytes) noexcept {
  constexpr std::size_t most = 512;
  return std::min(bytes / 4, most) + 8;
}

class filler {
public:
  filler(std::span<const std::byte> bytes, const decode_options& options, const scanned* known)
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()),
        options_(options), memory_(known != nullptr ? known->words : first_words(bytes.size())),
        new_atoms_(options.limits.new_atoms), claimable_(bytes.size()), scanned_(known != nullptr) {
  }

  outcome run(term& value) {
    word root = detail::nil_word;
    if (fill(&root))
      value = term::adopt(root, memory_.take());
    return {error_, static_cast<std::size_t>(at_ - begin_)};
  }

private:
  // The common tags are handled right here, with the place in the bytes and in the memory in local
  // variables: stores of words into the term could change any member for all that the compiler
  // knows. `save` and `restore` carry them to the rare tags and back.
  bool fill(word* root) {
    const std::byte* at = at_;
    const std::byte* const end = end_;
    word* free = nullptr;
    word* limit = nullptr;
    word* to = root;
    word* stop = root + 1;
    word* closes = nullptr;
    std::uint32_t depth = 0;
    detail::small_stack<frame> stack;

    const auto save = [&]() __attribute__((always_inline)) {
      at_ = at;
      memory_.move_to(free);
    };
    const auto restore = [&]() __attribute__((always_inline)) {
      at = at_;
      free = memory_.next();
      limit = memory_.limit();
    };
    const auto has = [&](std::size_t size) __attribute__((always_inline)) {
      return static_cast<std::size_t>(end - at) >= size;
    };
    // May the text of an atom be read in words?
    const auto readable = [&](const std::byte* text,
                              std::size_t size) __attribute__((always_inline)) {
      return size >= 8 || static_cast<std::size_t>(text - begin_) + size >= 8;
    };
    // The node at `from`, before `numbers` bytes: an atom that is known. Null: the rare way.
    const auto node_at = [&](const std::byte* from, std::size_t numbers, std::uint32_t& node)
                             __attribute__((always_inline)) -> const std::byte* {
      const auto left = static_cast<std::size_t>(end - from);
      if (left < 2 + numbers)
        return nullptr;
      const std::size_t size = get8(from + 1); // or a number
      if (static_cast<tag>(get8(from)) == tag::atom_cache_ref && size < options_.atom_refs.size()) {
        node = options_.atom_refs[size].index();
        return from + 2;
      }
      if (static_cast<tag>(get8(from)) != tag::small_atom_utf8 || left < 2 + size + numbers ||
          !readable(from + 2, size))
        return nullptr;
      node = atoms_.find(text_key(from + 2, size));
      return node == detail::atom_table::none ? nullptr : from + 2 + size;
    };
    const auto fail = [&](etf_errc error) __attribute__((always_inline)) {
      at_ = at;
      error_ = error;
      return false;
    };
    const auto make_room = [&](std::size_t words) __attribute__((always_inline)) {
      save();
      const bool ok = more_memory(words);
      restore();
      return ok;
    };
    // `words` of memory; null when that is more than allowed.
    const auto allocate = [&](std::size_t words) __attribute__((always_inline)) -> word* {
      if (static_cast<std::size_t>(limit - free) < words && !make_room(words))
        return nullptr;
      word* result = free;
      free += words;
      return result;
    };
    // The next words to be filled are `count` at `row`.
    const auto open = [&](word* row, std::size_t count,
                          word* closing) __attribute__((always_inline)) {
      if (depth >= options_.limits.depth)
        return false;
      if (to != stop || closes != nullptr)
        stack.push({to, closes, static_cast<std::uint32_t>(stop - to), depth});
      to = row;
      stop = row + count;
      closes = closing;
      ++depth;
      return true;
    };

    for (;;) {
      if (to == stop) {
        if (closes == stop) { // the end of a list, or its tail
          if (!has(1))
            return fail(etf_errc::truncated);
          if (static_cast<tag>(get8(at)) != tag::nil) {
            *stop = detail::list_tail;
            to = stop + 1;
            stop = to + 1;
            closes = nullptr;
            --depth;
            continue;
          }
          ++at;
          *stop = detail::list_end;
        } else if (closes != nullptr) {
          const std::size_t pairs = detail::size_of(*closes);
          if (detail::sort_pairs(closes + 1, pairs) != pairs)
            return fail(etf_errc::duplicate_key);
        }
        if (stack.empty())
          break;
        const frame& outer = stack.top();
        to = outer.to;
        stop = to + outer.left;
        closes = outer.closes;
        depth = outer.depth;
        stack.pop();
        continue;
      }
      if (!has(2)) {
        // Only `[]` is that short.
        if (!has(1) || static_cast<tag>(get8(at)) != tag::nil)
          return fail(etf_errc::truncated);
        ++at;
        *to++ = detail::nil_word;
        continue;
      }
      const tag what = static_cast<tag>(get8(at));
      switch (what) {
      case tag::small_integer:
        *to++ = detail::small_word(get8(at + 1));
        at += 2;
        continue;
      case tag::integer:
        if (!has(5))
          return fail(etf_errc::truncated);
        *to++ = detail::small_word(static_cast<std::int32_t>(get32(at + 1)));
        at += 5;
        continue;
      case tag::nil:
        *to++ = detail::nil_word;
        ++at;
        continue;
      case tag::small_atom_utf8: {
        const std::size_t size = get8(at + 1);
        if (!has(2 + size) || !readable(at + 2, size))
          break;
        const std::uint32_t found = atoms_.find(text_key(at + 2, size));
        if (found == detail::atom_table::none)
          break;
        *to++ = detail::atom_word(found);
        at += 2 + size;
        continue;
      }
      case tag::atom_cache_ref: {
        const std::size_t number = get8(at + 1);
        if (number >= options_.atom_refs.size())
          break;
        *to++ = detail::atom_word(options_.atom_refs[number].index());
        at += 2;
        continue;
      }
      case tag::small_big: {
        // Up to eight bytes that may be read as a word and are a small integer.
        const std::size_t size = get8(at + 1);
        if (size == 0 || size > 8 || !has(3 + 8))
          break;
        const std::uint64_t value = load_little(at + 3) & ~std::uint64_t{0} >> (64 - 8 * size);
        const bool negative = get8(at + 2) != 0;
        at += 3 + size;
        if (value <= static_cast<std::uint64_t>(detail::max_small)) {
          const auto small = static_cast<std::int64_t>(value);
          *to++ = detail::small_word(negative ? -small : small);
          continue;
        }
        word* box = allocate(2);
        if (box == nullptr)
          return fail(etf_errc::too_large);
        if (value == std::uint64_t{1} << 60 && negative) {
          free = box;
          *to++ = detail::small_word(detail::min_small);
          continue;
        }
        box[0] = detail::box_header(
            negative ? detail::box_kind::negative_integer : detail::box_kind::positive_integer, 1);
        box[1] = value;
        *to++ = detail::tagged(box, detail::tag::box);
        continue;
      }
      case tag::new_pid: {
        std::uint32_t node = 0;
        const std::byte* numbers = node_at(at + 1, 12, node);
        if (numbers == nullptr || (get32(numbers) >> 28 != 0 && node == unnamed_node))
          break;
        word* box = allocate(detail::pid_words);
        if (box == nullptr)
          return fail(etf_errc::too_large);
        detail::put_pid(box, {erl::atom::from_index(node), get32(numbers), get32(numbers + 4),
                              get32(numbers + 8)});
        *to++ = detail::tagged(box, detail::tag::box);
        at = numbers + 12;
        continue;
      }
      case tag::newer_reference: {
        if (!has(3) || get16(at + 1) != 3) // words
          break;
        std::uint32_t node = 0;
        const std::byte* numbers = node_at(at + 3, 16, node);
        if (numbers == nullptr)
          break;
        word* box = allocate(detail::reference_words(3));
        if (box == nullptr)
          return fail(etf_errc::too_large);
        box[0] = detail::box_header(detail::box_kind::reference, 3);
        box[1] = detail::pair(node, get32(numbers));
        box[2] = detail::pair(get32(numbers + 8), get32(numbers + 4));
        box[3] = get32(numbers + 12);
        *to++ = detail::tagged(box, detail::tag::box);
        at = numbers + 16;
        continue;
      }
      case tag::new_float: {
        if (!has(9))
          return fail(etf_errc::truncated);
        const std::uint64_t bits = get64(at + 1);
        if ((bits & exponent_bits) == exponent_bits)
          return fail(etf_errc::bad_float);
        word* box = allocate(1);
        if (box == nullptr)
          return fail(etf_errc::too_large);
        box[0] = bits;
        *to++ = detail::tagged(box, detail::tag::floating);
        at += 9;
        continue;
      }
      case tag::binary: {
        if (!has(5))
          return fail(etf_errc::truncated);
        const std::size_t size = get32(at + 1);
        const std::size_t words = detail::words_for(size);
        // In whole words, which have to lie within the input.
        if (size > detail::largest_inline_binary || size == 0 || !has(5 + 8 * words))
          break;
        word* box = allocate(1 + words);
        if (box == nullptr)
          return fail(etf_errc::too_large);
        box[0] = size;
        at += 5;
        for (std::size_t i = 0; i < words; ++i)
          box[1 + i] = load_little(at + 8 * i);
        box[words] &= ~std::uint64_t{0} >> (64 * words - 8 * size);
        at += size;
        *to++ = detail::tagged(box, detail::tag::binary);
        continue;
      }
      case tag::small_tuple: {
        const std::size_t count = get8(at + 1);
        word* box = claim(count) ? allocate(1 + count) : nullptr;
        if (box == nullptr || count > options_.limits.arity)
          return fail(etf_errc::too_large);
        box[0] = count;
        *to++ = detail::tagged(box, detail::tag::tuple);
        at += 2;
        if (!open(box + 1, count, nullptr))
          return fail(etf_errc::too_deep);
        continue;
      }
      case tag::list: {
        if (!has(5))
          return fail(etf_errc::truncated);
        const std::size_t count = get32(at + 1);
        at += 5;
        if (count == 0) // the value is the tail
          continue;
        word* list = claim(count + 1) ? allocate(count + 2) : nullptr;
        if (list == nullptr)
          return fail(etf_errc::too_large);
        *to++ = detail::tagged(list, detail::tag::list);
        if (!open(list, count, list + count))
          return fail(etf_errc::too_deep);
        continue;
      }
      case tag::map: {
        if (!has(5))
          return fail(etf_errc::truncated);
        const std::size_t pairs = get32(at + 1);
        word* map = claim(2 * pairs) ? allocate(1 + 2 * pairs) : nullptr;
        if (map == nullptr || pairs > options_.limits.arity)
          return fail(etf_errc::too_large);
        map[0] = detail::box_header(detail::box_kind::map, pairs);
        *to++ = detail::tagged(map, detail::tag::box);
        at += 5;
        if (!open(map + 1, 2 * pairs, map))
          return fail(etf_errc::too_deep);
        continue;
      }
      default:
        break;
      }
      ++at;
      save();
      row_ = nullptr;
      *to++ = rare(what);
      restore();
      if (error_ != etf_errc::none)
        return false;
      if (row_ != nullptr && !open(row_, row_size_, nullptr))
        return fail(etf_errc::too_deep);
    }
    save();
    return true;
  }

  static constexpr std::uint64_t exponent_bits = 0x7ff0000000000000U;

  static constexpr std::uint32_t unnamed_node = atoms::nonode_nohost.index();

  [[gnu::always_inline]] static detail::atom_key text_key(const std::byte* at,
                                                          std::size_t size) noexcept {
    return detail::atom_key::readable(reinterpret_cast<const char*>(at),
                                      static_cast<std::uint32_t>(size));
  }

  static std::uint64_t load_little(const std::byte* at) noexcept {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }

  /// `count` more terms are announced. Each takes at least a byte of its own, so all of them
  /// together cannot be more than there are bytes.
  bool claim(std::size_t count) noexcept {
    if (count > claimable_)
      return false;
    claimable_ -= count;
    return true;
  }

  [[gnu::noinline]] bool more_memory(std::size_t words) {
    // Of a scanned term it is known that it fits.
    if (!scanned_ && memory_.memory() + words * sizeof(word) > options_.limits.bytes)
      return false;
    memory_.reserve(words);
    return true;
  }

  // From here on: the rare tags, which read from `at_`, and note an error in `error_`. Nothing that
  // they make counts then.

  bool need(std::size_t size) noexcept {
    if (static_cast<std::size_t>(end_ - at_) >= size)
      return true;
    error_ = etf_errc::truncated;
    return false;
  }
  std::uint8_t take8() noexcept { return need(1) ? get8(at_++) : std::uint8_t{0}; }
  std::uint16_t take16() noexcept { return need(2) ? get16((at_ += 2) - 2) : std::uint16_t{0}; }
  std::uint32_t take32() noexcept { return need(4) ? get32((at_ += 4) - 4) : 0; }
  std::uint64_t take64() noexcept { return need(8) ? get64((at_ += 8) - 8) : 0; }
  std::span<const std::byte> take(std::size_t size) noexcept {
    if (!need(size))
      return {};
    at_ += size;
    return {at_ - size, size};
  }

  word* room(std::size_t words) {
    if (memory_.limit() - memory_.next() < static_cast<std::ptrdiff_t>(words) &&
        !more_memory(words)) {
      error_ = etf_errc::too_large;
      return nullptr;
    }
    return memory_.allocate(words);
  }

  word failed(etf_errc error) noexcept {
    if (error_ == etf_errc::none)
      error_ = error;
    return detail::nil_word;
  }

  [[gnu::noinline]] word rare(tag what) {
    switch (what) {
    case tag::binary:
      return binary(take32());
    case tag::string:
      return string(take16());
    case tag::new_pid:
    case tag::pid:
      return pid(what);
    case tag::newer_reference:
    case tag::new_reference:
    case tag::reference:
      return reference(what);
    case tag::small_big:
      return integer(take8());
    case tag::large_big:
      return integer(take32());
    case tag::large_tuple:
      return large_tuple(take32());
    case tag::bit_binary:
      return bit_string();
    case tag::v4_port:
    case tag::new_port:
    case tag::port:
      return port(what);
    case tag::float_text:
      return text_float();
    case tag::external_fun:
      return external_fun();
    case tag::new_fun:
      return closure();
    case tag::record:
      return record();
    default:
      return atom_word(atom(what));
    }
  }

  static word atom_word(erl::atom value) noexcept { return detail::atom_word(value.index()); }

  word large_tuple(std::size_t count) {
    if (!claim(count) || count > options_.limits.arity)
      return failed(etf_errc::length_beyond_input);
    word* box = room(1 + count);
    if (box == nullptr)
      return detail::nil_word;
    box[0] = count;
    row_ = box + 1;
    row_size_ = count;
    return detail::tagged(box, detail::tag::tuple);
  }

  word string(std::size_t size) {
    const std::span<const std::byte> bytes = take(size);
    if (bytes.empty())
      return detail::nil_word;
    word* list = room(size + 1);
    if (list == nullptr)
      return detail::nil_word;
    for (std::size_t i = 0; i < size; ++i)
      list[i] = detail::small_word(get8(&bytes[i]));
    list[size] = detail::list_end;
    return detail::tagged(list, detail::tag::list);
  }

  word binary(std::size_t size) {
    const std::span<const std::byte> bytes = take(size);
    if (error_ != etf_errc::none)
      return detail::nil_word;
    return options_.owner != nullptr && size >= options_.least_shared
               ? memory_.slice(*options_.owner, bytes)
               : memory_.binary(bytes);
  }

  word bit_string() {
    const std::size_t size = take32();
    const std::size_t bits = take8();
    if (size == 0 || bits == 0 || bits > 8)
      return failed(etf_errc::bad_bit_string);
    if (bits == 8)
      return binary(size);
    const std::span<const std::byte> bytes = take(size);
    return bytes.empty() ? detail::nil_word : memory_.bit_string(bytes, (size - 1) * 8 + bits);
  }

  word text_float() {
    const std::span<const std::byte> text = take(float_text_size);
    const auto value = text.empty() ? std::nullopt : float_text(text.data());
    return value ? memory_.floating(*value) : failed(etf_errc::bad_float);
  }

  word integer(std::size_t size) {
    const bool negative = take8() != 0;
    if (size > max_integer_bytes)
      return failed(etf_errc::integer_too_large);
    const std::span<const std::byte> digits = take(size);
    if (error_ != etf_errc::none)
      return detail::nil_word;
    if (size <= sizeof(std::uint64_t)) {
      std::uint64_t value = 0;
      for (std::size_t i = size; i-- > 0;)
        value = value << 8 | get8(&digits[i]);
      return memory_.magnitude(negative, {&value, 1});
    }
    std::vector<std::uint64_t> words(detail::words_for(size));
    std::memcpy(words.data(), digits.data(), size);
    return memory_.magnitude(negative, words);
  }

  erl::atom intern(std::string_view text) {
    if (auto found = erl::atom::find(text))
      return *found;
    // Bytes that may still turn out to be no term make no atoms.
    if (!scanned_ || new_atoms_ == 0) {
      error_ = etf_errc::too_many_new_atoms;
      return {};
    }
    auto made = options_.budget == nullptr ? erl::atom::intern(text)
                                           : erl::atom::intern(text, *options_.budget);
    if (!made) {
      error_ = made.error();
      return {};
    }
    --new_atoms_;
    return *made;
  }

  erl::atom utf8_atom(std::size_t size) {
    const std::span<const std::byte> text = take(size);
    return error_ == etf_errc::none ? intern({reinterpret_cast<const char*>(text.data()), size})
                                    : erl::atom();
  }

  erl::atom latin1_atom(std::size_t size) {
    if (size > 255) {
      error_ = etf_errc::atom_too_long;
      return {};
    }
    const std::span<const std::byte> text = take(size);
    const utf8_name name({reinterpret_cast<const char*>(text.data()), text.size()});
    return error_ == etf_errc::none ? intern(name.text()) : erl::atom();
  }

  erl::atom atom(tag what) {
    switch (what) {
    case tag::small_atom_utf8:
      return utf8_atom(take8());
    case tag::atom_utf8:
      return utf8_atom(take16());
    case tag::small_atom:
      return latin1_atom(take8());
    case tag::atom:
      return latin1_atom(take16());
    case tag::atom_cache_ref: {
      const std::size_t index = take8();
      if (index < options_.atom_refs.size())
        return options_.atom_refs[index];
      error_ = etf_errc::bad_atom_reference;
      return {};
    }
    default:
      error_ = etf_errc::bad_tag;
      return {};
    }
  }

  erl::atom atom() { return atom(static_cast<tag>(take8())); }

  std::uint32_t old_creation() noexcept {
    const std::uint32_t value = take8();
    if (value > max_old_creation)
      error_ = etf_errc::bad_identifier;
    return value;
  }

  word pid(tag what) {
    erl::pid value;
    value.node = atom();
    value.id = take32();
    value.serial = take32();
    value.creation = what == tag::new_pid ? take32() : old_creation();
    // A node that has no name yet has pids of 28 bits only.
    if (value.node == atoms::nonode_nohost && value.creation == 0 && value.id >> 28 != 0)
      error_ = etf_errc::bad_identifier;
    return error_ == etf_errc::none ? memory_.identifier(value) : detail::nil_word;
  }

  word port(tag what) {
    erl::port value;
    value.node = atom();
    value.id = what == tag::v4_port ? take64() : take32();
    value.creation = what == tag::port ? old_creation() : take32();
    return error_ == etf_errc::none ? memory_.identifier(value) : detail::nil_word;
  }

  word reference(tag what) {
    erl::reference value;
    const std::size_t size = what == tag::reference ? 1 : take16();
    if (size == 0 || size > max_reference_words)
      return failed(etf_errc::bad_identifier);
    value.size = static_cast<std::uint8_t>(size);
    value.node = atom();
    if (what == tag::reference) {
      value.words[0] = take32();
      value.creation = old_creation();
    } else {
      value.creation = what == tag::newer_reference ? take32() : old_creation();
      for (std::size_t i = 0; i < size; ++i)
        value.words[i] = take32();
    }
    if (what != tag::newer_reference && value.words[0] > max_old_reference)
      return failed(etf_errc::bad_identifier);
    return error_ == etf_errc::none ? memory_.identifier(value) : detail::nil_word;
  }

  std::int32_t short_integer() noexcept {
    switch (static_cast<tag>(take8())) {
    case tag::small_integer:
      return take8();
    case tag::integer:
      return static_cast<std::int32_t>(take32());
    default:
      error_ = etf_errc::bad_fun;
      return 0;
    }
  }

  word external_fun() {
    erl::external_fun value;
    value.module = atom();
    value.function = atom();
    const std::int32_t arity = short_integer();
    if (arity < 0 || arity > 255)
      return failed(etf_errc::bad_fun);
    value.arity = static_cast<std::uint8_t>(arity);
    return error_ == etf_errc::none ? memory_.fun(value) : detail::nil_word;
  }

  word closure() {
    take32(); // the size, which OTP ignores as well
    const std::uint32_t arity = take8();
    const std::span<const std::byte> unique = take(16);
    const std::uint32_t index = take32();
    const std::size_t variables = take32();
    if (error_ != etf_errc::none || !claim(variables))
      return failed(etf_errc::length_beyond_input);
    word* box = room(detail::closure_head + variables);
    if (box == nullptr)
      return detail::nil_word;
    box[0] = detail::box_header(detail::box_kind::closure, variables);
    box[1] = detail::pair(arity, index);
    std::memcpy(box + detail::closure_unique, unique.data(), unique.size());
    box[detail::closure_module] = atom_word(atom());
    box[detail::closure_old_index] = detail::small_word(short_integer());
    box[detail::closure_old_unique] = detail::small_word(short_integer());
    const tag creator = static_cast<tag>(take8());
    if (creator != tag::new_pid && creator != tag::pid)
      return failed(etf_errc::bad_fun);
    box[detail::closure_pid] = pid(creator);
    row_ = box + detail::closure_head;
    row_size_ = variables;
    return detail::tagged(box, detail::tag::box);
  }

  word record() {
    const std::size_t fields = take32();
    const std::uint8_t exported = take8();
    // Each field has a name and a value.
    if (exported > 1 || !claim(fields) || !claim(fields) || fields > options_.limits.arity)
      return failed(etf_errc::bad_record);
    word* box = room(detail::record_head + 2 * fields);
    if (box == nullptr)
      return detail::nil_word;
    box[0] = detail::box_header(detail::box_kind::record, fields * 2 + exported);
    for (std::size_t i = 1; i < detail::record_head + fields && error_ == etf_errc::none; ++i)
      box[i] = atom_word(atom());
    if (error_ != etf_errc::none)
      return detail::nil_word;
    // The values are not there yet; their place serves to find names that come twice.
    word* names = box + detail::record_head;
    word* sorted = names + fields;
    std::copy(names, sorted, sorted);
    std::sort(sorted, sorted + fields);
    if (std::adjacent_find(sorted, sorted + fields) != sorted + fields)
      return failed(etf_errc::bad_record);
    row_ = sorted;
    row_size_ = fields;
    return detail::tagged(box, detail::tag::box);
  }

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  const decode_options& options_;
  const detail::atom_table& atoms_ = detail::atom_table::get();
  detail::arena memory_;
  std::uint32_t new_atoms_;
  std::size_t claimable_;
  /// The term was scanned: it is known to be one, and its atoms are made.
  bool scanned_;
  etf_errc error_ = etf_errc::none;
  /// What a rare tag wants to be filled next.
  word* row_ = nullptr;
  std::size_t row_size_ = 0;
};

} // namespace

outcome build(std::span<const std::byte> bytes, const decode_options& options, const scanned* known,
              term& value) {
  return filler(bytes, options, known).run(value);
}

} // namespace erl::wire
