// Feeds arbitrary bytes to the frame reader and the control decoder; what decodes has to survive
// being encoded again.
#include "dist/control.hpp"
#include "dist/frame.hpp"

#include <algorithm>
#include <cstdint>

using namespace erl;
using namespace erl::dist;

namespace {

void judge(std::span<const std::byte> body, const control_context& context) {
  const auto message = decode_control(body, context);
  if (!message) {
    if (message.error().text.empty() || message.error().text.size() > 4096)
      __builtin_trap();
    return;
  }
  std::vector<std::byte> again;
  if (!encode_control(*message, context.common, again))
    return;
  const auto second = decode_control(again, context);
  if (!second || second->kind != message->kind || second->to != message->to ||
      second->ref != message->ref || second->id != message->id ||
      !exactly_equal(second->payload, message->payload))
    __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const atom self("peer27@localhost");
  static const atom peer("py@localhost");
  if (size < 1)
    return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  control_context context{.self = self,
                          .creation = 0x6b02209c,
                          .peer = peer,
                          .common = (data[0] & 1U) != 0 ? advertised(true) : flags::mandatory_25};
  context.decode.new_atoms = 4;
  if ((data[0] & 2U) == 0) {
    judge(bytes, context);
    return 0;
  }
  frame_reader reader(4096);
  auto rest = bytes;
  while (!rest.empty()) {
    const auto space = reader.space(64);
    const auto part =
        rest.first(std::min({rest.size(), space.size(), std::size_t{1} + data[0] / 4U}));
    std::ranges::copy(part, space.begin());
    reader.filled(part.size());
    rest = rest.subspan(part.size());
    for (auto frame = reader.next(); frame.what != frame_reader::outcome::more;
         frame = reader.next()) {
      if (frame.what == frame_reader::outcome::too_long)
        return 0;
      judge(frame.body, context);
    }
    if (reader.capacity() > 3 * size + 4096)
      __builtin_trap();
  }
  return 0;
}
