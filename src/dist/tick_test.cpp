#include "dist/tick.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace erl;
using namespace erl::dist;
using namespace std::chrono_literals;
using verdict = ticker::verdict;

TEST_CASE("the interval is T/I, rounded up to a millisecond", "[tick]") {
  CHECK(tick_options{}.interval() == 15s);
  CHECK(tick_options{.time = 1001ms, .intensity = 4}.interval() == 251ms);
  CHECK(tick_options{.time = 60s, .intensity = 1}.interval() == 15s);
}

TEST_CASE("a silent link ticks at every check, and dies when nothing came in I checks", "[tick]") {
  ticker ticks({.time = 4s, .intensity = 4}, true);
  traffic counters;
  for (int i = 0; i < 3; ++i) {
    CHECK(ticks.check(counters) == verdict::send_tick);
    counters.written += 4;
  }
  CHECK(ticks.check(counters) == verdict::dead);
}

TEST_CASE("any byte read starts the count anew", "[tick]") {
  ticker ticks({.time = 4s, .intensity = 4}, false);
  traffic counters;
  for (int i = 0; i < 20; ++i) {
    if (i % 3 == 0)
      ++counters.read;
    CHECK(ticks.check(counters) != verdict::dead);
  }
}

TEST_CASE("traffic of our own makes ticks to a visible peer needless", "[tick]") {
  ticker ticks({.time = 4s, .intensity = 4}, false);
  traffic counters{.read = 1, .written = 100};
  CHECK(ticks.check(counters) == verdict::idle);
  ++counters.read;
  CHECK(ticks.check(counters) == verdict::send_tick);
}

TEST_CASE("a hidden peer gets a tick whenever it was silent", "[tick]") {
  ticker ticks({.time = 4s, .intensity = 4}, true);
  CHECK(ticks.check({.read = 0, .written = 100}) == verdict::send_tick);
}

TEST_CASE("no tick is added behind output that waits", "[tick]") {
  ticker ticks({.time = 4s, .intensity = 4}, true);
  CHECK(ticks.check({.read = 0, .written = 0, .queue_empty = false}) == verdict::idle);
}

TEST_CASE("a tick is answered by a link that has been quiet for a second", "[tick]") {
  const time_point start{100s};
  CHECK(ticker::answers(start + 1s, start, true));
  CHECK_FALSE(ticker::answers(start + 900ms, start, true));
  CHECK_FALSE(ticker::answers(start + 10s, start, false));
}
