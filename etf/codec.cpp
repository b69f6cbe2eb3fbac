#include "etf/wire.hpp"
#include <erl/etf/codec.hpp>

namespace erl {

namespace {

std::unexpected<decode_error> failure(etf_errc code, std::size_t offset) {
  return std::unexpected(decode_error{code, offset, {}, {}});
}

/// A term without a version byte. What was made is in `value`; nothing is, after an error.
wire::outcome decode_bare(std::span<const std::byte> bytes, const decode_options& options,
                          term& value) {
  // No byte of a term makes more than a word, and an arena has at most as much again to spare. So a
  // term of so few bytes keeps the limit on memory; of others the scan tells.
  if (bytes.size() <= options.limits.bytes / (2 * sizeof(detail::word))) {
    const wire::outcome built = wire::build(bytes, options, nullptr, value);
    if (built.error == etf_errc::none)
      return built;
  }
  const wire::scanned scanned = wire::scan(bytes, options);
  if (scanned.error != etf_errc::none)
    return {scanned.error, scanned.bytes};
  return wire::build(bytes, options, &scanned, value);
}

/// The size, and a zlib stream: what follows 131 and 80.
wire::outcome decode_compressed(std::span<const std::byte> bytes, const decode_options& options,
                                term& value) {
  constexpr std::size_t head = 4;
  if (bytes.size() < head)
    return {etf_errc::truncated, bytes.size()};
  const std::size_t size = wire::get32(bytes.data());
  const wire::inflated inflated = wire::inflate(bytes.subspan(head), size, options.limits);
  if (inflated.error != etf_errc::none)
    return {inflated.error, 0};
  decode_options inner = options;
  inner.owner = &inflated.bytes;
  const wire::outcome built = decode_bare(inflated.bytes.bytes().first(size), inner, value);
  return {built.error, built.error == etf_errc::none ? head + inflated.consumed : built.bytes};
}

wire::outcome decode_term(std::span<const std::byte> bytes, const decode_options& options,
                          term& value) {
  if (options.framing == framing::bare)
    return decode_bare(bytes, options, value);
  if (bytes.empty())
    return {etf_errc::truncated, 0};
  if (wire::get8(bytes.data()) != etf::version)
    return {etf_errc::bad_version, 0};
  const bool compressed = bytes.size() > 1 && static_cast<etf::tag>(wire::get8(bytes.data() + 1)) ==
                                                  etf::tag::compressed;
  const std::size_t head = compressed ? 2 : 1;
  wire::outcome result = compressed ? decode_compressed(bytes.subspan(head), options, value)
                                    : decode_bare(bytes.subspan(head), options, value);
  result.bytes += head;
  return result;
}

} // namespace

std::expected<term, decode_error> decode_external(std::span<const std::byte> bytes,
                                                  const limits& limits) {
  std::expected<term, decode_error> result;
  const wire::outcome done = decode_term(bytes, {.limits = limits}, *result);
  if (done.error != etf_errc::none)
    result = failure(done.error, done.bytes);
  return result;
}

std::expected<decoded, decode_error> decode_prefix(std::span<const std::byte> bytes,
                                                   const decode_options& options) {
  std::expected<decoded, decode_error> result;
  const wire::outcome done = decode_term(bytes, options, result->value);
  result->consumed = done.bytes;
  if (done.error != etf_errc::none)
    result = failure(done.error, done.bytes);
  return result;
}

std::expected<std::size_t, decode_error> skip_term(std::span<const std::byte> bytes,
                                                   const decode_options& options) {
  wire::scanned scanned = wire::scan(bytes, options);
  if (scanned.error != etf_errc::none)
    return failure(scanned.error, scanned.bytes);
  return scanned.bytes;
}

} // namespace erl
