// Describes arbitrary bytes as frames: each is one line of bounded length, without control
// characters.
#include "dist/describe.hpp"
#include "dist/distribution_header.hpp"
#include "dist/frame.hpp"

#include <algorithm>
#include <cstdint>

using namespace erl;
using namespace erl::dist;

namespace {

void require(bool held) {
  if (!held)
    __builtin_trap();
}

std::optional<flag_set> common_of(std::uint8_t choice) {
  switch (choice & 3U) {
  case 0:
    return std::nullopt;
  case 1:
    return advertised(true) & ~header_flags;
  case 2:
    return advertised(true) & ~flags::dist_hdr_atom_cache;
  default:
    return advertised(true);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1)
    return 0;
  auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  frame_describer way(common_of(data[0]));
  const auto judge = [&](std::span<const std::byte> body, std::size_t length) {
    const std::string line = way.describe(body, length);
    require(!line.empty() && line.size() < 8 * size + 40'000);
    require(std::ranges::none_of(line, [](char c) {
      const auto code = static_cast<unsigned char>(c);
      return code < 32 || code == 127;
    }));
  };
  if ((data[0] & 4U) == 0) {
    judge(rest, rest.size() + data[0] / 8U);
    return 0;
  }
  while (!rest.empty()) { // frames of up to 255 bytes
    const auto length = std::to_integer<std::size_t>(rest[0]);
    const auto body = rest.subspan(1, std::min(length, rest.size() - 1));
    judge(body, body.size());
    rest = rest.subspan(1 + body.size());
  }
  return 0;
}
