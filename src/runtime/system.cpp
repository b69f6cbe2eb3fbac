#include "runtime/system.hpp"

#include "base/signals_blocked.hpp"
#include "runtime/thread_pool.hpp"

#include <bit>
#include <stdexcept>

namespace erl::runtime {

system::system(identity self, std::uint32_t schedulers,
               const std::function<std::unique_ptr<driver>()>& make_driver)
    : identity_(self), blocking_(make_thread_pools({})) {
  constexpr std::uint32_t most =
      1U << (28 - 1 - process_table::index_bits); // what a pid's 28 bits leave room for
  if (schedulers == 0 || schedulers > most)
    throw std::invalid_argument("schedulers: between 1 and " + std::to_string(most));
  scheduler_bits_ = static_cast<std::uint32_t>(std::bit_width(schedulers - 1));
  scheduler_mask_ = (1U << scheduler_bits_) - 1;
  for (std::uint32_t number = 0; number < schedulers; ++number)
    schedulers_.push_back(std::make_unique<scheduler>(*this, number, make_driver()));
  for (auto& to : schedulers_)
    for (std::uint32_t from = 0; from < schedulers; ++from)
      to->incoming_.push_back(std::make_unique<lane<scheduler::lane_entry>>());
}

system::~system() { stop(); }

void system::shuffle() {
  std::random_device seed;
  while (shuffles_.size() < size())
    shuffles_.emplace_back(std::uint64_t{seed()} << 32 | seed());
  for (std::size_t i = 0; i < size(); ++i)
    at(i).shuffle(&shuffles_[i]);
}

void system::start() {
#ifdef ERLPP_SHUFFLE
  shuffle();
#endif
  if (watchdog_options_.on)
    watchdog_ = std::make_unique<watchdog>(*this, watchdog_options_);
  const signals_blocked none;
  for (auto& s : schedulers_)
    threads_.emplace_back([this, &here = *s] {
      if (watchdog_ != nullptr)
        watchdog_->attach(here);
      here.run();
      if (watchdog_ != nullptr)
        watchdog_->detach(here);
    });
  if (watchdog_ != nullptr)
    watchdog_->start();
}

void system::stop() {
  for (auto& s : schedulers_)
    s->stop();
  for (auto& t : threads_)
    t.join();
  threads_.clear();
  if (watchdog_ != nullptr)
    watchdog_->stop();
  blocking_->stop();
  for (auto& s : schedulers_)
    s->end_all_processes();
}

void system::watch_dead_letters(const pid& who, bool on) {
  const std::lock_guard lock(watchers_mutex_);
  if (on)
    watchers_.push_back(who);
  else
    std::erase(watchers_, who);
  watcher_count_.store(watchers_.size());
}

void system::watch_mailboxes(const mailbox_watch& how) {
  for (auto& each : schedulers_)
    each->post([&to = *each, how] { to.watch_mailboxes(how); });
}

void system::stop_watching_mailboxes(const pid& watcher) {
  for (auto& each : schedulers_)
    each->post([&to = *each, watcher] {
      if (to.watched_mailboxes().watcher == watcher)
        to.watch_mailboxes({});
    });
}

std::vector<pid> system::dead_letter_watchers() const {
  const std::lock_guard lock(watchers_mutex_);
  return watchers_;
}

std::optional<pid> system::whereis(atom name) const {
  const std::uint64_t found = names_.find(name);
  if (found == 0)
    return std::nullopt;
  return pid_of(found);
}

} // namespace erl::runtime
