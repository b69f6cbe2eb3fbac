#include "dist/atom_cache.hpp"

#include "dist/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace erl::dist {

namespace {

// A reference takes half a byte of flags: whether its slot is filled anew, and the slot's segment.
// Half a byte after the last one says whether the lengths of new atoms have two bytes.
constexpr unsigned added_flag = 8;
constexpr unsigned segment_mask = 7;
constexpr unsigned long_atoms_flag = 1;
constexpr std::size_t slots_of_segment = 256;

constexpr std::size_t flags_size(std::size_t references) { return references / 2 + 1; }

unsigned half_byte(std::span<const std::byte> flags, std::size_t place) {
  return std::to_integer<unsigned>(flags[place / 2]) >> (place % 2 * 4) & 0xfU;
}

} // namespace

std::expected<std::span<const atom>, etf_errc>
received_atoms::read(std::span<const std::byte>& bytes, atom_budget& budget) {
  byte_cursor in(bytes);
  const std::size_t count = in.number<std::uint8_t>();
  const auto flags = count == 0 ? std::span<const std::byte>{} : in.take(flags_size(count));
  const bool long_atoms = !flags.empty() && (half_byte(flags, count) & long_atoms_flag) != 0;
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    const unsigned how = half_byte(flags, i);
    const std::size_t place = (how & segment_mask) * slots_of_segment + in.number<std::uint8_t>();
    if ((how & added_flag) != 0) {
      const auto text =
          in.take(long_atoms ? in.number<std::uint16_t>() : in.number<std::uint8_t>());
      if (in.failed())
        break;
      const auto value =
          atom::intern({reinterpret_cast<const char*>(text.data()), text.size()}, budget);
      if (!value)
        return std::unexpected(value.error());
      slots_[place] = *value;
      filled_.set(place);
    } else if (!filled_.test(place)) {
      return std::unexpected(etf_errc::bad_atom_reference);
    }
    list_[i] = slots_[place];
  }
  if (in.failed())
    return std::unexpected(etf_errc::truncated);
  bytes = in.rest();
  return std::span<const atom>(list_).first(count);
}

void sent_atoms::begin() {
  if (++message_ == 0) { // after 2^32 messages: as if the cache were new
    slots_.fill({});
    message_ = 1;
  }
  count_ = 0;
  added_ = 0;
  text_size_ = 0;
  long_atoms_ = false;
}

int sent_atoms::reference(atom value) {
  const std::size_t place = value.index() % cache_slots;
  slot& s = slots_[place];
  if (s.message == message_)
    return s.value == value ? s.index : -1;
  if (count_ == most_references)
    return -1;
  const bool added = s.message == 0 || s.value != value;
  if (added) {
    const std::size_t length = value.text().size();
    long_atoms_ = long_atoms_ || length > 255;
    text_size_ += length;
    ++added_;
  }
  s = {.value = value, .message = message_, .index = static_cast<std::uint8_t>(count_)};
  list_[count_] = {.slot = static_cast<std::uint16_t>(place), .added = added};
  return static_cast<int>(count_++);
}

void sent_atoms::abandon() {
  for (const reference_to& each : std::span(list_).first(count_))
    slots_[each.slot].message = 0;
}

std::size_t sent_atoms::size() const {
  if (count_ == 0)
    return 1;
  return 1 + flags_size(count_) + count_ + added_ * (long_atoms_ ? 2 : 1) + text_size_;
}

void sent_atoms::write(std::byte* out) const {
  *out++ = static_cast<std::byte>(count_);
  if (count_ == 0)
    return;
  std::byte* const flags = out;
  std::fill_n(flags, flags_size(count_), std::byte{});
  out += flags_size(count_);
  const auto mark = [flags](std::size_t place, std::size_t half) {
    flags[place / 2] |= static_cast<std::byte>(half << (place % 2 * 4));
  };
  mark(count_, long_atoms_ ? long_atoms_flag : 0);
  for (std::size_t i = 0; i < count_; ++i) {
    const auto [place, added] = list_[i];
    mark(i, place / slots_of_segment | (added ? added_flag : 0));
    *out++ = static_cast<std::byte>(place % slots_of_segment);
    if (!added)
      continue;
    const std::string_view text = slots_[place].value.text();
    if (long_atoms_)
      *out++ = static_cast<std::byte>(text.size() >> 8U);
    *out++ = static_cast<std::byte>(text.size());
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  }
}

} // namespace erl::dist
