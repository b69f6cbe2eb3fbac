#include "node/connection_counts.hpp"

namespace erl {

std::uint64_t& count_of(connection_failures& all, const dist::link_closed& how) {
  using enum dist::handshake_errc;
  if (how.reason == dist::close_reason::unreachable)
    return all.unreachable;
  if (how.reason != dist::close_reason::handshake_failed)
    return all.other;
  switch (how.handshake) {
  case malformed:
  case message_too_long:
    return all.malformed;
  case bad_name:
  case wrong_peer:
  case name_not_assigned:
    return all.bad_name;
  case flags_missing:
    return all.flags_missing;
  case not_allowed:
    return all.not_allowed;
  case simultaneous:
  case abandoned:
    return all.given_up;
  case wrong_cookie:
    return all.wrong_cookie;
  case reflected:
    return all.reflected;
  case refused: // see `peers::decide`
    return all.same_name;
  case peer_closed:
    return all.hung_up;
  case timed_out:
    return all.timed_out;
  case digest_unavailable:
    break;
  }
  return all.other;
}

std::uint64_t& count_of(connection_losses& all, dist::close_reason why) {
  using enum dist::close_reason;
  switch (why) {
  case peer_closed:
    return all.closed_by_peer;
  case tick_timeout:
    return all.silent;
  case protocol_error:
    return all.illegal_frame;
  case frame_too_long:
    return all.frame_too_long;
  case too_many_atoms:
    return all.too_many_atoms;
  case output_overflow:
    return all.output_overflow;
  case connection_lost:
  case unreachable:
  case handshake_failed:
    break;
  }
  return all.network;
}

} // namespace erl
