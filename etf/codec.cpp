#include "etf/wire.hpp"
#include <erl/etf/codec.hpp>

namespace erl {

namespace {

std::unexpected<decode_error> failure(etf_errc code, std::size_t offset) {
  return std::unexpected(decode_error{code, offset, {}, {}});
}

/// A term without a version byte. Offsets in errors count from `start` bytes before it.
std::expected<decoded, decode_error> decode_bare(std::span<const std::byte> bytes,
                                                 const decode_options& options, std::size_t start) {
  wire::scanned scanned = wire::scan(bytes, options);
  if (scanned.error != etf_errc::none)
    return failure(scanned.error, start + scanned.bytes);
  wire::built built = wire::build(bytes, scanned.words, options);
  if (built.error != etf_errc::none)
    return failure(built.error, start + built.offset);
  return decoded{std::move(built.value), start + scanned.bytes};
}

/// 131, 80, the size, a zlib stream.
std::expected<decoded, decode_error> decode_compressed(std::span<const std::byte> bytes,
                                                       const decode_options& options) {
  constexpr std::size_t head = 6;
  if (bytes.size() < head)
    return failure(etf_errc::truncated, bytes.size());
  wire::inflated inflated =
      wire::inflate(bytes.subspan(head), wire::get32(bytes.data() + 2), options.limits);
  if (inflated.error != etf_errc::none)
    return failure(inflated.error, 2);
  decode_options inner = options;
  inner.owner = &inflated.bytes;
  auto result = decode_bare(inflated.bytes.bytes().first(wire::get32(bytes.data() + 2)), inner, 0);
  if (result)
    result->consumed = head + inflated.consumed;
  return result;
}

} // namespace

std::expected<term, decode_error> decode_external(std::span<const std::byte> bytes,
                                                  const limits& limits) {
  auto result = decode_prefix(bytes, {.limits = limits});
  if (!result)
    return std::unexpected(std::move(result.error()));
  return std::move(result->value);
}

std::expected<decoded, decode_error> decode_prefix(std::span<const std::byte> bytes,
                                                   const decode_options& options) {
  if (options.framing == framing::bare)
    return decode_bare(bytes, options, 0);
  if (bytes.empty())
    return failure(etf_errc::truncated, 0);
  if (wire::get8(bytes.data()) != etf::version)
    return failure(etf_errc::bad_version, 0);
  bool compressed = bytes.size() > 1 &&
                    static_cast<etf::tag>(wire::get8(bytes.data() + 1)) == etf::tag::compressed;
  return compressed ? decode_compressed(bytes, options) : decode_bare(bytes.subspan(1), options, 1);
}

std::expected<std::size_t, decode_error> skip_term(std::span<const std::byte> bytes,
                                                   const decode_options& options) {
  wire::scanned scanned = wire::scan(bytes, options);
  if (scanned.error != etf_errc::none)
    return failure(scanned.error, scanned.bytes);
  return scanned.bytes;
}

} // namespace erl
