/// Mailboxes that are full, or so long that somebody wants to know.
#include "base/log.hpp"
#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/system.hpp"
#include <erl/etf/print.hpp>

#include <algorithm>
#include <utility>

namespace erl::runtime {

namespace {
/// The longest that a process waits for room in a mailbox.
constexpr duration longest_wait = std::chrono::seconds(5);
/// How many messages more than twice the limit a mailbox takes from each scheduler: more than its
/// lane holds, so that nothing is lost of what comes before the senders there know that they have
/// to wait.
constexpr std::size_t grace = 20'000;
} // namespace

void process_block::set_limit(const mailbox_limit& chosen) {
  const bool blocked = limit.when_full == full_mailbox::block_sender;
  const bool blocks = chosen.when_full == full_mailbox::block_sender;
  if (blocked != blocks)
    owner_->owner().blocking_mailboxes += blocks ? 1 : -1;
  limit = chosen;
  update_attention();
}

void process_block::update_attention() {
  const auto& watched = owner_->watched_mailboxes();
  attention = limit.messages;
  if (!mailbox_is_long && watched.long_at != 0)
    attention = std::min(attention, watched.long_at);
}

void process_block::deliver_from_afar(term body) {
  if (inbox.size() >= attention) [[unlikely]]
    return crowded(detail::make_message(std::move(body), arriving_token()), true);
  enqueue(std::move(body), false);
}

/// A message has come, and as many wait as `attention` says.
void process_block::crowded(message m, bool from_afar) {
  const auto& watched = owner_->watched_mailboxes();
  if (!mailbox_is_long && watched.long_at != 0 && inbox.size() >= watched.long_at &&
      watched.watcher != self_) {
    mailbox_is_long = true;
    owner_->send({}, watched.watcher, to_term(mailbox_alarm{self_, "long_message_queue", true}));
    update_attention();
  }
  if (inbox.size() < limit.messages)
    return take_in(std::move(m));
  if (limit.when_full != full_mailbox::block_sender)
    return drop(std::move(m));
  if (from_afar || inbox.size() >= std::size_t{limit.messages} * 2 + grace * owner_->owner().size())
    return owner_->dead_letter(term(self_), m);
  take_in(std::move(m));
  somebody_waits();
  if (process_block* sender = owner_->running(); sender != nullptr && sender != this)
    sender->wait_for_room(self_);
}

void process_block::somebody_waits() {
  senders_wait = true;
  owner_->set_full(self_, true);
}

void process_block::drop(message m) {
  static const atom mailbox_full("mailbox_full");
  switch (limit.when_full) {
  case full_mailbox::block_sender:
  case full_mailbox::drop_newest:
    break;
  case full_mailbox::drop_oldest:
    if (const message oldest = inbox.take_oldest()) {
      take_in(std::move(m));
      return owner_->dead_letter(term(self_), oldest);
    }
    break;
  case full_mailbox::kill:
    if (terminate(term(mailbox_full)))
      log::limited("mailbox_full", log::level::error, "process", to_string(term(self_)),
                   " ends: its mailbox is full, ", inbox.size(), " messages");
  }
  owner_->dead_letter(term(self_), m);
}

void process_block::tell_of_room() {
  const auto& watched = owner_->watched_mailboxes();
  if (mailbox_is_long && inbox.size() <= watched.short_at) {
    mailbox_is_long = false;
    if (watched.long_at != 0)
      owner_->send({}, watched.watcher, to_term(mailbox_alarm{self_, "long_message_queue", false}));
    update_attention();
  }
  if (!senders_wait || inbox.size() > limit.messages / 2)
    return;
  senders_wait = false;
  owner_->set_full(self_, false);
  for (const pid& sender : std::exchange(extras().blocked_senders, {}))
    owner_->route({.kind = signal_kind::room, .from = self_, .to = sender});
}

void process_block::wait_for_room(const pid& receiver) {
  if (never_waits)
    return;
  budget = std::min(budget, 0);
  if (must_wait)
    return;
  auto wait = std::make_unique<room_wait>(*this, receiver);
  // The way to a node is free again, or lost, one day.
  if (owner_->owner().is_local(receiver))
    owner_->timers().arm(*wait, owner_->deadline_after(longest_wait));
  extras().waits_for_room = std::move(wait);
  must_wait = true;
}

void process_block::do_not_wait() {
  must_wait = false;
  if (auto* x = extras_if_any())
    x->waits_for_room.reset();
}

void process_block::room_has_come(const pid& receiver) {
  if (!must_wait || extras().waits_for_room->receiver != receiver)
    return;
  must_wait = false;
  extras().waits_for_room.reset();
  if (run_state == state::blocked && awaits != awaited::job)
    owner_->make_runnable(*this);
}

void room_wait::expired() { sender_.room_has_come(pid(receiver)); }

} // namespace erl::runtime
