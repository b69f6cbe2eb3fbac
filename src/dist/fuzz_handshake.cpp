// Feeds arbitrary bytes, in arbitrary pieces, to both sides of the handshake.
#include "dist/handshake.hpp"

#include <algorithm>
#include <cstdint>

using namespace erl::dist;

namespace {

/// Runs a machine over `bytes`, cut as `cuts` says, and checks what must hold whatever arrives.
template <class Machine>
void run(Machine& machine, bytes_view bytes, std::uint8_t cuts, bool named) {
  const std::size_t step = 1 + cuts % 61U;
  std::size_t decisions = 0;
  for (bool over = false; !over;) {
    auto piece = bytes.first(std::min(bytes.size(), step));
    const auto size = piece.size();
    for (bool again = true; again;) {
      const auto action = machine.resume(piece);
      again = action.what != handshake_action::more;
      if constexpr (std::is_same_v<Machine, acceptor>) {
        if (action.what == handshake_action::decide) {
          if (++decisions > 1)
            __builtin_trap();
          if (named)
            machine.decide({.status = handshake_status::named, .name = "X@h", .creation = 4});
          else
            machine.decide(
                {.status = cuts % 2 != 0 ? handshake_status::ok : handshake_status::alive});
        }
      } else if (action.what == handshake_action::still_wanted) {
        machine.answer(cuts % 2 != 0);
      }
      if (action.what == handshake_action::failed && machine.error().text.empty())
        __builtin_trap();
      if (action.what == handshake_action::done || action.what == handshake_action::failed)
        return;
    }
    if (!piece.empty())
      __builtin_trap();
    bytes = bytes.subspan(size);
    over = bytes.empty();
  }
  (void)machine.closed_by_peer();
  (void)machine.out_of_time();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2)
    return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(2);
  handshake_options options{.name = "b@h", .creation = 9, .cookie = "cookie", .challenge = 12345};
  options.prefix_bytes = (data[1] & 1U) != 0 ? 4 : 2;
  const bool named = (data[1] & 2U) != 0;
  acceptor in(options);
  run(in, bytes, data[0], named);
  if (named) {
    options.name = "h";
    options.flags |= flags::name_me;
  }
  initiator out(options, "a@h");
  run(out, bytes, data[0], named);
  return 0;
}
