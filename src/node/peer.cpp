#include "node/peer.hpp"

namespace erl {

void peers::connection::replace_old(dist::link&) {
  if (peer* const p = table_.find(link.peer().name); p != nullptr && p->up != nullptr)
    table_.replace(*p);
}

/// The peer has a connection, and asks whether this attempt is meant to replace it.
bool peers::connection::still_wanted(dist::link&) {
  return owner == nullptr || owner->up == nullptr;
}

connection_info peers::peer::info(time_point now) const {
  const dist::link& link = up->link;
  const dist::link_counters counts = link.counters();
  const endpoint where = link.peer_address();
  return {.name = name,
          .address = where.address,
          .port = where.port,
          .incoming = incoming,
          .visible = visible,
          .age = now - up_since,
          .flags = link.peer().common,
          .flag_names = dist::flag_names(link.peer().common),
          .received = {.bytes = link.bytes_read(),
                       .frames = counts.frames_read,
                       .ticks = counts.ticks_read,
                       .fragments = counts.fragments_read,
                       .messages = counts.messages_read},
          .sent = {.bytes = link.bytes_written(),
                   .frames = counts.frames_written,
                   .ticks = counts.ticks_written,
                   .fragments = counts.fragments_written,
                   .messages = counts.messages_written},
          .waiting_bytes = link.queued_bytes(),
          .stopped_senders = blocked.size(),
          .stops = stops,
          .times_busy = times_busy,
          .busy_time = busy_time + (busy ? now - busy_since : duration{}),
          .unfinished_messages = counts.unfinished,
          .unfinished_bytes = counts.unfinished_bytes,
          .new_atoms = counts.new_atoms};
}

} // namespace erl
