#include "dist/message_reader.hpp"

#include "dist/bytes.hpp"
#include "dist/distribution_header.hpp"
#include <erl/etf/tags.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace erl::dist {

namespace {

using error = message_reader::error;

constexpr std::string_view too_much_unfinished =
    "more bytes in unfinished messages than are accepted (connection_limits::unfinished_bytes)";
/// Fragments of one message.
constexpr std::uint64_t most_fragments = std::uint64_t{1} << 20U;
/// What is made ready to read at least.
constexpr std::size_t least_space = std::size_t{64} << 10U;

std::unexpected<error> wrong(std::string_view text) { return std::unexpected(error{.text = text}); }

/// Room for `needed` bytes behind the first `end` of `memory`, which grows with what has come, to
/// `expected` in the end.
void make_room(shared_bytes& memory, std::size_t end, std::size_t needed, std::size_t expected) {
  if (memory.bytes().size() - end < needed)
    memory.resize(std::max(end + needed, std::min(2 * end, expected)), expected);
}

} // namespace

message_reader::message_reader(flag_set common, const connection_limits& limits)
    : common_(common), limits_(limits),
      atoms_((common & flags::dist_hdr_atom_cache) != 0 ? std::make_unique<received_atoms>()
                                                        : nullptr) {}

std::expected<message_reader::result, error> message_reader::read(std::span<const std::byte> frame,
                                                                  atom_budget& budget) {
  return read_frame(frame, budget, nullptr);
}

/// `owner` is of the bytes of the frame, and may be taken over.
std::expected<message_reader::result, error>
message_reader::read_frame(std::span<const std::byte> frame, atom_budget& budget,
                           shared_bytes* owner) {
  if ((common_ & header_flags) == 0) {
    if (frame.empty())
      return wrong("an empty frame where a control message has to be");
    // The first byte says so; as in OTP, it is not looked at.
    return result{.what = outcome::message, .message = {.bytes = frame.subspan(1), .owner = owner}};
  }
  if (frame.size() < 2 || frame[0] != static_cast<std::byte>(etf::version))
    return wrong("a frame without the distribution header that was agreed on");
  auto rest = frame.subspan(2);
  const bool fragment = frame[1] == first_fragment || frame[1] == next_fragment;
  if (fragment && (common_ & flags::fragments) == 0)
    return wrong("a fragment, though fragments were not agreed on");
  if (frame[1] == first_fragment)
    return read_first(rest, budget, owner);
  if (frame[1] == next_fragment) {
    const auto found = find_next(rest, rest.size());
    if (!found)
      return std::unexpected(found.error());
    append(**found, rest);
    return advance(**found);
  }
  if (frame[1] != whole_message)
    return wrong("a distribution header of an unknown kind");
  const auto references = read_references(rest, budget);
  if (!references)
    return std::unexpected(references.error());
  return result{
      .what = outcome::message,
      .message = {
          .bytes = rest, .framing = framing::bare, .atom_refs = *references, .owner = owner}};
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
message_reader::read_first(std::span<const std::byte> bytes, atom_budget& budget,
                           shared_bytes* owner) {
  byte_cursor in(bytes);
  const auto number = in.number<std::uint64_t>();
  const auto count = in.number<std::uint64_t>();
  if (in.failed())
    return wrong("a fragment that ends inside its header");
  if (count == 0 || count > most_fragments)
    return wrong("a message in no fragments, or in more than are accepted");
  auto rest = in.rest();
  const auto references = read_references(rest, budget);
  if (!references)
    return std::unexpected(references.error());
  ++fragments_;
  if (count == 1)
    return result{
        .what = outcome::message,
        .message = {
            .bytes = rest, .framing = framing::bare, .atom_refs = *references, .owner = owner}};
  if (number == 0)
    return wrong("a message in fragments with the number 0");
  if (sequences_.size() >= limits_.unfinished_messages)
    return wrong("more messages in fragments at a time than are accepted "
                 "(connection_limits::unfinished_messages)");
  if (rest.size() > limits_.unfinished_bytes - unfinished_bytes_)
    return wrong(too_much_unfinished);
  const auto [place, added] = sequences_.try_emplace(number);
  if (!added)
    return wrong("a message in fragments with the number of one that is not complete");
  if (!skip_term(rest, {.framing = framing::bare, .atom_refs = *references}))
    return wrong("a control tuple that is not whole in the first fragment");
  sequence& s = place->second;
  s.number = number;
  s.next = count - 1;
  // The references stay as they are for the whole message, whatever becomes of the cache.
  s.atom_refs.assign(references->begin(), references->end());
  unfinished_bytes_ += rest.size();
  s.expected = expected_size(rest.size(), count);
  if (owner != nullptr) {
    s.begin = static_cast<std::size_t>(rest.data() - owner->bytes().data());
    s.end = s.begin + rest.size();
    s.bytes = std::move(*owner);
  } else {
    s.bytes = shared_bytes::allocate(rest.size(), s.expected);
    append(s, rest);
  }
  return result{};
}

/// The message that the next fragment belongs to, whose bytes up to the end of the frame are
/// `length`. Takes the fragment's header off `bytes`.
std::expected<message_reader::sequence*, error>
message_reader::find_next(std::span<const std::byte>& bytes, std::size_t length) {
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
  const auto payload = length - (bytes.size() - in.rest().size());
  if (payload > limits_.unfinished_bytes - unfinished_bytes_)
    return wrong(too_much_unfinished);
  bytes = in.rest();
  unfinished_bytes_ += payload;
  return &found->second;
}

/// One more fragment of `s` is complete.
message_reader::result message_reader::advance(sequence& s) {
  ++fragments_;
  s.age = 0;
  if (--s.next != 0)
    return {};
  finished_ = std::move(s);
  const auto size = finished_.end - finished_.begin;
  unfinished_bytes_ -= size;
  sequences_.erase(finished_.number);
  // A small message of which much was announced may be in a large block, which no part of it keeps.
  const bool fills = size >= finished_.bytes.capacity() / 4;
  return {.what = outcome::message,
          .message = {.bytes = finished_.bytes.bytes().subspan(finished_.begin, size),
                      .framing = framing::bare,
                      .atom_refs = finished_.atom_refs,
                      .owner = fills ? &finished_.bytes : nullptr}};
}

/// What a message will take whose first fragment has `size` bytes.
std::size_t message_reader::expected_size(std::size_t size, std::uint64_t fragments) const {
  return std::min<std::uint64_t>(fragments, limits_.unfinished_bytes / size) * size;
}

void message_reader::append(collected& to, std::span<const std::byte> bytes) {
  make_room(to.bytes, to.end, bytes.size(), to.expected);
  std::memcpy(to.bytes.writable().data() + to.end, bytes.data(), bytes.size());
  to.end += bytes.size();
}

std::expected<void, error> message_reader::open(std::span<const std::byte> begin,
                                                std::size_t length) {
  left_ = length - begin.size();
  const bool fragments = (common_ & flags::fragments) != 0;
  if (fragments && begin[1] == next_fragment) {
    auto rest = begin.subspan(2);
    const auto found = find_next(rest, length - 2);
    if (!found)
      return std::unexpected(found.error());
    fragment_ = *found;
    append(*fragment_, rest);
    return {};
  }
  constexpr std::size_t count_at = 10;
  const auto count = fragments && begin[1] == first_fragment
                         ? number_at<std::uint64_t>(begin.data() + count_at)
                         : 1;
  frame_.expected = std::max(length, expected_size(length, count));
  frame_.bytes = shared_bytes::allocate(begin.size(), frame_.expected);
  frame_.end = 0;
  append(frame_, begin);
  return {};
}

std::span<std::byte> message_reader::space() {
  auto& [bytes, end, expected] = fragment_ != nullptr ? *fragment_ : frame_;
  make_room(bytes, end, std::min(left_, least_space), expected);
  return bytes.writable().subspan(end, std::min(left_, bytes.bytes().size() - end));
}

bool message_reader::filled(std::size_t size) {
  (fragment_ != nullptr ? *fragment_ : frame_).end += size;
  if (fragment_ != nullptr)
    fragment_->age = 0;
  left_ -= size;
  return left_ == 0;
}

bool message_reader::age(std::int64_t most) {
  return std::ranges::none_of(sequences_, [&](auto& each) { return ++each.second.age > most; });
}

std::expected<message_reader::result, error> message_reader::close(atom_budget& budget) {
  if (auto* const s = std::exchange(fragment_, nullptr))
    return advance(*s);
  // The owner of a whole message; of a fragment, `read_first` takes it over.
  finished_.bytes = std::move(frame_.bytes);
  return read_frame(finished_.bytes.bytes().first(frame_.end), budget, &finished_.bytes);
}

} // namespace erl::dist
