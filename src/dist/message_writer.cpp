#include "dist/message_writer.hpp"

#include "dist/bytes.hpp"
#include "dist/distribution_header.hpp"
#include <erl/etf/tags.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

namespace erl::dist {

namespace {

/// Bytes of control tuple and payload in one fragment, as OTP's.
constexpr std::size_t fragment_size = 64 * 1024;
/// Messages in fragments at a time; well below what a peer of ours accepts.
constexpr std::size_t most_active = 64;
/// A queue of this many bytes is long enough to keep the socket busy.
constexpr std::size_t long_enough = 2 * fragment_size;
/// Payloads below are copied into the queue, to be written together with their neighbours.
constexpr std::size_t least_shared = 8 * 1024;
constexpr std::size_t least_shared_piece = 1024;

constexpr std::size_t prefix = 4;
constexpr std::size_t kind_size = 2;      // the version byte and the kind of header
constexpr std::size_t sequence_size = 16; // number and id of a fragment

/// What a message takes while it waits, at least: binaries that it shares are counted in full.
std::size_t cost(const control_message& message) {
  return sizeof(control_message) + encode_into(message.payload, {});
}

std::byte* put_bytes(std::byte* at, std::span<const std::byte> bytes) {
  if (!bytes.empty())
    std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

std::byte* put_number(std::byte* at, std::uint64_t value) {
  write_u32(at, static_cast<std::uint32_t>(value >> 32U));
  write_u32(at + 4, static_cast<std::uint32_t>(value));
  return at + 8;
}

} // namespace

message_writer::message_writer(flag_set common, output_queue& out)
    : common_(common), framing_((common & header_flags) != 0 ? framing::bare : framing::external),
      out_(out), atoms_((common & flags::dist_hdr_atom_cache) != 0 ? std::make_unique<sent_atoms>()
                                                                   : nullptr) {}

bool message_writer::write(control_message&& message) {
  if (!by_sender_.empty())
    if (const auto found = by_sender_.find(message.from); found != by_sender_.end())
      return wait(*found->second, std::move(message));
  return put(std::move(message));
}

std::size_t message_writer::waiting_bytes(const pid& sender) const {
  if (by_sender_.empty())
    return 0;
  const auto found = by_sender_.find(sender);
  return found == by_sender_.end() ? 0 : found->second->rest + found->second->behind_bytes;
}

/// False: a part of it is beyond what the external term format can express.
bool message_writer::wait(sequence& s, control_message&& message) {
  try {
    const std::size_t bytes = cost(message);
    s.behind.push_back({std::move(message), bytes});
    s.behind_bytes += bytes;
    waiting_bytes_ += bytes;
    return true;
  } catch (const std::length_error&) {
    return false;
  }
}

control_message message_writer::next_behind(sequence& s) {
  waiting next = std::move(s.behind.front());
  s.behind.pop_front();
  s.behind_bytes -= next.bytes;
  waiting_bytes_ -= next.bytes;
  return std::move(next.message);
}

bool message_writer::put(control_message&& message) {
  if (!encode(message))
    return false;
  if ((common_ & flags::fragments) == 0 || payload_.empty() ||
      control_.size() + payload_.size() <= fragment_size) {
    put_whole();
    return true;
  }
  sequences fresh(1);
  fresh.front().sender = message.from;
  by_sender_.emplace(message.from, fresh.begin());
  if (active_.empty() && pending_.empty() && out_.size() < long_enough) {
    active_.splice(active_.end(), fresh);
    begin(active_.back());
    return true;
  }
  // It is encoded again when its turn has come, as the caches have to see messages in their order.
  abandon();
  wait(fresh.front(), std::move(message));
  pending_.splice(pending_.end(), fresh);
  return true;
}

/// Fills `control_` and `payload_`. False: it cannot be sent, and is forgotten.
bool message_writer::encode(const control_message& message) {
  if (try_encode(message))
    return true;
  abandon();
  return false;
}

bool message_writer::try_encode(const control_message& message) {
  const encode_options how{.framing = framing_, .atom_cache = atoms_.get()};
  control_.clear();
  payload_.clear();
  if (atoms_ != nullptr)
    atoms_->begin();
  const encoded what = encode_control(message, common_, how, control_);
  if (what == encoded::no)
    return false;
  try {
    if (what == encoded::with_payload)
      erl::encode(message.payload, payload_, how);
  } catch (const std::length_error&) {
    return false; // a part of the term is beyond what the external term format can express
  }
  // What a frame's length can express, with room for the header.
  return (common_ & flags::fragments) != 0 ||
         control_.size() + payload_.size() < std::numeric_limits<std::uint32_t>::max() - 70'000;
}

/// The message that was encoded is not sent, or not yet.
void message_writer::abandon() {
  if (atoms_ != nullptr)
    atoms_->abandon();
}

std::size_t message_writer::references_size() const {
  return atoms_ != nullptr ? atoms_->size() : 1;
}

/// Returns where they end.
std::byte* message_writer::put_references(std::byte* at) const {
  if (atoms_ != nullptr)
    atoms_->write(at);
  else
    *at = std::byte{0};
  return at + references_size();
}

/// The message that was encoded, in one frame.
void message_writer::put_whole() {
  const std::size_t head = framing_ == framing::bare ? kind_size + references_size() : 1;
  const std::size_t body = head + control_.size() + payload_.size();
  const bool shared = payload_.size() >= least_shared;
  since_fragment_ += body;
  ++whole_;
  std::byte* at = out_.add(prefix + (shared ? head + control_.size() : body));
  write_u32(at, static_cast<std::uint32_t>(body));
  at += prefix;
  if (framing_ == framing::bare) {
    *at++ = static_cast<std::byte>(etf::version);
    *at++ = whole_message;
    at = put_references(at);
  } else {
    *at++ = pass_through;
  }
  at = put_bytes(at, control_);
  if (shared) {
    position done;
    append(std::make_shared<const byte_chain>(std::move(payload_)), done, body);
  } else {
    for (const auto piece : payload_.pieces())
      at = put_bytes(at, piece);
  }
}

/// The message that was encoded becomes one in fragments, of which the first one goes out.
void message_writer::begin(sequence& s) {
  s.number = ++last_number_;
  s.payload = std::make_shared<const byte_chain>(std::move(payload_));
  // The control tuple is in the first fragment, whatever its size.
  const std::size_t first =
      std::min(s.payload->size(), fragment_size - std::min(fragment_size, control_.size()));
  s.rest = s.payload->size() - first;
  s.left = (s.rest + fragment_size - 1) / fragment_size;
  const std::size_t head = kind_size + sequence_size + references_size() + control_.size();
  std::byte* at = out_.add(prefix + head);
  write_u32(at, static_cast<std::uint32_t>(head + first));
  at += prefix;
  *at++ = static_cast<std::byte>(etf::version);
  *at++ = first_fragment;
  at = put_number(put_number(at, s.number), s.left + 1);
  put_bytes(put_references(at), control_);
  waiting_bytes_ += s.rest;
  append(s.payload, s.done, first);
  ++fragments_;
  since_fragment_ = 0;
}

void message_writer::put_fragment(sequence& s) {
  const std::size_t size = std::min(s.rest, fragment_size);
  std::byte* at = out_.add(prefix + kind_size + sequence_size);
  write_u32(at, static_cast<std::uint32_t>(kind_size + sequence_size + size));
  at += prefix;
  *at++ = static_cast<std::byte>(etf::version);
  *at++ = next_fragment;
  put_number(put_number(at, s.number), s.left--);
  s.rest -= size;
  waiting_bytes_ -= size;
  append(s.payload, s.done, size);
  ++fragments_;
  since_fragment_ = 0;
}

/// The next `size` bytes of a payload, or all that are left of it.
void message_writer::append(const std::shared_ptr<const byte_chain>& payload, position& done,
                            std::size_t size) {
  const auto pieces = payload->pieces();
  while (size != 0 && done.piece != pieces.size()) {
    const auto rest = pieces[done.piece].subspan(done.offset);
    const auto part = rest.first(std::min(size, rest.size()));
    if (part.size() < least_shared_piece)
      out_.append(part);
    else
      out_.append(payload, part);
    size -= part.size();
    done.offset += part.size();
    if (part.size() == rest.size())
      done = {.piece = done.piece + 1, .offset = 0};
  }
}

void message_writer::proceed() {
  while ((!active_.empty() || !pending_.empty()) &&
         (out_.size() < long_enough || since_fragment_ >= fragment_size)) {
    if (!pending_.empty() && active_.size() < most_active) {
      begin_pending();
      continue;
    }
    const auto s = active_.begin();
    put_fragment(*s);
    if (s->left == 0)
      go_on(active_, s);
    else
      active_.splice(active_.end(), active_, s);
  }
}

/// The message that has waited longest for its turn begins.
void message_writer::begin_pending() {
  const auto s = pending_.begin();
  const control_message message = next_behind(*s);
  if (!encode(message))
    return go_on(pending_, s);
  active_.splice(active_.end(), pending_, s);
  begin(*s);
}

/// A message is complete: what its sender has sent since follows.
void message_writer::go_on(sequences& in, sequences::iterator s) {
  sequences ended;
  ended.splice(ended.end(), in, s);
  by_sender_.erase(s->sender);
  while (!s->behind.empty()) {
    put(next_behind(*s));
    const auto found = by_sender_.find(s->sender);
    if (found == by_sender_.end())
      continue;
    // Another one in fragments: the rest waits for that.
    sequence& next = *found->second;
    next.behind_bytes += s->behind_bytes;
    next.behind.insert(next.behind.end(), std::make_move_iterator(s->behind.begin()),
                       std::make_move_iterator(s->behind.end()));
    return;
  }
}

} // namespace erl::dist
