#include "dist/describe.hpp"

#include "dist/bytes.hpp"
#include "dist/describe_control.hpp"
#include "dist/distribution_header.hpp"
#include <erl/etf/tags.hpp>

#include <algorithm>
#include <utility>

namespace erl::dist {

namespace {

/// Characters that a terminal would obey: controls, and those that change the direction of writing.
bool is_escaped(std::string_view rest) {
  const auto at = [&](std::size_t i) {
    return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0U;
  };
  if (at(0) < 0x20 || at(0) == 0x7f || (at(0) == 0xc2 && at(1) < 0xa0))
    return true;
  return at(0) == 0xe2 && ((at(1) == 0x80 && at(2) >= 0xa8 && at(2) <= 0xae) ||
                           (at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9));
}

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_escaped(text.substr(i))) {
      result += text[i];
      continue;
    }
    const auto first = static_cast<unsigned char>(text[i]);
    for (std::size_t left = first < 0x80 ? 1 : first == 0xc2 ? 2 : 3; left != 0; --left, ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      result += "\\x";
      result += digits[byte >> 4U];
      result += digits[byte & 15U];
    }
    --i;
  }
  return result;
}

std::string number(std::uint64_t value) { return std::to_string(value); }

} // namespace

frame_describer::frame_describer(std::optional<flag_set> common)
    : common_(common), slots_(cache_slots) {}

void frame_describer::wrong(std::string_view text) {
  errors_ += "; error: ";
  errors_ += text;
}

void frame_describer::wrong(std::string_view text, const std::byte* at) {
  wrong(std::string(text) + " at byte " + number(static_cast<std::uint64_t>(at - origin_.data())));
}

std::string frame_describer::describe(std::span<const std::byte> body, std::size_t length) {
  line_.clear();
  errors_.clear();
  atoms_.clear();
  origin_ = body;
  cut_ = body.size() < length;
  if (length == 0)
    return "tick";
  const bool header =
      common_ ? (*common_ & header_flags) != 0 : body.empty() || body[0] != pass_through;
  const bool versioned = !body.empty() && body[0] == static_cast<std::byte>(etf::version);
  if (body.empty()) {
    say("frame");
  } else if (!header || (!versioned && body[0] == pass_through)) {
    say("pass-through");
    if (header)
      wrong("no distribution header, though one was agreed on", body.data());
    else if (body[0] != pass_through)
      say(" (first byte " + number(std::to_integer<unsigned>(body[0])) + ")");
    message(body.subspan(1), framing::external, true);
  } else if (!versioned || body.size() < 2) {
    say("frame");
    wrong("no distribution header", body.data());
  } else if (body[1] == whole_message) {
    whole(body.subspan(2));
  } else if (body[1] == first_fragment) {
    first_of_several(body.subspan(2));
  } else if (body[1] == next_fragment) {
    further(body.subspan(2));
  } else {
    say("frame");
    wrong("a distribution header of the unknown kind " + number(std::to_integer<unsigned>(body[1])),
          body.data() + 1);
  }
  if (cut_)
    say(" (" + number(body.size()) + " of " + number(length) + " bytes known)");
  return escaped(line_ + errors_);
}

void frame_describer::whole(std::span<const std::byte> bytes) {
  say("whole");
  if (references(bytes))
    message(bytes, framing::bare, true);
}

void frame_describer::first_of_several(std::span<const std::byte> bytes) {
  const std::byte* const start = bytes.data();
  byte_cursor in(bytes);
  const auto id = in.number<std::uint64_t>();
  const auto count = in.number<std::uint64_t>();
  if (in.failed()) {
    say("fragment");
    if (!cut_)
      wrong("the fragment's header is not complete", start);
    return;
  }
  say("fragment 1 of " + number(count) + " of message " + number(id));
  if (!has(flags::fragments))
    wrong("a fragment, though fragments were not agreed on", start);
  if (count == 0)
    wrong("a message in no fragments", start + 8);
  bytes = in.rest();
  if (!references(bytes))
    return;
  if (count <= 1)
    return message(bytes, framing::bare, true);
  if (id == 0)
    wrong("a message in several fragments with the number 0", start);
  if (sequences_.contains(id))
    wrong("message " + number(id) + " is not complete yet", start);
  message(bytes, framing::bare, false);
  sequences_[id] = {.atoms = std::move(atoms_),
                    .bytes = {bytes.begin(), bytes.end()},
                    .count = count,
                    .next = count - 1,
                    .gaps = cut_};
}

void frame_describer::further(std::span<const std::byte> bytes) {
  const std::byte* const start = bytes.data();
  byte_cursor in(bytes);
  const auto id = in.number<std::uint64_t>();
  const auto left = in.number<std::uint64_t>();
  if (in.failed()) {
    say("fragment");
    if (!cut_)
      wrong("the fragment's header is not complete", start);
    return;
  }
  if (!has(flags::fragments))
    wrong("a fragment, though fragments were not agreed on", start);
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) {
    say("fragment of message " + number(id));
    if (left != 0)
      say(", " + number(left - 1) + " to come");
    return wrong("no message " + number(id) + " is under way", start);
  }
  sequence& s = found->second;
  if (left == 0 || left > s.count) {
    say("fragment of message " + number(id));
    return wrong("the message has fragments 1 to " + number(s.count) +
                     ", and not one with number " + number(left),
                 start + 8);
  }
  say("fragment " + number(s.count - left + 1) + " of " + number(s.count) + " of message " +
      number(id));
  if (left != s.next) {
    wrong("a fragment out of order, where number " + number(s.count - s.next + 1) + " has to be",
          start + 8);
    s.gaps = true;
  }
  s.next = left - 1;
  s.gaps = s.gaps || cut_;
  s.bytes.insert(s.bytes.end(), in.rest().begin(), in.rest().end());
  if (left != 1)
    return;
  const sequence done = std::move(s);
  sequences_.erase(found);
  atoms_ = done.atoms;
  origin_ = done.bytes;
  message(done.bytes, framing::bare, !done.gaps);
  if (done.gaps)
    say(" (bytes are missing)");
}

/// Takes the atom references off the front of `bytes`. False if the end of them cannot be found.
bool frame_describer::references(std::span<const std::byte>& bytes) {
  const std::byte* const start = bytes.data();
  byte_cursor in(bytes);
  const std::size_t count = in.number<std::uint8_t>();
  const auto how = count == 0 ? std::span<const std::byte>{} : in.take(count / 2 + 1);
  const auto half = [&](std::size_t place) {
    return std::to_integer<unsigned>(how[place / 2]) >> (place % 2 * 4) & 0xfU;
  };
  std::size_t cached = 0;
  std::string added;
  for (std::size_t i = 0; i < count && !in.failed(); ++i) {
    const auto slot = (half(i) & 7U) * std::size_t{256} + in.number<std::uint8_t>();
    if (in.failed())
      break;
    if ((half(i) & 8U) == 0) {
      ++cached;
      if (!slots_[slot]) {
        slots_[slot] = atom::intern("?" + number(slot)).value_or(atom());
        wrong("slot " + number(slot) + " of the atom cache is empty", in.rest().data() - 1);
      }
    } else {
      const auto text =
          in.take((half(count) & 1U) != 0 ? in.number<std::uint16_t>() : in.number<std::uint8_t>());
      if (in.failed())
        break;
      const auto value = atom::intern({reinterpret_cast<const char*>(text.data()), text.size()});
      if (!value)
        wrong(std::string(to_text(value.error())), text.data());
      slots_[slot] = value ? *value : atom::intern("?" + number(slot)).value_or(atom());
      added += (added.empty() ? "" : ", ") + number(slot) + "=" + described(term(*slots_[slot]));
    }
    atoms_.push_back(*slots_[slot]);
  }
  std::string found = cached == 0 ? "" : number(cached) + " cached";
  if (!added.empty())
    found += (found.empty() ? "new " : "; new ") + added;
  if (!found.empty())
    say(" (atoms: " + found + ")");
  if (in.failed()) {
    if (!cut_)
      wrong("atom references that are not complete", start);
    return false;
  }
  if (count != 0 && !has(flags::dist_hdr_atom_cache))
    wrong("atom references, though no atom cache was agreed on", start);
  bytes = in.rest();
  return true;
}

/// The control tuple and, unless more fragments have to come, the payload.
void frame_describer::message(std::span<const std::byte> bytes, framing how, bool with_payload) {
  const decode_options options{.framing = how, .atom_refs = atoms_};
  const auto control = decode_prefix(bytes, options);
  if (!control) {
    if (!cut_)
      wrong("control tuple: " + std::string(to_text(control.error().code)),
            bytes.data() + control.error().offset);
    return;
  }
  const auto text = describe_control(control->value, common_);
  say(" " + text.text);
  if (!text.error.empty())
    wrong(text.error, bytes.data());
  if (with_payload && text.payload)
    payload(bytes.subspan(control->consumed), options);
  else if (with_payload && control->consumed != bytes.size())
    say(" (and " + number(bytes.size() - control->consumed) + " bytes more)");
}

void frame_describer::payload(std::span<const std::byte> bytes, const decode_options& how) {
  const std::size_t tag = how.framing == framing::external ? 1 : 0;
  if (bytes.size() > tag && bytes[tag] == static_cast<std::byte>(etf::tag::compressed))
    wrong("a compressed term", bytes.data());
  const auto found = decode_prefix(bytes, how);
  if (!found) {
    if (!cut_)
      wrong("payload: " + std::string(to_text(found.error().code)),
            bytes.data() + found.error().offset);
    return;
  }
  say(": " + described(found->value));
  if (found->consumed != bytes.size())
    say(" (and " + number(bytes.size() - found->consumed) + " bytes more)");
}

} // namespace erl::dist
