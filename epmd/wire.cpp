#include "epmd/wire.hpp"

#include <charconv>
#include <limits>

namespace erl::epmd::wire {
namespace {

constexpr char alive2_request = 120;
constexpr char lookup_tag = 122;
constexpr char names_tag = 110;
constexpr char dump_tag = 100;
constexpr char kill_tag = 107;
constexpr char stop_tag = 115;
constexpr char alive2_x_answer = 118;
constexpr char alive2_answer = 121;
constexpr char lookup_answer = 119;
constexpr std::uint16_t first_version_with_long_creations = 6;

std::uint8_t u8(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(u8(bytes, at) << 8 | u8(bytes, at + 1));
}

std::uint32_t u32(std::string_view bytes, std::size_t at) {
  return std::uint32_t{u16(bytes, at)} << 16 | u16(bytes, at + 2);
}

/// How many bytes the code point at the front of `bytes` has, or 0 when it is not UTF-8.
std::size_t code_point_size(std::string_view bytes) noexcept {
  const auto lead = u8(bytes, 0);
  if (lead < 0x80)
    return 1;
  const std::size_t size = lead < 0xc2   ? 0
                           : lead < 0xe0 ? 2
                           : lead < 0xf0 ? 3
                           : lead < 0xf5 ? 4
                                         : 0;
  if (size == 0 || bytes.size() < size)
    return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((u8(bytes, i) & 0xc0) != 0x80)
      return 0;
  const auto second = u8(bytes, 1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second >= 0xa0;
  const bool beyond = lead == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : size;
}

bool has_nul(std::string_view bytes) { return bytes.find('\0') != std::string_view::npos; }

std::optional<request> decode_register(std::string_view body) noexcept {
  constexpr std::size_t name_at = 11, fixed = 13;
  if (body.size() <= fixed)
    return std::nullopt;
  const std::size_t name_size = u16(body, 9);
  if (name_size + fixed > body.size())
    return std::nullopt;
  const std::size_t extra_size = u16(body, name_at + name_size);
  if (name_size + extra_size + fixed > body.size())
    return std::nullopt;
  const register_request found{.port = u16(body, 1),
                               .type = u8(body, 3),
                               .protocol = u8(body, 4),
                               .highest = u16(body, 5),
                               .lowest = u16(body, 7),
                               .name = body.substr(name_at, name_size),
                               .extra = body.substr(fixed + name_size, extra_size)};
  if (has_nul(found.name))
    return std::nullopt;
  return found;
}

std::optional<request> decode_lookup_request(std::string_view body) noexcept {
  auto name = body.substr(1);
  if (!name.empty() && name.back() == '\0')
    name.remove_suffix(1);
  if (name.empty() || !is_name(name))
    return std::nullopt;
  return lookup_request{name};
}

std::optional<request> decode_stop(std::string_view body) noexcept {
  const auto name = body.substr(1);
  if (name.empty())
    return std::nullopt;
  return stop_request{name.substr(0, name.find('\0'))};
}

std::string with_length(std::string_view body) {
  std::string out;
  out.reserve(body.size() + 2);
  put_u16(out, static_cast<std::uint16_t>(body.size()));
  out += body;
  return out;
}

/// `name NAME at port PORT`; the name may hold anything, so the line is read from its end.
std::optional<listed_node> decode_line(std::string_view line) {
  constexpr std::string_view before = "name ", between = " at port ";
  const auto split = line.rfind(between);
  if (!line.starts_with(before) || split == std::string_view::npos || split < before.size())
    return std::nullopt;
  const auto digits = line.substr(split + between.size());
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const auto name = line.substr(before.size(), split - before.size());
  if (failure != std::errc{} || end != digits.data() + digits.size() || !is_name(name))
    return std::nullopt;
  return listed_node{std::string(name), port};
}

} // namespace

void put_u16(std::string& out, std::uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void put_u32(std::string& out, std::uint32_t value) {
  put_u16(out, static_cast<std::uint16_t>(value >> 16));
  put_u16(out, static_cast<std::uint16_t>(value & 0xffff));
}

bool is_name(std::string_view bytes) noexcept {
  if (bytes.size() > max_name || has_nul(bytes))
    return false;
  std::size_t characters = 0;
  while (!bytes.empty()) {
    const auto size = code_point_size(bytes);
    if (size == 0 || ++characters > max_name_characters)
      return false;
    bytes.remove_prefix(size);
  }
  return true;
}

std::optional<request> decode_request(std::string_view body) noexcept {
  if (body.empty() || body.size() > max_body)
    return std::nullopt;
  switch (body.front()) {
  case alive2_request:
    return decode_register(body);
  case lookup_tag:
    return decode_lookup_request(body);
  case names_tag:
    return names_request{};
  case dump_tag:
    return dump_request{};
  case kill_tag:
    return kill_request{};
  case stop_tag:
    return decode_stop(body);
  default:
    return std::nullopt;
  }
}

std::string encode(const register_request& what) {
  std::string body(1, alive2_request);
  put_u16(body, what.port);
  body += static_cast<char>(what.type);
  body += static_cast<char>(what.protocol);
  put_u16(body, what.highest);
  put_u16(body, what.lowest);
  put_u16(body, static_cast<std::uint16_t>(what.name.size()));
  body += what.name;
  put_u16(body, static_cast<std::uint16_t>(what.extra.size()));
  body += what.extra;
  return with_length(body);
}

std::string encode(const lookup_request& what) {
  return with_length(std::string(1, lookup_tag).append(what.name));
}

std::string encode(names_request) { return with_length(std::string(1, names_tag)); }

decoded<registered> decode_registered(std::string_view bytes) noexcept {
  if (bytes.empty())
    return std::nullopt;
  if (bytes[0] != alive2_answer && bytes[0] != alive2_x_answer)
    return std::unexpected(malformed{"is not one to a registration"});
  const bool wide = bytes[0] == alive2_x_answer;
  const std::size_t size = wide ? 6 : 4;
  if (bytes.size() < size)
    return std::nullopt;
  if (bytes.size() > size)
    return std::unexpected(malformed{"is too long"});
  const registered found{bytes[1] == 0, wide ? u32(bytes, 2) : u16(bytes, 2)};
  if (found.accepted && found.creation == 0)
    return std::unexpected(malformed{"holds the impossible creation 0"});
  return found;
}

decoded<node_info> decode_lookup(std::string_view bytes) {
  constexpr std::size_t name_at = 12, fixed = 14;
  if (bytes.empty())
    return std::nullopt;
  if (bytes[0] != lookup_answer)
    return std::unexpected(malformed{"is not one to a look-up"});
  if (bytes.size() < 2)
    return std::nullopt;
  if (bytes[1] != 0)
    return bytes.size() == 2 ? decoded<node_info>(node_info{})
                             : std::unexpected(malformed{"is too long"});
  if (bytes.size() < name_at)
    return std::nullopt;
  const std::size_t name_size = u16(bytes, 10);
  if (name_size > max_name)
    return std::unexpected(malformed{"announces a name that is too long"});
  if (bytes.size() < fixed + name_size)
    return std::nullopt;
  const std::size_t extra_size = u16(bytes, name_at + name_size);
  if (extra_size > max_extra)
    return std::unexpected(malformed{"announces extra data that is too long"});
  if (bytes.size() < fixed + name_size + extra_size)
    return std::nullopt;
  if (bytes.size() > fixed + name_size + extra_size)
    return std::unexpected(malformed{"is too long"});
  if (u16(bytes, 2) == 0)
    return std::unexpected(malformed{"says port 0"});
  return node_info{.name = std::string(bytes.substr(name_at, name_size)),
                   .port = u16(bytes, 2),
                   .type = u8(bytes, 4),
                   .protocol = u8(bytes, 5),
                   .highest = u16(bytes, 6),
                   .lowest = u16(bytes, 8),
                   .extra = std::string(bytes.substr(fixed + name_size))};
}

decoded<std::vector<listed_node>> decode_names(std::string_view bytes, bool ended) {
  if (bytes.size() >= 4 && u32(bytes, 0) > std::numeric_limits<std::uint16_t>::max())
    return std::unexpected(malformed{"does not begin with a port"});
  if (!ended)
    return std::nullopt;
  if (bytes.size() < 4 || (bytes.size() > 4 && bytes.back() != '\n'))
    return std::unexpected(malformed{"is cut off"});
  std::vector<listed_node> found;
  auto text = bytes.substr(4);
  const bool said_something = !text.empty();
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (auto line = decode_line(text.substr(0, end)))
      found.push_back(std::move(*line));
    text.remove_prefix(end + 1);
  }
  if (found.empty() && said_something)
    return std::unexpected(malformed{"is no list of nodes"});
  return found;
}

std::string encode_registered(registered what, std::uint16_t clients_highest) {
  const bool wide = clients_highest >= first_version_with_long_creations;
  std::string out(1, wide ? alive2_x_answer : alive2_answer);
  out += static_cast<char>(what.accepted ? 0 : 1);
  if (wide)
    put_u32(out, what.creation);
  else if (what.accepted)
    put_u16(out, static_cast<std::uint16_t>(what.creation % 3 + 1));
  else
    put_u16(out, static_cast<std::uint16_t>(what.creation));
  return out;
}

std::string encode_found(const node_info& node) {
  std::string out{lookup_answer, 0};
  put_u16(out, node.port);
  out += static_cast<char>(node.type);
  out += static_cast<char>(node.protocol);
  put_u16(out, node.highest);
  put_u16(out, node.lowest);
  put_u16(out, static_cast<std::uint16_t>(node.name.size()));
  out += node.name;
  put_u16(out, static_cast<std::uint16_t>(node.extra.size()));
  out += node.extra;
  return out;
}

std::string encode_not_found() { return {lookup_answer, 1}; }

} // namespace erl::epmd::wire
