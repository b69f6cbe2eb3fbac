#include "cli/captured.hpp"

#include <erl/etf/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace erl::cli {

namespace {

using outcome = std::expected<std::string, std::string>;
using dist::flag_set;

std::unexpected<std::string> wrong(std::string text) { return std::unexpected(std::move(text)); }

std::optional<term_ref> field(term_ref object, std::string_view name) {
  return object.find(term::text(name));
}

std::optional<std::string> text_field(term_ref object, std::string_view name) {
  const auto value = field(object, name);
  const auto text = value ? value->to_text() : std::nullopt;
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<std::uint64_t> number_field(term_ref object, std::string_view name) {
  const auto value = field(object, name);
  return value ? value->to_uint64() : std::nullopt;
}

std::optional<unsigned> digit_value(char digit) {
  unsigned value = 0;
  const bool is_digit = std::from_chars(&digit, &digit + 1, value, 16).ec == std::errc();
  return is_digit ? std::optional(value) : std::nullopt;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Bytes from pairs of digits, with white space anywhere.
std::expected<std::vector<std::byte>, std::string> parse_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 2);
  std::optional<unsigned> high;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i]))
      continue;
    const auto digit = digit_value(text[i]);
    if (!digit)
      return wrong("character " + std::to_string(i + 1) + " of the bytes is no hexadecimal digit");
    if (high)
      bytes.push_back(static_cast<std::byte>(*high << 4U | *digit));
    high = high ? std::nullopt : digit;
  }
  if (high)
    return wrong("an odd number of hexadecimal digits");
  return bytes;
}

/// Text of the capture's, for one line.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, 200));
  std::ranges::replace_if(
      result, [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '?');
  return result;
}

} // namespace

std::expected<flag_set, std::string> parse_flags(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hex ? text.substr(2) : text;
  flag_set set = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), set, hex ? 16 : 10);
  if (error == std::errc() && end == digits.data() + digits.size())
    return set;
  set = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    flag_set bit = 1;
    while (bit != 0 && (name.empty() || dist::flag_name(bit) != name))
      bit <<= 1U;
    if (bit == 0)
      return wrong("`" + shown(name) + "` is neither a number nor the name of a flag");
    set |= bit;
  }
  if (text.empty())
    return wrong("no flags are given");
  return set;
}

outcome capture_reader::read(std::string_view line) {
  while (!line.empty() && is_space(line.back()))
    line.remove_suffix(1);
  while (!line.empty() && is_space(line.front()))
    line.remove_prefix(1);
  if (line.empty() || line.front() == '#')
    return std::string();
  return line.front() == '{' ? read_json(line) : read_hex(line);
}

outcome capture_reader::read_json(std::string_view line) {
  const auto object = from_json(line);
  if (!object)
    return wrong("not JSON: column " + std::to_string(object.error().column) + ": " +
                 object.error().detail);
  if (text_field(*object, "kind") == "session")
    return read_session(*object);
  if (const auto messages = field(*object, "messages"); messages && messages->is_list())
    return read_handshake(*object);
  if (!field(*object, "hex") && !field(*object, "hex_head"))
    return wrong("neither a frame (no `hex`), nor a session, nor a handshake");
  const std::string session = text_field(*object, "session").value_or("");
  auto& place = sessions_[session].frames;
  const auto told = number_field(*object, "seq");
  return read_frame(*object, session, told.value_or(std::exchange(place, place + 1)));
}

std::string capture_reader::begin(const std::string& session, std::optional<flag_set> flags,
                                  const std::string& title) {
  sessions_[session] = {.flags = flags_ ? flags_ : flags, .ways = {}, .frames = 0};
  if (!shows(session))
    return {};
  const auto& known = sessions_[session].flags;
  return "== " + shown(session) + title + "\n" +
         (known ? "== flags " + dist::hexadecimal(*known) + ": " + dist::flag_names(*known) + "\n"
                : "");
}

outcome capture_reader::read_session(term_ref object) {
  const auto name = text_field(object, "session").value_or("");
  std::optional<flag_set> flags;
  if (const auto text = text_field(object, "common_flags")) {
    const auto parsed = parse_flags(*text);
    if (!parsed)
      return wrong("common_flags: " + parsed.error());
    flags = *parsed;
  }
  const auto initiator = text_field(object, "initiator");
  const auto acceptor = text_field(object, "acceptor");
  const std::string title = initiator && acceptor
                                ? ": " + shown(*initiator) + " connected to " + shown(*acceptor)
                                : std::string();
  return begin(name, flags, title);
}

outcome capture_reader::read_handshake(term_ref object) {
  const auto name = text_field(object, "name").value_or("");
  std::map<std::string, flag_set> told;
  for (term_ref message : field(object, "messages")->items()) {
    const auto text = text_field(message, "flags");
    const auto from = text_field(message, "from");
    if (!text || !from)
      continue;
    const auto parsed = parse_flags(*text);
    if (!parsed)
      return wrong("flags: " + parsed.error());
    told[*from] = dist::expand_digest(*parsed);
  }
  std::optional<flag_set> common;
  if (told.size() == 2)
    common = told.begin()->second & std::next(told.begin())->second;
  std::string text = begin(name, common, "");
  std::size_t place = 0;
  if (const auto frames = field(object, "first_frames_after"))
    for (term_ref frame : frames->items()) {
      const auto line = read_frame(frame, name, place++);
      if (!line)
        return line;
      text += *line;
    }
  return text;
}

dist::frame_describer& capture_reader::way(const std::string& session, const std::string& from) {
  auto& one = sessions_[session];
  return one.ways.try_emplace(from, one.flags ? one.flags : flags_).first->second;
}

outcome capture_reader::read_frame(term_ref object, const std::string& session, std::size_t place) {
  const auto whole = text_field(object, "hex");
  const auto hex = whole ? whole : text_field(object, "hex_head");
  if (!hex)
    return wrong("a frame without `hex`");
  const auto bytes = parse_hex(*hex);
  if (!bytes)
    return wrong(bytes.error());
  const std::size_t length = number_field(object, "len").value_or(bytes->size());
  const std::string from = text_field(object, "from").value_or("");
  const std::string text = way(session, from).describe(*bytes, std::max(length, bytes->size()));
  if (!shows(session))
    return std::string();
  return std::to_string(place) + " " + (from.empty() ? "" : shown(from) + ": ") + text + "\n";
}

outcome capture_reader::read_hex(std::string_view line) {
  std::string from;
  if (line.front() == '<' || line.front() == '>') {
    from = line.front();
    line.remove_prefix(1);
  }
  const auto bytes = parse_hex(line);
  if (!bytes)
    return wrong(bytes.error());
  const auto place = sessions_[""].frames++;
  const std::string text = way("", from).describe(*bytes);
  if (!shows(""))
    return std::string();
  return std::to_string(place) + " " + from + (from.empty() ? "" : " ") + text + "\n";
}

} // namespace erl::cli
