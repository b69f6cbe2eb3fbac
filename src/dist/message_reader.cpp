#include "dist/message_reader.hpp"

#include "dist/bytes.hpp"
#include "dist/distribution_header.hpp"
#include <erl/etf/tags.hpp>

#include <algorithm>
#include <utility>

namespace erl::dist {

namespace {

using error = message_reader::error;

std::unexpected<error> wrong(std::string_view text) { return std::unexpected(error{.text = text}); }

} // namespace

message_reader::message_reader(flag_set common, const fragment_limits& limits)
    : common_(common), limits_(limits),
      atoms_((common & flags::dist_hdr_atom_cache) != 0 ? std::make_unique<received_atoms>()
                                                        : nullptr) {}

std::expected<message_reader::result, error> message_reader::read(std::span<const std::byte> frame,
                                                                  atom_budget& budget) {
  const auto message = [](const packed_message& whole) {
    return result{.what = outcome::message, .message = whole};
  };
  if ((common_ & header_flags) == 0) {
    if (frame.empty())
      return wrong("an empty frame where a control message has to be");
    // The first byte says so; as in OTP, it is not looked at.
    return message({.bytes = frame.subspan(1)});
  }
  if (frame.size() < 2 || frame[0] != static_cast<std::byte>(etf::version))
    return wrong("a frame without the distribution header that was agreed on");
  auto rest = frame.subspan(2);
  const bool fragment = frame[1] == first_fragment || frame[1] == next_fragment;
  if (fragment && (common_ & flags::fragments) == 0)
    return wrong("a fragment, though fragments were not agreed on");
  if (frame[1] == first_fragment)
    return read_first(rest, budget);
  if (frame[1] == next_fragment)
    return read_next(rest);
  if (frame[1] != whole_message)
    return wrong("a distribution header of an unknown kind");
  const auto references = read_references(rest, budget);
  if (!references)
    return std::unexpected(references.error());
  return message({.bytes = rest, .framing = framing::bare, .atom_refs = *references});
}

std::expected<std::span<const atom>, error>
message_reader::read_references(std::span<const std::byte>& bytes, atom_budget& budget) {
  if (atoms_ == nullptr) {
    // OTP's own nodes end over atom references here.
    if (bytes.empty() || bytes[0] != std::byte{0})
      return wrong("atom references, though no atom cache was agreed on");
    bytes = bytes.subspan(1);
    return std::span<const atom>{};
  }
  const auto references = atoms_->read(bytes, budget);
  if (references)
    return *references;
  return std::unexpected(
      error{.text = to_text(references.error()),
            .atoms_exhausted = references.error() == etf_errc::too_many_new_atoms});
}

std::expected<message_reader::result, error>
message_reader::read_first(std::span<const std::byte> bytes, atom_budget& budget) {
  byte_cursor in(bytes);
  const auto number = in.number<std::uint64_t>();
  const auto count = in.number<std::uint64_t>();
  if (in.failed())
    return wrong("a fragment that ends inside its header");
  if (count == 0 || count > limits_.count)
    return wrong("a message in no fragments, or in more than are accepted");
  auto rest = in.rest();
  const auto references = read_references(rest, budget);
  if (!references)
    return std::unexpected(references.error());
  ++fragments_;
  if (count == 1)
    return result{.what = outcome::message,
                  .message = {.bytes = rest, .framing = framing::bare, .atom_refs = *references}};
  if (number == 0)
    return wrong("a message in fragments with the number 0");
  if (sequences_.size() >= limits_.sequences)
    return wrong("more messages in fragments at a time than are accepted");
  const auto [place, added] = sequences_.try_emplace(number);
  if (!added)
    return wrong("a message in fragments with the number of one that is not complete");
  if (!skip_term(rest, {.framing = framing::bare, .atom_refs = *references}))
    return wrong("a control tuple that is not whole in the first fragment");
  sequence& s = place->second;
  s.next = count - 1;
  // The references stay as they are for the whole message, whatever becomes of the cache.
  s.atom_count = references->size();
  s.atom_refs = std::make_unique<atom[]>(s.atom_count);
  std::ranges::copy(*references, s.atom_refs.get());
  if (!append(s, rest))
    return wrong("more bytes in unfinished messages than are accepted");
  return result{};
}

std::expected<message_reader::result, error>
message_reader::read_next(std::span<const std::byte> bytes) {
  byte_cursor in(bytes);
  const auto number = in.number<std::uint64_t>();
  const auto id = in.number<std::uint64_t>();
  if (in.failed())
    return wrong("a fragment that ends inside its header");
  const auto found = sequences_.find(number);
  if (found == sequences_.end())
    return wrong("a fragment of no message that is under way");
  if (id != found->second.next)
    return wrong("a fragment out of order");
  ++fragments_;
  if (!append(found->second, in.rest()))
    return wrong("more bytes in unfinished messages than are accepted");
  if (--found->second.next != 0)
    return result{};
  finished_ = std::move(sequences_.extract(found).mapped());
  unfinished_bytes_ -= finished_.size;
  return result{.what = outcome::message,
                .message = {.bytes = finished_.bytes.bytes().first(finished_.size),
                            .framing = framing::bare,
                            .atom_refs = {finished_.atom_refs.get(), finished_.atom_count},
                            .owner = &finished_.bytes}};
}

bool message_reader::append(sequence& to, std::span<const std::byte> bytes) {
  if (bytes.size() > limits_.bytes - unfinished_bytes_)
    return false;
  const auto needed = to.size + bytes.size();
  if (to.bytes.bytes().size() < needed) {
    // By what has come, not by what was announced.
    auto larger = shared_bytes::allocate(std::max(needed, 2 * to.size));
    std::ranges::copy(to.bytes.bytes().first(to.size), larger.writable().begin());
    to.bytes = std::move(larger);
  }
  std::ranges::copy(bytes, to.bytes.writable().begin() + static_cast<std::ptrdiff_t>(to.size));
  to.size = needed;
  unfinished_bytes_ += bytes.size();
  return true;
}

} // namespace erl::dist
