// Our side of the differential test of the codec: answers what differential.erl asks about terms.
//
// A packet (u32 size, then so many bytes) on standard input holds two u64, the first and last case
// that it is about, and requests: an operation, u32 size, external terms. The packet that goes back
// holds an answer to each: u32 size, bytes. The empty packet ends the program.
//
//   d  decode, encode    1, u32 bytes consumed, external term; or 0, u32 offset, message
//   p w l                the text as ~0tp, ~tw, ~w
//   c  u32 size of the first of two: compares them    `<`, `=` or `>`, and `t` or `f` each for ==,
//                                                    =:= and equal hashes
//
// It gives up at once when our own parts (copies, views, other forms of output) do not agree.
#include <erl/etf/byte_chain.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>
#include <erl/etf/view.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using byte_span = std::span<const std::byte>;

/// What the packet is about, for the message when this or Erlang ends too early.
std::string under_way = "before the first case";

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "etf_differential: %s (%s)\n", why, under_way.c_str());
  std::exit(1);
}

std::uint64_t number(byte_span bytes) {
  std::uint64_t result = 0;
  for (std::byte each : bytes)
    result = result << 8 | std::to_integer<std::uint64_t>(each);
  return result;
}

std::string number(std::size_t value) {
  std::string result;
  for (int shift = 24; shift >= 0; shift -= 8)
    result += static_cast<char>(value >> shift);
  return result;
}

byte_span take(byte_span& from, std::size_t size) {
  if (size > from.size())
    give_up("a request is cut short");
  const byte_span result = from.first(size);
  from = from.subspan(size);
  return result;
}

erl::term term_of(byte_span bytes) {
  auto result = erl::decode_external(bytes);
  if (!result)
    give_up("a term of term_to_binary does not decode");
  return *std::move(result);
}

/// Enters every container; true when the bytes of the first term are sound.
bool walk(erl::view& from) {
  for (std::size_t missing = 1; missing > 0; --missing) {
    const auto kind = from.kind();
    std::optional<std::size_t> parts = 0;
    if (kind == erl::term_kind::tuple) {
      parts = from.enter_tuple();
    } else if (kind == erl::term_kind::map) {
      parts = from.enter_map();
      missing += parts.value_or(0);
    } else if (kind == erl::term_kind::list) {
      parts = from.enter_list();
      ++missing;
    } else if (!from.skip()) {
      return false;
    }
    if (!parts)
      return false;
    missing += *parts;
  }
  return true;
}

/// Do views agree with the decoder? They do not look into compressed terms, and not for repeated
/// keys and fields.
void check_views(byte_span bytes, const std::expected<erl::decoded, erl::decode_error>& decoded) {
  constexpr auto compressed = std::byte{80};
  if (bytes.size() > 1 && bytes[1] == compressed)
    return;
  erl::view skipping(bytes), walking(bytes);
  const bool skipped = skipping.skip(), walked = walk(walking);
  const bool repeated = !decoded && (decoded.error().code == erl::etf_errc::duplicate_key ||
                                     decoded.error().code == erl::etf_errc::bad_record);
  if (skipped != walked || (skipped != decoded.has_value() && !repeated))
    give_up("a view has another opinion");
  if (decoded &&
      (skipping.consumed() != decoded->consumed || walking.consumed() != decoded->consumed))
    give_up("a view takes another size");
}

void check_outputs(erl::term_ref value, const std::vector<std::byte>& encoded) {
  erl::byte_chain chain;
  erl::encode(value, chain);
  if (chain.to_vector() != encoded || chain.size() != encoded.size())
    give_up("a chain has other bytes");
  std::vector<std::byte> place(encoded.size());
  if (erl::encode_into(value, place) != place.size() || place != encoded)
    give_up("other bytes are written to a given place");
  const auto skipped = erl::skip_term(byte_span(encoded).subspan(1));
  if (!skipped || *skipped + 1 != encoded.size())
    give_up("skip_term takes another size");
  if (!(erl::term::copy(value) == value))
    give_up("a copy is not the same term");
}

std::string decode(byte_span bytes) {
  const auto result = erl::decode_prefix(bytes);
  check_views(bytes, result);
  if (!result)
    return '\0' + number(result.error().offset) + result.error().message();
  std::vector<std::byte> encoded;
  erl::encode_external(result->value, encoded);
  check_outputs(result->value, encoded);
  return '\1' + number(result->consumed) +
         std::string(reinterpret_cast<const char*>(encoded.data()), encoded.size());
}

std::string compare(byte_span bytes) {
  const std::size_t size = number(take(bytes, 4));
  const erl::term left = term_of(take(bytes, size)), right = term_of(bytes);
  const int order = erl::compare(left, right), back = erl::compare(right, left);
  if ((order < 0) != (back > 0) || (order > 0) != (back < 0))
    give_up("the order depends on the side");
  const auto mark = [](bool value) { return value ? 't' : 'f'; };
  return {order < 0   ? '<'
          : order > 0 ? '>'
                      : '=',
          mark(erl::equal(left, right)), mark(erl::exactly_equal(left, right)),
          mark(erl::hash(left) == erl::hash(right))};
}

std::string answer(char operation, byte_span bytes) {
  switch (operation) {
  case 'd':
    return decode(bytes);
  case 'p':
    return erl::to_string(term_of(bytes), erl::print_style::pretty);
  case 'w':
    return erl::to_string(term_of(bytes), erl::print_style::plain);
  case 'l':
    return erl::to_string(term_of(bytes), erl::print_style::plain_latin1);
  case 'c':
    return compare(bytes);
  default:
    give_up("no such operation");
  }
}

std::vector<std::byte> read(std::size_t size) {
  std::vector<std::byte> result(size);
  if (std::fread(result.data(), 1, size, stdin) != size)
    give_up("the Erlang node ended");
  return result;
}

} // namespace

int main() {
  erl::set_atom_limit(UINT32_MAX);
  for (;;) {
    const auto packet = read(number(byte_span(read(4))));
    if (packet.empty())
      return 0;
    byte_span rest = packet;
    under_way = "cases " + std::to_string(number(take(rest, 8)));
    under_way += " to " + std::to_string(number(take(rest, 8))) + ", or those just before";
    std::string answers;
    while (!rest.empty()) {
      const char operation = std::to_integer<char>(take(rest, 1)[0]);
      const std::string reply = answer(operation, take(rest, number(take(rest, 4))));
      answers += number(reply.size()) + reply;
    }
    const std::string head = number(answers.size());
    std::fwrite(head.data(), 1, head.size(), stdout);
    std::fwrite(answers.data(), 1, answers.size(), stdout);
    std::fflush(stdout);
  }
}
