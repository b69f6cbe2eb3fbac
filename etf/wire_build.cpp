#include "etf/parts.hpp"
#include "etf/stack.hpp"
#include "etf/wire.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace erl::wire {

namespace {

using detail::word;
using etf::tag;

/// What is still to be filled: a row of words; the end of a list; or a map whose pairs are all
/// there.
enum class filling : std::uint32_t { row, list_end, map_end };

struct frame {
  word* to;
  std::size_t left;
  filling what;
  /// Levels of nesting around the words of the row.
  std::uint32_t depth;
};

/// Trusts the bytes: they were scanned.
class filler {
public:
  filler(std::span<const std::byte> bytes, std::size_t words, const decode_options& options)
      : begin_(bytes.data()), at_(bytes.data()), options_(options), memory_(0),
        new_atoms_(options.limits.new_atoms) {
    if (words != 0)
      memory_.reserve(words);
  }

  built run() {
    word root = detail::nil_word;
    now_ = {&root, 1, filling::row, 0};
    do {
      while (now_.left != 0) {
        --now_.left;
        word* to = now_.to++;
        fill(to);
        if (error_ != etf_errc::none)
          return {error_, static_cast<std::size_t>(at_ - begin_), {}};
      }
    } while (close());
    if (error_ != etf_errc::none)
      return {error_, static_cast<std::size_t>(at_ - begin_), {}};
    return {etf_errc::none, 0, term::adopt(root, memory_.take())};
  }

private:
  std::uint8_t take8() noexcept { return get8(at_++); }
  std::uint16_t take16() noexcept {
    at_ += 2;
    return get16(at_ - 2);
  }
  std::uint32_t take32() noexcept {
    at_ += 4;
    return get32(at_ - 4);
  }
  std::uint64_t take64() noexcept {
    at_ += 8;
    return get64(at_ - 8);
  }
  std::span<const std::byte> take(std::size_t size) noexcept {
    at_ += size;
    return {at_ - size, size};
  }

  /// Leaves the innermost container for what is around it; false at the end of the term.
  bool close() {
    if (now_.what == filling::list_end)
      return close_list();
    if (now_.what == filling::map_end) {
      std::size_t pairs = detail::size_of(*now_.to);
      if (detail::sort_pairs(now_.to + 1, pairs) != pairs) {
        error_ = etf_errc::duplicate_key;
        return false;
      }
    }
    if (stack_.empty())
      return false;
    now_ = stack_.top();
    stack_.pop();
    return true;
  }

  /// All elements are there: ends the list here, or goes on with its tail.
  bool close_list() {
    if (static_cast<tag>(get8(at_)) == tag::nil) {
      ++at_;
      *now_.to = detail::list_end;
      now_.what = filling::row;
    } else {
      *now_.to = detail::list_tail;
      now_ = {now_.to + 1, 1, filling::row, now_.depth - 1};
    }
    return true;
  }

  /// Fills `count` words at `to` next.
  void open(word* to, std::size_t count, filling what = filling::row) {
    if (now_.depth >= options_.limits.depth) {
      error_ = etf_errc::too_deep;
      return;
    }
    if (now_.left != 0 || now_.what != filling::row)
      stack_.push(now_);
    now_ = {to, count, what, now_.depth + 1};
  }

  void fill(word* to) {
    switch (static_cast<tag>(take8())) {
    case tag::small_integer:
      *to = detail::small_word(take8());
      return;
    case tag::integer:
      *to = detail::small_word(static_cast<std::int32_t>(take32()));
      return;
    case tag::nil:
      *to = detail::nil_word;
      return;
    case tag::small_atom_utf8:
      *to = atom_word(utf8_atom(take8()));
      return;
    case tag::small_tuple:
      return tuple(to, take8());
    case tag::large_tuple:
      return tuple(to, take32());
    case tag::list:
      return list(to, take32());
    case tag::binary:
      *to = binary(take32());
      return;
    case tag::map:
      return map(to, take32());
    case tag::string:
      *to = string(take16());
      return;
    case tag::new_float:
      *to = memory_.floating(std::bit_cast<double>(take64()));
      return;
    case tag::new_pid:
    case tag::pid:
      *to = pid();
      return;
    case tag::newer_reference:
    case tag::new_reference:
    case tag::reference:
      *to = memory_.identifier(reference());
      return;
    default:
      --at_;
      return rare(to);
    }
  }

  void rare(word* to) {
    tag what = static_cast<tag>(take8());
    switch (what) {
    case tag::small_big:
      *to = integer(take8());
      return;
    case tag::large_big:
      *to = integer(take32());
      return;
    case tag::bit_binary:
      *to = bit_string();
      return;
    case tag::v4_port:
    case tag::new_port:
    case tag::port:
      *to = memory_.identifier(port(what));
      return;
    case tag::float_text:
      *to = memory_.floating(float_text(at_).value_or(0));
      at_ += float_text_size;
      return;
    case tag::external_fun:
      *to = external_fun();
      return;
    case tag::new_fun:
      return closure(to);
    case tag::record:
      return record(to);
    default:
      --at_;
      *to = atom_word(atom());
    }
  }

  static word atom_word(erl::atom value) noexcept { return detail::atom_word(value.index()); }

  void tuple(word* to, std::size_t count) {
    word* tuple = memory_.allocate(1 + count);
    tuple[0] = count;
    *to = detail::tagged(tuple, detail::tag::tuple);
    open(tuple + 1, count);
  }

  void list(word* to, std::size_t count) {
    if (count == 0) {
      // The value is the tail.
      --now_.to;
      ++now_.left;
      return;
    }
    word* list = memory_.allocate(count + 2);
    *to = detail::tagged(list, detail::tag::list);
    open(list, count, filling::list_end);
  }

  void map(word* to, std::size_t pairs) {
    word* map = memory_.allocate(1 + 2 * pairs);
    map[0] = detail::box_header(detail::box_kind::map, pairs);
    *to = detail::tagged(map, detail::tag::box);
    open(map, 0, filling::map_end);
    if (error_ != etf_errc::none)
      return;
    stack_.push(now_);
    now_ = {map + 1, 2 * pairs, filling::row, now_.depth};
  }

  word string(std::size_t size) {
    if (size == 0)
      return detail::nil_word;
    word* list = memory_.allocate(size + 1);
    for (std::size_t i = 0; i < size; ++i)
      list[i] = detail::small_word(get8(at_ + i));
    at_ += size;
    list[size] = detail::list_end;
    return detail::tagged(list, detail::tag::list);
  }

  word binary(std::size_t size) {
    std::span<const std::byte> bytes = take(size);
    return options_.owner != nullptr ? memory_.slice(*options_.owner, bytes)
                                     : memory_.binary(bytes);
  }

  word bit_string() {
    std::size_t size = take32();
    std::size_t bits = take8();
    if (bits == 8)
      return binary(size);
    return memory_.bit_string(take(size), (size - 1) * 8 + bits);
  }

  word integer(std::size_t size) {
    bool negative = take8() != 0;
    std::span<const std::byte> digits = take(size);
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
    if (new_atoms_ == 0) {
      error_ = etf_errc::too_many_new_atoms;
      return {};
    }
    --new_atoms_;
    auto made = erl::atom::intern(text);
    if (!made) {
      error_ = made.error();
      return {};
    }
    return *made;
  }

  erl::atom utf8_atom(std::size_t size) {
    std::span<const std::byte> text = take(size);
    return intern({reinterpret_cast<const char*>(text.data()), size});
  }

  erl::atom latin1_atom(std::size_t size) {
    std::array<char, 2 * 255> text; // NOLINT(cppcoreguidelines-pro-type-member-init)
    std::size_t length = 0;
    for (std::byte byte : take(size)) {
      auto code = std::to_integer<unsigned>(byte);
      if (code >= 0x80)
        text[length++] = static_cast<char>(0xc0 | code >> 6);
      text[length++] = static_cast<char>(code < 0x80 ? code : 0x80 | (code & 0x3f));
    }
    return intern({text.data(), length});
  }

  erl::atom atom() {
    switch (static_cast<tag>(take8())) {
    case tag::small_atom_utf8:
      return utf8_atom(take8());
    case tag::atom_utf8:
      return utf8_atom(take16());
    case tag::small_atom:
      return latin1_atom(take8());
    case tag::atom:
      return latin1_atom(take16());
    default:
      return options_.atom_refs[take8()];
    }
  }

  word pid() {
    tag what = static_cast<tag>(get8(at_ - 1));
    erl::pid value;
    value.node = atom();
    value.id = take32();
    value.serial = take32();
    value.creation = what == tag::new_pid ? take32() : take8();
    // A node without a name has pids of 28 bits only.
    if (value.node == atoms::nonode_nohost && value.id >> 28 != 0)
      error_ = etf_errc::bad_identifier;
    return memory_.identifier(value);
  }

  erl::port port(tag what) {
    erl::port value;
    value.node = atom();
    value.id = what == tag::v4_port ? take64() : take32();
    value.creation = what == tag::port ? take8() : take32();
    return value;
  }

  erl::reference reference() {
    tag what = static_cast<tag>(get8(at_ - 1));
    erl::reference value;
    value.size = what == tag::reference ? 1 : static_cast<std::uint8_t>(take16());
    value.node = atom();
    if (what == tag::reference) {
      value.words[0] = take32();
      value.creation = take8();
      return value;
    }
    value.creation = what == tag::newer_reference ? take32() : take8();
    for (std::size_t i = 0; i < value.size; ++i)
      value.words[i] = take32();
    return value;
  }

  std::int32_t short_integer() noexcept {
    return static_cast<tag>(take8()) == tag::small_integer ? take8()
                                                           : static_cast<std::int32_t>(take32());
  }

  word external_fun() {
    erl::external_fun value;
    value.module = atom();
    value.function = atom();
    value.arity = static_cast<std::uint8_t>(short_integer());
    return memory_.fun(value);
  }

  void closure(word* to) {
    at_ += 4;
    std::uint32_t arity = take8();
    const std::byte* unique = at_;
    at_ += 16;
    std::uint32_t index = take32();
    std::size_t variables = take32();
    word* box = memory_.allocate(detail::closure_head + variables);
    box[0] = detail::box_header(detail::box_kind::closure, variables);
    box[1] = detail::pair(arity, index);
    std::memcpy(box + detail::closure_unique, unique, 16);
    box[detail::closure_module] = atom_word(atom());
    box[detail::closure_old_index] = detail::small_word(short_integer());
    box[detail::closure_old_unique] = detail::small_word(short_integer());
    ++at_;
    box[detail::closure_pid] = pid();
    *to = detail::tagged(box, detail::tag::box);
    open(box + detail::closure_head, variables);
  }

  void record(word* to) {
    std::size_t fields = take32();
    bool exported = take8() != 0;
    word* box = memory_.allocate(detail::record_head + 2 * fields);
    box[0] = detail::box_header(detail::box_kind::record, fields * 2 + (exported ? 1 : 0));
    for (std::size_t i = 1; i < detail::record_head + fields; ++i)
      box[i] = atom_word(atom());
    // The values are not there yet; their place serves to find names that come twice.
    word* names = box + detail::record_head;
    word* sorted = names + fields;
    std::copy(names, sorted, sorted);
    std::sort(sorted, sorted + fields);
    if (std::adjacent_find(sorted, sorted + fields) != sorted + fields)
      error_ = etf_errc::bad_record;
    *to = detail::tagged(box, detail::tag::box);
    if (error_ == etf_errc::none)
      open(sorted, fields);
  }

  const std::byte* begin_;
  const std::byte* at_;
  const decode_options& options_;
  detail::arena memory_;
  std::uint32_t new_atoms_;
  frame now_{};
  detail::small_stack<frame> stack_;
  etf_errc error_ = etf_errc::none;
};

} // namespace

built build(std::span<const std::byte> bytes, std::size_t words, const decode_options& options) {
  return filler(bytes, words, options).run();
}

} // namespace erl::wire
