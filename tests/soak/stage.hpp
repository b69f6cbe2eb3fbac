/// What all processes of a soak test share. Every member may be used from any thread, and orders
/// nothing: the threads under test must not be synchronised by their test.
#pragma once

#include <erl/erl.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace soak {

using erl::duration;
using erl::pid;
using erl::process;
using erl::reference;
using erl::task;
using erl::term;

/// Random numbers from a seed (splitmix64), in eight bytes.
class dice {
public:
  explicit dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t roll() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
  }
  /// 0 to `limit` - 1.
  std::uint64_t below(std::uint64_t limit) { return roll() % limit; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  duration up_to(duration most) {
    return duration(below(static_cast<std::uint64_t>(most.count()) + 1));
  }

private:
  std::uint64_t state_;
};

class tally {
public:
  void add(std::uint64_t count = 1) { count_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return count_.load(std::memory_order_relaxed); }

private:
  alignas(64) std::atomic<std::uint64_t> count_{0};
};

/// Pids that anybody may do anything to. Some have ended, and some have not begun.
class call_board {
public:
  static constexpr std::size_t size = 256;
  void put(std::size_t place, const pid& who) {
    places_[place % size].store(std::uint64_t{who.serial} << 32 | who.id,
                                std::memory_order_relaxed);
  }
  /// As seen by `self`, on the same node.
  pid pick(dice& d, const pid& self) const {
    const std::uint64_t found = places_[d.below(size)].load(std::memory_order_relaxed);
    return {self.node, static_cast<std::uint32_t>(found), static_cast<std::uint32_t>(found >> 32),
            self.creation};
  }

private:
  std::array<std::atomic<std::uint64_t>, size> places_{};
};

class stage {
public:
  explicit stage(unsigned count) : schedulers(count) {}

  const unsigned schedulers;
  call_board board;

  tally messages; ///< sent
  tally spawns;
  tally ends; ///< that somebody heard of
  tally calls;
  tally timeouts; ///< of calls
  tally rounds;   ///< of scenes

  /// Everybody ends soon once this is true.
  bool over() const { return over_.load(std::memory_order_relaxed); }
  void stop() { over_.store(true, std::memory_order_relaxed); }

  /// Something happened that must not. The first text is kept, and the test ends.
  void wrong(std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (first_wrong_.empty())
      first_wrong_ = text;
    stop();
  }
  /// Says that `what` was wrong unless `holds`, which it returns.
  bool expect(bool holds, std::string_view what) {
    if (!holds)
      wrong(what);
    return holds;
  }
  /// Empty if all is well.
  std::string first_wrong() const {
    const std::lock_guard lock(mutex_);
    return first_wrong_;
  }

  int any_scheduler(dice& d) const { return static_cast<int>(d.below(schedulers)); }

private:
  std::atomic<bool> over_{false};
  mutable std::mutex mutex_;
  std::string first_wrong_;
};

/// Starts a process on any scheduler.
template <class Function, class... Arguments>
erl::spawned start(process& self, stage& all, dice& d, erl::spawn_options options,
                   Function function, Arguments... arguments) {
  options.scheduler = all.any_scheduler(d);
  all.spawns.add();
  return self.spawn_body(erl::make_body(std::move(function), std::move(arguments)...), options);
}

} // namespace soak
