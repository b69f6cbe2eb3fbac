// Feeds arbitrary bytes to the frame reader, the reader of headers, atom references and fragments,
// and the control decoder; what decodes has to survive being encoded again.
#include "dist/control.hpp"
#include "dist/frame.hpp"
#include "dist/message_fixture.hpp"

#include <algorithm>
#include <cstdint>

using namespace erl;
using namespace erl::dist;

namespace {

void require(bool held) {
  if (!held)
    __builtin_trap();
}

/// One connection with a peer that says anything.
class session {
public:
  explicit session(const control_context& context)
      : context_(context), reader_(context.common, limits_), again_(context.common) {
    context_.budget = &budget_;
  }

  /// False: the connection is closed.
  bool judge(std::span<const std::byte> body, std::size_t piece = SIZE_MAX) {
    const auto found = test_only::read_in_pieces(reader_, body, piece, budget_);
    require(reader_.unfinished_bytes() <= limits_.unfinished_bytes);
    require(reader_.unfinished() <= limits_.unfinished_messages);
    if (!found) {
      require(!found.error().text.empty());
      return false;
    }
    if (found->what == message_reader::outcome::part)
      return true;
    const auto message = decode_control(found->message, context_);
    if (!message) {
      require(!message.error().text.empty() && message.error().text.size() <= 4096);
      return false;
    }
    encode_again(*message);
    return true;
  }

private:
  void encode_again(const control_message& message) {
    if (!again_.writer.write(control_message(message)))
      return;
    int count = 0;
    for (auto frames = again_.frames(); !frames.empty(); frames = again_.frames())
      for (const auto& frame : frames) {
        const auto found = again_.reader.read(frame, again_.budget);
        require(found.has_value());
        if (found->what == message_reader::outcome::part)
          continue;
        ++count;
        const auto second = decode_control(found->message, context_);
        require(second && second->kind == message.kind && second->to == message.to &&
                second->ref == message.ref && second->id == message.id &&
                exactly_equal(second->payload, message.payload));
      }
    require(count == 1);
  }

  static constexpr connection_limits limits_{.unfinished_bytes = 2048, .unfinished_messages = 4};
  control_context context_;
  atom_budget budget_{.left = 4};
  message_reader reader_;
  test_only::one_way again_;
};

flag_set common_of(std::uint8_t choice) {
  switch (choice & 3U) {
  case 0:
    return flags::mandatory_25;
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
  static const atom self("peer27@localhost");
  static const atom peer("py@localhost");
  if (size < 1)
    return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  session connection(
      {.self = self, .creation = 0x6b02209c, .peer = peer, .common = common_of(data[0])});
  if ((data[0] & 4U) == 0) {
    connection.judge(bytes);
    return 0;
  }
  frame_reader reader(4096);
  auto rest = bytes;
  while (!rest.empty()) {
    const auto space = reader.space(64);
    const auto part =
        rest.first(std::min({rest.size(), space.size(), std::size_t{1} + data[0] / 8U}));
    std::ranges::copy(part, space.begin());
    reader.filled(part.size());
    rest = rest.subspan(part.size());
    for (auto frame = reader.next(); frame.what != frame_reader::outcome::more;
         frame = reader.next()) {
      if (frame.what == frame_reader::outcome::too_long)
        return 0;
      if (!frame.body.empty() && !connection.judge(frame.body, (data[0] & 8U) != 0 ? 5 : SIZE_MAX))
        return 0;
    }
    if (reader.capacity() > 3 * size + 4096)
      __builtin_trap();
  }
  return 0;
}
