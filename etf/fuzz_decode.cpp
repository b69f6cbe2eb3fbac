// Fuzzes the codec: what decodes must encode, decode again to the same term, and encode to the same
// bytes; and a view must read what the tree holds.
#include "etf/view_rebuild.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

void check(const erl::decoded& decoded, std::size_t size) {
  require(decoded.consumed <= size);
  std::vector<std::byte> encoded;
  erl::encode_external(decoded.value, encoded);
  auto again = erl::decode_external(encoded);
  require(again.has_value());
  require(*again == decoded.value);
  require(erl::compare(*again, decoded.value) == 0);
  require(erl::hash(*again) == erl::hash(decoded.value));
  require(erl::term::copy(decoded.value) == decoded.value);
  std::vector<std::byte> twice;
  erl::encode_external(*again, twice);
  require(twice == encoded);
  for (auto style : {erl::print_style::pretty, erl::print_style::plain_latin1})
    require(erl::to_string(decoded.value, {.style = style, .max_bytes = 10000}).size() <= 10000);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  static const erl::atom refs[] = {"ok", "node@host"};
  const erl::limits limits{.inflated = 1 << 20};
  const erl::decode_options bare{
      .limits = limits, .framing = erl::framing::bare, .atom_refs = refs};
  for (const erl::decode_options& options : {erl::decode_options{.limits = limits}, bare}) {
    if (auto decoded = erl::decode_prefix(bytes, options))
      check(*decoded, size);
  }
  auto skipped = erl::skip_term(bytes, bare);
  auto decoded = erl::decode_prefix(bytes, bare);
  require(!decoded || (skipped && *skipped == decoded->consumed));
  erl::view whole = erl::view::bare(bytes, refs);
  require(whole.skip() == skipped.has_value());
  erl::view parts = erl::view::bare(bytes, refs);
  const auto rebuilt = erl::test::rebuild(parts);
  if (decoded) {
    require(rebuilt && *rebuilt == decoded->value);
    require(parts.consumed() == decoded->consumed);
  }
  return 0;
}
