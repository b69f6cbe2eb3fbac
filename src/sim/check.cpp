#include <erl/sim.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace erl::sim {

namespace {

std::uint64_t number_in(const char* variable, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    throw failure(std::string(variable) + ": \"" + std::string(text) + "\" is not a number");
  return value;
}

/// The range that was asked for, or the one from the environment.
seed_range chosen(const seed_range& asked) {
  if (const char* one = std::getenv("ERLPP_SEED")) {
    const std::uint64_t seed = number_in("ERLPP_SEED", one);
    return {seed, seed};
  }
  if (const char* many = std::getenv("ERLPP_SEEDS")) {
    const std::string_view text = many;
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos)
      throw failure("ERLPP_SEEDS: a range looks like 1..1000");
    return {number_in("ERLPP_SEEDS", text.substr(0, dots)),
            number_in("ERLPP_SEEDS", text.substr(dots + 2))};
  }
  return asked;
}

std::uint64_t run(std::uint64_t seed, void (*test)(void*, world&), void* context) {
  world fresh(seed);
  test(context, fresh);
  return fresh.trace();
}

} // namespace

void check(const seed_range& seeds, void (*test)(void*, world&), void* context) {
  constexpr std::uint64_t repeated = 100;
  const seed_range range = chosen(seeds);
  if (range.from > range.to)
    throw failure("no seeds: the first is beyond the last");
  for (std::uint64_t seed = range.from; seed <= range.to; ++seed) {
    try {
      const std::uint64_t trace = run(seed, test, context);
      if ((seed - range.from) % repeated == 0 && run(seed, test, context) != trace)
        throw failure("the run cannot be repeated: something in it does not come from the seed");
    } catch (...) {
      std::fprintf(stderr, "seed %llu fails; ERLPP_SEED=%llu runs it alone\n",
                   static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seed));
      throw;
    }
    if (seed == range.to)
      break; // ++ would overflow after the last one of all
  }
}

} // namespace erl::sim
