// A node that is kept busy with everything a runtime has to do, on real threads.
//
//   soak [--seconds=N] [--schedulers=N] [--seed=N] [--report=N]
//
// Actors do anything to anybody; scenes check that what they begin ends as it must. Every few
// seconds (--report) a line tells how it goes. When time is up all of them end, and nothing may be
// left: no process, link, monitor, alias, message or timer. In runs of a minute or more the memory
// may not have grown in the second half. Ends with status 1, and a line that says why, if anything
// is wrong. The seed makes the choices, and the machine the order in which they happen.
#include "actors.hpp"
#include "census.hpp"
#include "memory.hpp"
#include "runtime/system.hpp"
#include "scenes.hpp"
#include <erl/log.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace {

using namespace soak;
using namespace std::chrono_literals;

struct settings {
  std::uint64_t seconds = 10;
  std::uint64_t schedulers = 2;
  std::uint64_t seed = 1;
  std::uint64_t report = 5;
};

bool parse(int count, char** words, settings& to) {
  const auto number = [](std::string_view word, std::string_view name, std::uint64_t& value) {
    if (!word.starts_with(name))
      return false;
    word.remove_prefix(name.size());
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc() && end == word.data() + word.size();
  };
  for (int i = 1; i < count; ++i)
    if (!number(words[i], "--seconds=", to.seconds) &&
        !number(words[i], "--schedulers=", to.schedulers) &&
        !number(words[i], "--seed=", to.seed) && !number(words[i], "--report=", to.report))
      return false;
  return to.schedulers >= 1 && to.schedulers <= 32 && to.report >= 1;
}

/// How much more memory the second half of a run may need, for each scheduler. What is freed stays
/// with the program, so that it has as much as it ever needed at once, which still rises a little
/// when peaks happen to come together. If each process left a hundred bytes behind, this would be
/// reached within seconds.
constexpr double room_for_peaks = 2e6; // bytes

void begin(erl::node& node, stage& all, std::uint64_t seed) {
  dice d(seed);
  const std::size_t share = call_board::size / all.schedulers;
  for (unsigned i = 0; i < all.schedulers; ++i) {
    const std::size_t first = i * share;
    node.spawn_body(erl::make_body(keep_actors, &all, d.roll(), first, share / 2), i);
    for (const scene& each : scenes)
      node.spawn_body(erl::make_body(repeat, &all, d.roll(), each, i), i);
  }
}

/// Prints how it goes, until time is up or something is wrong.
std::vector<memory_sample> observe(stage& all, erl::runtime::system& system,
                                   const settings& wanted) {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  std::vector<memory_sample> samples;
  std::uint64_t messages = 0;
  std::uint64_t spawns = 0;
  for (std::uint64_t second = 1; second <= wanted.seconds && !all.over(); ++second) {
    std::this_thread::sleep_until(start + std::chrono::seconds(second));
    samples.push_back({static_cast<double>(second), resident_memory()});
    if (second % wanted.report != 0)
      continue;
    const auto rate = [&](const tally& now, std::uint64_t& before) {
      const std::uint64_t old = std::exchange(before, now.value());
      return static_cast<unsigned long long>((before - old) / wanted.report);
    };
    std::printf("%5llu s  %7.1f MB  %6llu processes  %8llu messages/s  %7llu spawns/s  %llu ends  "
                "%llu calls (%llu timed out)  %llu scenes  %llu dead letters\n",
                static_cast<unsigned long long>(second), samples.back().bytes / 1e6,
                static_cast<unsigned long long>(system.process_count.load()),
                rate(all.messages, messages), rate(all.spawns, spawns),
                static_cast<unsigned long long>(all.ends.value()),
                static_cast<unsigned long long>(all.calls.value()),
                static_cast<unsigned long long>(all.timeouts.value()),
                static_cast<unsigned long long>(all.rounds.value()),
                static_cast<unsigned long long>(system.dead_letters.load()));
    std::fflush(stdout);
  }
  return samples;
}

/// Waits until no more is left than there was at first.
void wait_for_the_end(stage& all, erl::runtime::system& system, const holdings& at_first) {
  const auto give_up = std::chrono::steady_clock::now() + 2min;
  for (;;) {
    const auto now = take_census(system);
    if (!now)
      return all.wrong("a scheduler does not answer");
    if (*now == at_first)
      return;
    if (std::chrono::steady_clock::now() > give_up)
      return all.wrong("left in the end: " + to_string(*now) +
                       "; at first: " + to_string(at_first));
    std::this_thread::sleep_for(20ms);
  }
}

void judge(stage& all, const settings& wanted, const std::vector<memory_sample>& samples) {
  const double growth = slope(samples) * static_cast<double>(wanted.seconds) / 2;
  std::printf("memory grew by %.2f MB in the second half\n", growth / 1e6);
  if (memory_is_judged && wanted.seconds >= 60 && growth > room_for_peaks * all.schedulers)
    all.wrong("memory grows: by " + std::to_string(growth / 1e6) + " MB in the second half");
}

} // namespace

int main(int count, char** words) {
  settings wanted;
  if (!parse(count, words, wanted)) {
    std::fputs("usage: soak [--seconds=N] [--schedulers=N] [--seed=N] [--report=N]\n", stderr);
    return 2;
  }
  erl::log::set_level(erl::log::level::off);
  stage all(static_cast<unsigned>(wanted.schedulers));
  erl::node node({.schedulers = all.schedulers});
  if (const auto started = node.start(); !started) {
    std::fprintf(stderr, "soak: %s\n", started.error().message.c_str());
    return 1;
  }
  auto& system = system_of(node);
  const holdings at_first{.processes = 3, .names = 3}; // net_kernel, rex and user
  wait_for_the_end(all, system, at_first);
  begin(node, all, wanted.seed);
  const auto samples = observe(all, system, wanted);
  all.stop();
  wait_for_the_end(all, system, at_first);
  if (all.first_wrong().empty())
    judge(all, wanted, samples);
  if (const std::string wrong = all.first_wrong(); !wrong.empty()) {
    std::fprintf(stderr, "soak: %s (seed %llu, %u schedulers)\n", wrong.c_str(),
                 static_cast<unsigned long long>(wanted.seed), all.schedulers);
    std::quick_exit(1); // a scheduler that hangs would keep the node from stopping
  }
  std::printf("all is well, and nothing is left\n");
  return 0;
}
