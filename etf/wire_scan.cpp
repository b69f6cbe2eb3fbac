#include "etf/leaves.hpp"
#include "etf/parts.hpp"
#include "etf/utf8.hpp"
#include "etf/wire.hpp"
#include <erl/etf/atoms.hpp>

#include <charconv>
#include <cmath>
#include <string_view>

namespace erl::wire {

namespace {

using etf::tag;

/// Words of an integer with `size` bytes of magnitude; below eight bytes it is an immediate.
std::size_t integer_words(std::size_t size) noexcept {
  return size < sizeof(detail::word) ? 0 : 1 + detail::words_for(size);
}

std::size_t binary_words(std::size_t size) noexcept {
  return size > detail::largest_inline_binary ? detail::slice_words : 1 + detail::words_for(size);
}

class scanner {
public:
  scanner(std::span<const std::byte> bytes, const decode_options& options) noexcept
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()),
        options_(options) {}

  scanned run() noexcept {
    while (missing_ != 0) {
      --missing_;
      if (!has(1) || !value(static_cast<tag>(take8())))
        return {error_, offset(), 0};
    }
    if (words_ > options_.limits.bytes / sizeof(detail::word))
      return {etf_errc::too_large, offset(), 0};
    return {etf_errc::none, offset(), words_};
  }

private:
  std::size_t offset() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t rest() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  bool fail(etf_errc error) noexcept {
    error_ = error;
    return false;
  }
  bool has(std::size_t size) noexcept { return rest() >= size || fail(etf_errc::truncated); }
  bool skip(std::size_t size) noexcept {
    if (rest() < size)
      return fail(etf_errc::length_beyond_input);
    at_ += size;
    return true;
  }
  std::uint8_t take8() noexcept { return get8(at_++); }
  std::uint32_t take32() noexcept {
    at_ += 4;
    return get32(at_ - 4);
  }

  bool value(tag what) noexcept {
    switch (what) {
    case tag::small_integer:
      return has(1) && skip(1);
    case tag::integer:
      return has(4) && skip(4);
    case tag::nil:
      return true;
    case tag::small_tuple:
      return has(1) && tuple(take8());
    case tag::large_tuple:
      return has(4) && tuple(take32());
    case tag::list:
      return has(4) && list(take32());
    case tag::binary:
      return has(4) && binary(take32());
    case tag::map:
      return has(4) && map(take32());
    case tag::string:
      return has(2) && string();
    case tag::new_float:
      return has(8) && floating();
    case tag::small_big:
      return has(2) && integer(take8());
    case tag::large_big:
      return has(5) && integer(take32());
    case tag::bit_binary:
      return has(5) && bit_string();
    default:
      return is_atom(what) ? atom(what) : rare(what);
    }
  }

  bool rare(tag what) noexcept {
    switch (what) {
    case tag::new_pid:
    case tag::pid:
      return pid(what);
    case tag::v4_port:
      return add(detail::port_words) && node() && has(12) && skip(12);
    case tag::new_port:
      return add(detail::port_words) && node() && has(8) && skip(8);
    case tag::port:
      return add(detail::port_words) && node() && has(5) && skip(4) && old_creation();
    case tag::newer_reference:
    case tag::new_reference:
      return has(2) && reference(what);
    case tag::reference:
      return add(detail::reference_words(1)) && node() && has(5) && old_reference(at_) && skip(4) &&
             old_creation();
    case tag::float_text:
      return has(float_text_size) && text_float();
    case tag::external_fun:
      return external_fun();
    case tag::new_fun:
      return closure();
    case tag::record:
      return has(5) && record();
    default:
      --at_;
      return fail(etf_errc::bad_tag);
    }
  }

  bool add(std::size_t words) noexcept {
    words_ += words;
    return true;
  }

  /// `count` more terms must follow; each takes at least a byte.
  bool expect(std::size_t count) noexcept {
    missing_ += count;
    return missing_ <= rest() || fail(etf_errc::length_beyond_input);
  }

  bool arity(std::size_t count) noexcept {
    return count <= options_.limits.arity || fail(etf_errc::arity_too_large);
  }

  bool tuple(std::size_t count) noexcept { return expect(count) && arity(count) && add(1 + count); }

  bool map(std::size_t pairs) noexcept {
    return expect(2 * pairs) && arity(pairs) && add(1 + 2 * pairs);
  }

  /// Room for the elements, the mark of the end, and a tail.
  bool list(std::size_t count) noexcept {
    return expect(count + 1) && add(count == 0 ? 0 : count + 2);
  }

  bool string() noexcept {
    std::size_t size = get16(at_);
    return skip(2) && add(size == 0 ? 0 : size + 1) && skip(size);
  }

  bool binary(std::size_t size) noexcept { return add(binary_words(size)) && skip(size); }

  bool bit_string() noexcept {
    std::size_t size = take32();
    std::uint8_t bits = take8();
    if (size == 0 || bits == 0 || bits > 8)
      return fail(etf_errc::bad_bit_string);
    return add(bits == 8 ? binary_words(size) : 1 + detail::words_for(size)) && skip(size);
  }

  bool integer(std::size_t size) noexcept {
    if (size > max_integer_bytes)
      return fail(etf_errc::integer_too_large);
    return add(integer_words(size)) && skip(size + 1);
  }

  bool floating() noexcept {
    constexpr std::uint64_t exponent = 0x7ff0000000000000U;
    if ((get64(at_) & exponent) == exponent)
      return fail(etf_errc::bad_float);
    return add(1) && skip(8);
  }

  bool text_float() noexcept {
    return float_text(at_) ? add(1) && skip(float_text_size) : fail(etf_errc::bad_float);
  }

  static bool is_atom(tag what) noexcept {
    return what == tag::small_atom_utf8 || what == tag::atom_utf8 || what == tag::small_atom ||
           what == tag::atom || what == tag::atom_cache_ref;
  }

  /// An atom whose tag is still to be read.
  bool node() noexcept { return atom_of(etf_errc::bad_identifier); }
  bool atom_of(etf_errc otherwise) noexcept {
    if (!has(1))
      return false;
    tag what = static_cast<tag>(take8());
    return is_atom(what) ? atom(what) : fail(otherwise);
  }

  bool atom(tag what) noexcept {
    if (what == tag::atom_cache_ref)
      return has(1) && (take8() < options_.atom_refs.size() || fail(etf_errc::bad_atom_reference));
    bool small = what == tag::small_atom_utf8 || what == tag::small_atom;
    if (!has(small ? 1 : 2))
      return false;
    std::size_t size = small ? get8(at_) : get16(at_);
    at_ += small ? 1 : 2;
    if (size > rest())
      return fail(etf_errc::length_beyond_input);
    bool latin1 = what == tag::small_atom || what == tag::atom;
    return (latin1 ? latin1_text(size) : utf8_text(size)) && skip(size);
  }

  bool latin1_text(std::size_t size) noexcept {
    return size <= 255 || fail(etf_errc::atom_too_long);
  }

  bool utf8_text(std::size_t size) noexcept {
    auto length = utf8::length({reinterpret_cast<const char*>(at_), size});
    if (!length)
      return fail(etf_errc::bad_utf8);
    return *length <= 255 || fail(etf_errc::atom_too_long);
  }

  bool old_creation() noexcept {
    return take8() <= max_old_creation || fail(etf_errc::bad_identifier);
  }

  bool old_reference(const std::byte* first_word) noexcept {
    return get32(first_word) <= max_old_reference || fail(etf_errc::bad_identifier);
  }

  bool pid(tag what) noexcept {
    const std::byte* name = at_;
    const bool old = what == tag::pid;
    if (!add(detail::pid_words) || !node() || !has(old ? 9 : 12))
      return false;
    const std::uint32_t creation = old ? get8(at_ + 8) : get32(at_ + 8);
    // A node that has no name yet has pids of 28 bits only.
    if (creation == 0 && get32(at_) >> 28 != 0 && is_unnamed_node(name))
      return fail(etf_errc::bad_identifier);
    return old ? skip(8) && old_creation() : skip(12);
  }

  bool is_unnamed_node(const std::byte* at) const noexcept {
    if (static_cast<tag>(get8(at)) == tag::atom_cache_ref)
      return options_.atom_refs[get8(at + 1)] == atoms::nonode_nohost;
    const name_leaf found = name(at, end_);
    return found.text == atoms::nonode_nohost.text();
  }

  bool reference(tag what) noexcept {
    std::size_t count = get16(at_);
    at_ += 2;
    if (count == 0 || count > max_reference_words)
      return fail(etf_errc::bad_identifier);
    if (!add(detail::reference_words(count)) || !node())
      return false;
    if (what == tag::newer_reference)
      return has(4 * count + 4) && skip(4 * count + 4);
    return has(4 * count + 1) && old_creation() && old_reference(at_) && skip(4 * count);
  }

  bool external_fun() noexcept {
    if (!add(detail::external_fun_words) || !atom_of(etf_errc::bad_fun) ||
        !atom_of(etf_errc::bad_fun) || !has(1))
      return false;
    tag what = static_cast<tag>(take8());
    if (what == tag::small_integer)
      return has(1) && skip(1);
    if (what != tag::integer)
      return fail(etf_errc::bad_fun);
    return has(4) && (take32() <= 255 || fail(etf_errc::bad_fun));
  }

  /// An integer of 32 bits.
  bool short_integer() noexcept {
    if (!has(1))
      return false;
    tag what = static_cast<tag>(take8());
    if (what == tag::small_integer)
      return has(1) && skip(1);
    return what == tag::integer ? has(4) && skip(4) : fail(etf_errc::bad_fun);
  }

  bool closure() noexcept {
    // Size, arity, unique, index, count of variables. The size is ignored, as OTP does.
    constexpr std::size_t head = 4 + 1 + 16 + 4 + 4;
    if (!has(head))
      return false;
    std::size_t variables = get32(at_ + head - 4);
    at_ += head;
    if (!atom_of(etf_errc::bad_fun) || !short_integer() || !short_integer() || !has(1))
      return false;
    tag what = static_cast<tag>(take8());
    if (what != tag::new_pid && what != tag::pid)
      return fail(etf_errc::bad_fun);
    return pid(what) && expect(variables) && add(detail::closure_head + variables);
  }

  bool record() noexcept {
    std::size_t fields = take32();
    if (take8() > 1)
      return fail(etf_errc::bad_record);
    if (!atom_of(etf_errc::bad_record) || !atom_of(etf_errc::bad_record))
      return false;
    if (fields > rest() / 2)
      return fail(etf_errc::length_beyond_input);
    if (!arity(fields))
      return false;
    for (std::size_t i = 0; i < fields; ++i) {
      if (!atom_of(etf_errc::bad_record))
        return false;
    }
    return expect(fields) && add(detail::record_head + 2 * fields);
  }

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  const decode_options& options_;
  std::size_t missing_ = 1;
  std::size_t words_ = 0;
  etf_errc error_ = etf_errc::none;
};

} // namespace

scanned scan(std::span<const std::byte> bytes, const decode_options& options) noexcept {
  return scanner(bytes, options).run();
}

std::optional<double> float_text(const std::byte* at) noexcept {
  std::string_view text(reinterpret_cast<const char*>(at), float_text_size);
  text = text.substr(0, text.find('\0'));
  std::string_view digits = text;
  if (digits.starts_with('-') || digits.starts_with('+'))
    digits.remove_prefix(1);
  // Erlang wants digits, a point, and digits; from_chars would do without.
  auto is_digit = [&](std::size_t index) {
    return index < digits.size() && digits[index] >= '0' && digits[index] <= '9';
  };
  std::size_t point = digits.find('.');
  if (point == std::string_view::npos || !is_digit(0) || !is_digit(point + 1))
    return std::nullopt;
  if (text.starts_with('+'))
    text.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Too small for a double is 0 to OTP.
  bool negative_power =
      text.find("e-") != std::string_view::npos || text.find("E-") != std::string_view::npos;
  if (error == std::errc::result_out_of_range && negative_power) {
    value = text.starts_with('-') ? -0.0 : 0.0;
    error = std::errc();
  }
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

} // namespace erl::wire
