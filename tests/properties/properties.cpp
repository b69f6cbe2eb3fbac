// What Erlang guarantees, checked on random runs of simulated clusters.
//
//   properties [--large] [--seeds=FROM..TO] [--commands=N] [--faults]
//
// Each seed makes a cluster, commands and the order in which everything happens. Ends with status 1
// at the first seed that fails, after the shortest list of commands that fails in the same way (the
// shortest that could be found within a minute). --large: two nodes of 200 processes each, instead
// of a few processes on one to three nodes. A hundred seeds or more must have brought up everything
// that such runs are for. --faults plants a fault against each invariant in turn, and ends with
// status 1 if one is not found.
#include "run.hpp"
#include <erl/log.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace {

using namespace properties;

struct settings {
  form size = form::small;
  std::uint64_t from = 1;
  std::uint64_t to = 0;       ///< 0: as many seeds as take a few seconds
  std::uint64_t commands = 0; ///< 0: as many as are usual
  bool faults = false;
};

bool number(std::string_view text, std::uint64_t& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse(int count, char** words, settings& to) {
  for (int i = 1; i < count; ++i) {
    std::string_view word = words[i];
    if (word == "--faults") {
      to.faults = true;
    } else if (word == "--large") {
      to.size = form::large;
    } else if (word.starts_with("--commands=")) {
      if (!number(word.substr(11), to.commands) || to.commands == 0)
        return false;
    } else if (word.starts_with("--seeds=")) {
      word.remove_prefix(8);
      const std::size_t dots = word.find("..");
      if (dots == std::string_view::npos || !number(word.substr(0, dots), to.from) ||
          !number(word.substr(dots + 2), to.to) || to.from > to.to)
        return false;
    } else {
      return false;
    }
  }
  const bool large = to.size == form::large;
  if (to.to == 0)
    to.to = large ? 500 : 2000;
  if (to.commands == 0)
    to.commands = large ? 1000 : 200;
  return true;
}

std::uint64_t seed_under_way = 0;

/// A crash says at least where.
void name_seed(int signal) {
  std::fprintf(stderr, "crashed with seed %llu\n", static_cast<unsigned long long>(seed_under_way));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::optional<violation> fails(std::uint64_t seed, const std::vector<command>& commands,
                               const kind& what, tally& counted) {
  seed_under_way = seed;
  try {
    const std::uint64_t trace = run(seed, commands, what, counted);
    if (what.planted == invariant::reproducible || seed % 100 == 0)
      if (run(seed, commands, what, counted) != trace)
        return violation(invariant::reproducible, "a second run went another way");
  } catch (const violation& v) {
    return v;
  } catch (const std::exception& unexpected) {
    return violation(invariant::none, unexpected.what());
  }
  return std::nullopt;
}

/// Leaves out what is not needed to fail, in ever smaller pieces.
std::vector<command> shrink(std::uint64_t seed, std::vector<command> commands, form size,
                            invariant which) {
  const auto late = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  tally unused;
  for (std::size_t piece = commands.size() / 2; piece > 0; piece /= 2)
    for (std::size_t at = 0; at < commands.size();) {
      if (std::chrono::steady_clock::now() > late)
        return commands;
      std::vector<command> fewer = commands;
      const auto first = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(first, first + static_cast<std::ptrdiff_t>(std::min(piece, fewer.size() - at)));
      if (const auto v = fails(seed, fewer, {.size = size}, unused); v && v->which == which)
        commands = std::move(fewer);
      else
        at += piece;
    }
  return commands;
}

unsigned long long printable(std::uint64_t number) { return number; }

/// False: something that the runs are for has not come up.
bool everything_came_up(const settings& wanted, const tally& counted) {
  struct count {
    const char* what;
    std::uint64_t number;
    bool only_large;
  };
  const std::array counts{
      count{"messages", counted.messages, false},
      count{"large messages from other nodes", counted.large_messages, true},
      count{"ends heard of", counted.ends_heard, false},
      count{"ends with a connection", counted.connections_lost, false},
      count{"suspended senders", counted.suspended, true},
      count{"sends refused for the sake of the sender", counted.nosuspend, true},
      count{"processes started from afar", counted.spawned_there, true},
      count{"processes that could not be", counted.not_spawned, true},
  };
  bool all = true;
  for (const count& each : counts) {
    if (each.only_large && wanted.size != form::large)
      continue;
    std::printf("  %12llu %s\n", printable(each.number), each.what);
    all = all && each.number != 0;
  }
  constexpr std::uint64_t enough = 100;
  if (!all && wanted.to - wanted.from + 1 >= enough) {
    std::puts("what counts 0 should have come up");
    return false;
  }
  return true;
}

int check_seeds(const settings& wanted) {
  const char* const option = wanted.size == form::large ? " --large" : "";
  tally counted;
  for (std::uint64_t seed = wanted.from; seed <= wanted.to; ++seed) {
    const auto commands = generate(seed, wanted.commands, wanted.size);
    const auto v = fails(seed, commands, {.size = wanted.size}, counted);
    if (!v)
      continue;
    std::printf("seed %llu fails: %s\n", printable(seed), v->what());
    for (const command& c : shrink(seed, commands, wanted.size, v->which))
      std::printf("  %s\n", to_string(c).c_str());
    std::printf("again: properties%s --seeds=%llu..%llu --commands=%llu\n", option, printable(seed),
                printable(seed), printable(wanted.commands));
    return 1;
  }
  std::printf("seeds %llu to %llu of %llu commands: all hold\n", printable(wanted.from),
              printable(wanted.to), printable(wanted.commands));
  return everything_came_up(wanted, counted) ? 0 : 1;
}

int plant_faults(const settings& wanted) {
  int missed = 0;
  for (auto which = invariant::link_symmetry; which <= invariant::reproducible;
       which = static_cast<invariant>(static_cast<int>(which) + 1)) {
    std::uint64_t seed = wanted.from;
    std::optional<violation> found;
    tally unused;
    const kind what{.size = wanted.size, .planted = which};
    for (; seed <= wanted.to && !found; ++seed)
      if (auto v = fails(seed, generate(seed, wanted.commands, wanted.size), what, unused);
          v && v->which == which)
        found = std::move(v);
    std::printf(
        "%-14s %s\n", name_of(which),
        found ? ("found after " + std::to_string(seed - wanted.from) + " seeds: " + found->what())
                    .c_str()
              : "NOT FOUND");
    missed += found ? 0 : 1;
  }
  return missed == 0 ? 0 : 1;
}

} // namespace

int main(int count, char** words) {
  settings wanted;
  if (!parse(count, words, wanted)) {
    std::fputs("usage: properties [--large] [--seeds=FROM..TO] [--commands=N] [--faults]\n",
               stderr);
    return 2;
  }
  erl::log::set_level(erl::log::level::off);
  for (const int fatal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE})
    std::signal(fatal, name_seed);
  return wanted.faults ? plant_faults(wanted) : check_seeds(wanted);
}
