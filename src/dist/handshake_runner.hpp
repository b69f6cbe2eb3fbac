/// For tests: drives a handshake machine with bytes in pieces and collects what it does.
#pragma once

#include "dist/handshake.hpp"

#include <concepts>
#include <vector>

namespace erl::dist::test_only {

/// What the owner of a machine would answer.
struct answers {
  handshake_decision decision{};
  bool still_wanted = true;
};

/// What a machine did with all the pieces.
struct outcome {
  handshake_action::kind last = handshake_action::more;
  std::vector<std::byte> sent; ///< all messages, with their length prefixes
  std::vector<std::byte> rest; ///< what it left over
  int replaced = 0;            ///< how often it said `replace_old`
  int decided = 0;
};

template <class Machine>
void run_piece(Machine& machine, bytes_view bytes, const answers& owner, outcome& result) {
  for (;;) {
    const auto action = machine.resume(bytes);
    result.last = action.what;
    switch (action.what) {
    case handshake_action::send:
      result.sent.insert(result.sent.end(), action.bytes.begin(), action.bytes.end());
      break;
    case handshake_action::decide:
      ++result.decided;
      if constexpr (std::same_as<Machine, acceptor>)
        machine.decide(owner.decision);
      break;
    case handshake_action::still_wanted:
      if constexpr (std::same_as<Machine, initiator>)
        machine.answer(owner.still_wanted);
      break;
    case handshake_action::replace_old:
      ++result.replaced;
      break;
    case handshake_action::more:
    case handshake_action::done:
    case handshake_action::failed:
      result.rest.assign(bytes.begin(), bytes.end());
      return;
    }
  }
}

/// Runs a machine over `pieces`. After `done` or `failed` further pieces are only collected as
/// `rest`.
template <class Machine>
outcome run(Machine& machine, const std::vector<std::vector<std::byte>>& pieces,
            const answers& owner = {}) {
  outcome result;
  run_piece(machine, bytes_view{}, owner, result);
  for (const auto& piece : pieces) {
    if (result.last == handshake_action::more)
      run_piece(machine, piece, owner, result);
    else
      result.rest.insert(result.rest.end(), piece.begin(), piece.end());
  }
  return result;
}

} // namespace erl::dist::test_only
