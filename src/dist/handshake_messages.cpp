#include "dist/handshake_messages.hpp"

#include "dist/bytes.hpp"

#include <algorithm>
#include <array>

namespace erl::dist {

namespace {

constexpr std::size_t max_name = 255;
constexpr std::uint16_t old_version = 5;

struct status_text {
  handshake_status status;
  std::string_view text;
};

constexpr std::array<status_text, 5> plain_statuses{{
    {handshake_status::ok, "ok"},
    {handshake_status::ok_simultaneous, "ok_simultaneous"},
    {handshake_status::nok, "nok"},
    {handshake_status::not_allowed, "not_allowed"},
    {handshake_status::alive, "alive"},
}};

constexpr std::string_view named_prefix = "named:";

void put_text(std::vector<std::byte>& out, std::string_view text) {
  for (const char character : text)
    out.push_back(static_cast<std::byte>(character));
}

/// A name with its length before it.
void put_name(std::vector<std::byte>& out, std::string_view name) {
  const auto latin1 = to_latin1(name).value_or(std::vector<std::byte>{});
  put_number(out, static_cast<std::uint16_t>(latin1.size()));
  out.insert(out.end(), latin1.begin(), latin1.end());
}

/// The name that follows its length; fails on a name longer than an atom can be.
std::string take_name(byte_cursor& cursor) {
  const auto name = cursor.take(cursor.number<std::uint16_t>());
  return from_latin1(name);
}

bool is_control(char character) {
  const auto code = static_cast<unsigned char>(character);
  return code < 32 || code == 127;
}

/// The characters of `text`, which is UTF-8 made from Latin-1.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char character) {
    return (static_cast<unsigned char>(character) & 0xC0U) != 0x80U;
  }));
}

/// Whether `text` is free of control characters, C1 ones (U+0080 to U+009F) included.
bool is_clean(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_control(text[i]))
      return false;
    if (static_cast<unsigned char>(text[i]) == 0xC2U && i + 1 < text.size() &&
        static_cast<unsigned char>(text[i + 1]) < 0xA0U)
      return false;
  }
  return true;
}

} // namespace

std::optional<send_name_message> parse_send_name(bytes_view message) {
  byte_cursor cursor(message);
  send_name_message parsed;
  const auto tag = cursor.number<std::uint8_t>();
  if (tag == 'N') {
    parsed.flags = cursor.number<std::uint64_t>();
    parsed.creation = cursor.number<std::uint32_t>();
    parsed.name = take_name(cursor);
  } else if (tag == 'n') {
    parsed.old_form = true;
    if (cursor.number<std::uint16_t>() != old_version)
      return std::nullopt;
    parsed.flags = cursor.number<std::uint32_t>();
    parsed.name = from_latin1(cursor.rest());
  } else {
    return std::nullopt;
  }
  if (cursor.failed())
    return std::nullopt;
  return parsed;
}

std::optional<status_message> parse_status(bytes_view message) {
  byte_cursor cursor(message);
  if (cursor.number<std::uint8_t>() != 's')
    return std::nullopt;
  for (const auto& known : plain_statuses) {
    byte_cursor rest(cursor.rest());
    if (rest.literal(known.text) && rest.rest().empty())
      return status_message{.status = known.status, .name = {}, .creation = 0};
  }
  if (!cursor.literal(named_prefix))
    return std::nullopt;
  status_message parsed{.status = handshake_status::named, .name = {}, .creation = 0};
  parsed.name = take_name(cursor);
  parsed.creation = cursor.number<std::uint32_t>();
  if (cursor.failed())
    return std::nullopt;
  return parsed;
}

std::optional<bool> parse_alive_answer(bytes_view message) {
  for (const bool answer : {true, false}) {
    byte_cursor cursor(message);
    if (cursor.literal(answer ? "strue" : "sfalse") && cursor.rest().empty())
      return answer;
  }
  return std::nullopt;
}

std::optional<challenge_message> parse_challenge(bytes_view message) {
  byte_cursor cursor(message);
  if (cursor.number<std::uint8_t>() != 'N')
    return std::nullopt;
  challenge_message parsed;
  parsed.flags = cursor.number<std::uint64_t>();
  parsed.challenge = cursor.number<std::uint32_t>();
  parsed.creation = cursor.number<std::uint32_t>();
  parsed.name = take_name(cursor);
  if (cursor.failed())
    return std::nullopt;
  return parsed;
}

std::optional<complement_message> parse_complement(bytes_view message) {
  byte_cursor cursor(message);
  if (cursor.number<std::uint8_t>() != 'c')
    return std::nullopt;
  complement_message parsed;
  parsed.high_flags = cursor.number<std::uint32_t>();
  parsed.creation = cursor.number<std::uint32_t>();
  if (cursor.failed() || !cursor.rest().empty())
    return std::nullopt;
  return parsed;
}

std::optional<challenge_reply_message> parse_challenge_reply(bytes_view message) {
  byte_cursor cursor(message);
  if (cursor.number<std::uint8_t>() != 'r')
    return std::nullopt;
  challenge_reply_message parsed;
  parsed.challenge = cursor.number<std::uint32_t>();
  std::ranges::copy(cursor.take(parsed.digest.size()), parsed.digest.begin());
  if (cursor.failed() || !cursor.rest().empty())
    return std::nullopt;
  return parsed;
}

std::optional<challenge_ack_message> parse_challenge_ack(bytes_view message) {
  byte_cursor cursor(message);
  if (cursor.number<std::uint8_t>() != 'a')
    return std::nullopt;
  challenge_ack_message parsed;
  std::ranges::copy(cursor.take(parsed.digest.size()), parsed.digest.begin());
  if (cursor.failed() || !cursor.rest().empty())
    return std::nullopt;
  return parsed;
}

void append(std::vector<std::byte>& out, const send_name_message& message) {
  put_text(out, "N");
  put_number(out, message.flags);
  put_number(out, message.creation);
  put_name(out, message.name);
}

void append(std::vector<std::byte>& out, const status_message& message) {
  put_text(out, "s");
  if (message.status == handshake_status::named) {
    put_text(out, named_prefix);
    put_name(out, message.name);
    put_number(out, message.creation);
    return;
  }
  for (const auto& known : plain_statuses) {
    if (known.status == message.status)
      put_text(out, known.text);
  }
}

void append_alive_answer(std::vector<std::byte>& out, bool answer) {
  put_text(out, answer ? "strue" : "sfalse");
}

void append(std::vector<std::byte>& out, const challenge_message& message) {
  put_text(out, "N");
  put_number(out, message.flags);
  put_number(out, message.challenge);
  put_number(out, message.creation);
  put_name(out, message.name);
}

void append(std::vector<std::byte>& out, const complement_message& message) {
  put_text(out, "c");
  put_number(out, message.high_flags);
  put_number(out, message.creation);
}

void append(std::vector<std::byte>& out, const challenge_reply_message& message) {
  put_text(out, "r");
  put_number(out, message.challenge);
  out.insert(out.end(), message.digest.begin(), message.digest.end());
}

void append(std::vector<std::byte>& out, const challenge_ack_message& message) {
  put_text(out, "a");
  out.insert(out.end(), message.digest.begin(), message.digest.end());
}

std::string from_latin1(bytes_view latin1) {
  std::string utf8;
  utf8.reserve(latin1.size());
  for (const auto byte : latin1) {
    const auto code = std::to_integer<unsigned>(byte);
    if (code < 0x80) {
      utf8 += static_cast<char>(code);
    } else {
      utf8 += static_cast<char>(0xC0U | code >> 6U);
      utf8 += static_cast<char>(0x80U | (code & 0x3FU));
    }
  }
  return utf8;
}

std::optional<std::vector<std::byte>> to_latin1(std::string_view utf8) {
  std::vector<std::byte> latin1;
  latin1.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      latin1.push_back(static_cast<std::byte>(lead));
      continue;
    }
    if ((lead != 0xC2 && lead != 0xC3) || i + 1 == utf8.size())
      return std::nullopt;
    const auto next = static_cast<unsigned char>(utf8[++i]);
    if ((next & 0xC0U) != 0x80U)
      return std::nullopt;
    latin1.push_back(static_cast<std::byte>((lead & 3U) << 6U | (next & 0x3FU)));
  }
  return latin1;
}

bool is_node_name(std::string_view name) {
  const auto at = name.find('@');
  return at != std::string_view::npos && at != 0 && is_host_name(name.substr(at + 1)) &&
         is_clean(name) && characters(name) <= max_name;
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.find('@') == std::string_view::npos && is_clean(name) &&
         characters(name) <= max_name;
}

std::string_view host_part(std::string_view name) {
  const auto at = name.find('@');
  return at == std::string_view::npos ? std::string_view{} : name.substr(at + 1);
}

std::string printable(bytes_view text) {
  constexpr std::size_t limit = 64;
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string shown;
  for (const auto byte : text.first(std::min(text.size(), limit))) {
    const auto code = std::to_integer<unsigned>(byte);
    if (code >= 32 && code < 127 && code != '\\') {
      shown += static_cast<char>(code);
    } else {
      shown += "\\x";
      shown += digits[code >> 4U];
      shown += digits[code & 15U];
    }
  }
  if (text.size() > limit)
    shown += "...";
  return shown;
}

} // namespace erl::dist
