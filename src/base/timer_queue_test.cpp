#include "base/timer_queue.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>

using erl::time_point;

namespace {

time_point at(std::int64_t ns) { return time_point{erl::duration{ns}}; }

struct test_timer final : erl::timer {
  std::function<void()> action = [] {};
  void expired() override {
    auto f = action; // the action may destroy this timer
    f();
  }
};

// What the queue must do, written as plainly as possible.
struct naive_model {
  struct entry {
    std::size_t id;
    time_point deadline;
    int order;
  };
  std::vector<entry> armed;
  int next_order = 0;

  void cancel(std::size_t id) {
    std::erase_if(armed, [&](const entry& e) { return e.id == id; });
  }
  void arm(std::size_t id, time_point deadline) {
    cancel(id);
    armed.push_back({id, deadline, next_order++});
  }
  std::vector<std::size_t> expire(time_point now) {
    std::vector<entry> due;
    std::ranges::copy_if(armed, std::back_inserter(due),
                         [&](const entry& e) { return e.deadline <= now; });
    std::erase_if(armed, [&](const entry& e) { return e.deadline <= now; });
    std::ranges::sort(due, {}, [](const entry& e) { return std::pair{e.deadline, e.order}; });
    std::vector<std::size_t> ids;
    for (const entry& e : due) {
      ids.push_back(e.id);
    }
    return ids;
  }
  time_point next() const {
    auto least = time_point::max();
    for (const entry& e : armed) {
      least = std::min(least, e.deadline);
    }
    return least;
  }
};

// The sum, at the ends of time if it is beyond them.
std::int64_t plus(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    sum =
        b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
  }
  return sum;
}

// Timers that do random things when they expire, in a queue and in a model of it.
struct random_world {
  explicit random_world(std::uint64_t seed, std::size_t how_many) : random(seed), timers(how_many) {
    for (std::size_t id = 0; id < timers.size(); ++id) {
      replace(id);
    }
  }

  // Of any order of magnitude up to 146 years.
  std::int64_t length() { return static_cast<std::int64_t>(random() >> (2 + random() % 62)); }
  std::size_t any() { return random() % timers.size(); }

  void replace(std::size_t id) {
    timers[id] = std::make_unique<test_timer>();
    timers[id]->action = [this, id] { expired(id); };
    forget(id);
  }
  void forget(std::size_t id) {
    std::erase_if(armed, [&](const auto& each) { return each.second == id; });
    std::erase(due, id);
  }
  void arm(std::size_t id, std::int64_t deadline) {
    queue.arm(*timers[id], at(deadline));
    forget(id);
    armed.emplace(at(deadline), id); // behind its equals
    REQUIRE(timers[id]->armed());
    REQUIRE(timers[id]->deadline() == at(deadline));
  }
  void do_anything() {
    const std::size_t id = any();
    switch (random() % 8) {
    case 0:
      queue.cancel(*timers[id]);
      forget(id);
      REQUIRE_FALSE(timers[id]->armed());
      break;
    case 1:
      replace(id);
      break;
    case 2:
      arm(id, plus(now, -length()));
      break;
    case 3:
      if (!armed.empty()) { // an equal, or a neighbour
        const auto other = std::next(armed.begin(), static_cast<int>(random() % armed.size()));
        const auto deadline = other->first.time_since_epoch().count();
        arm(id, plus(deadline, static_cast<std::int64_t>(random() % 3) - 1));
      }
      break;
    default:
      arm(id, plus(now, length()));
    }
  }
  void expired(std::size_t id) {
    REQUIRE(!due.empty());
    REQUIRE(due.front() == id);
    due.pop_front();
    ++fired;
    for (auto what = random() % 4; what != 0; --what) {
      do_anything();
    }
    check();
  }
  void expire() {
    const auto end = armed.upper_bound(at(now));
    for (auto each = armed.begin(); each != end; ++each) {
      due.push_back(each->second);
    }
    armed.erase(armed.begin(), end);
    fired = 0;
    const std::size_t count = queue.expire(at(now));
    REQUIRE(count == fired);
    REQUIRE(due.empty());
    check();
  }
  void check() {
    REQUIRE(queue.size() == armed.size() + due.size());
    const auto least = armed.empty() ? time_point::max() : armed.begin()->first;
    if (timers.size() <= 64) {
      REQUIRE(queue.next() == least);
    } else {
      REQUIRE(queue.next() <= least);
      REQUIRE((queue.next() > at(now) || least <= at(now)));
    }
  }

  std::mt19937_64 random;
  erl::timer_queue queue;
  std::vector<std::unique_ptr<test_timer>> timers;
  std::multimap<time_point, std::size_t> armed;
  std::deque<std::size_t> due;
  std::int64_t now = 0;
  std::size_t fired = 0;
};

} // namespace

TEST_CASE("timers that arm, move, cancel and destroy each other agree with a model, far and near") {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    CAPTURE(seed);
    random_world world{seed, seed % 3 == 0 ? 200U : 30U};
    // From the epoch, before it, and far behind it.
    world.now = static_cast<std::int64_t>(seed % 4 == 0 ? 0 : world.random()) / 2;
    for (int step = 0; step < 400; ++step) {
      if (world.random() % 5 != 0) {
        world.do_anything();
      } else if (world.random() % 3 != 0) {
        world.now = plus(world.now, world.length() / 1024);
        world.expire();
      } else { // to a deadline, or just before it
        const std::int64_t next = world.queue.next().time_since_epoch().count();
        const std::int64_t before = static_cast<std::int64_t>(world.random() % 2);
        if (next != std::numeric_limits<std::int64_t>::max()) {
          world.now = std::max(world.now, plus(next, -before));
        }
        world.expire();
      }
      world.check();
    }
  }
}

TEST_CASE("a timer expires at its deadline and not a nanosecond before, at every edge of a slot") {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63},
                                   std::int64_t{1} << 20, (std::int64_t{1} << 48) - 1}) {
    for (int bit = 0; bit < 62; ++bit) {
      for (const std::int64_t edge : {-1, 0, 1}) {
        for (const bool from_zero : {false, true}) {
          const std::int64_t length = (std::int64_t{1} << bit) + edge;
          const std::int64_t deadline = from_zero ? length : start + length;
          if (deadline <= start) {
            continue;
          }
          CAPTURE(start, deadline);
          erl::timer_queue queue;
          queue.expire(at(start));
          test_timer before;
          test_timer t;
          test_timer behind;
          queue.arm(behind, at(deadline + 1));
          queue.arm(t, at(deadline));
          queue.arm(before, at(deadline - 1));
          REQUIRE(queue.next() == at(deadline - 1));
          REQUIRE(queue.expire(at(deadline - 1)) == 1);
          REQUIRE(!before.armed());
          REQUIRE(queue.next() == at(deadline));
          REQUIRE(queue.expire(at(deadline)) == 1);
          REQUIRE(!t.armed());
          REQUIRE(queue.next() == at(deadline + 1));
          REQUIRE(queue.expire(at(std::numeric_limits<std::int64_t>::max())) == 1);
        }
      }
    }
  }
}

TEST_CASE("the ends of time are deadlines like others") {
  erl::timer_queue queue;
  test_timer first;
  test_timer last;
  queue.arm(last, time_point::max());
  CHECK(queue.next() == time_point::max());
  queue.arm(first, time_point::min());
  CHECK(queue.next() == time_point::min());
  CHECK(queue.expire(time_point::min()) == 1);
  CHECK(queue.expire(time_point::max() - erl::duration{1}) == 0);
  CHECK(last.armed());
  CHECK(queue.expire(time_point::max()) == 1);
  CHECK(queue.size() == 0);
}

TEST_CASE("a delay begins when the queue is told the time") {
  erl::timer_queue queue;
  std::vector<test_timer> timers(4);
  queue.expire(at(100));
  queue.arm_in(timers[0], erl::duration(50));
  queue.arm_in(timers[1], erl::duration(20));
  queue.arm_in(timers[2], erl::duration::max());
  queue.arm_in(timers[3], erl::duration(10));
  CHECK(queue.size() == 4);
  queue.cancel(timers[3]);
  CHECK(queue.size() == 3);
  CHECK(queue.expire(at(1000)) == 0);
  REQUIRE(queue.unsettled());
  queue.settle(at(1000));
  CHECK(!queue.unsettled());
  CHECK(queue.size() == 3);
  CHECK(queue.next() == at(1020));
  CHECK(timers[0].deadline() == at(1050));
  CHECK(timers[2].deadline() == time_point::max());
  queue.arm_in(timers[1], erl::duration(90)); // as with `arm`, an armed timer is moved
  queue.settle(at(1001));
  CHECK(queue.expire(at(1060)) == 1);
  CHECK(queue.next() == at(1091));
}

TEST_CASE("timers armed late expire in order of deadline, before the others") {
  erl::timer_queue queue;
  queue.expire(at(100));
  std::vector<int> fired;
  std::vector<test_timer> timers(5);
  int number = 0;
  for (const std::int64_t deadline : {101, 100, 50, 100, -7}) {
    test_timer& t = timers[static_cast<std::size_t>(number)];
    t.action = [&fired, number] { fired.push_back(number); };
    queue.arm(t, at(deadline));
    ++number;
  }
  CHECK(queue.next() == at(-7));
  CHECK(queue.expire(at(101)) == 5);
  CHECK(fired == std::vector{4, 2, 1, 3, 0});
}

TEST_CASE("a clock that goes back makes nothing expire early or out of order") {
  erl::timer_queue queue;
  queue.expire(at(5000));
  test_timer late;
  test_timer early;
  queue.arm(late, at(5010));
  CHECK(queue.expire(at(0)) == 0);
  queue.arm(early, at(2000));
  CHECK(queue.expire(at(900)) == 0);
  CHECK(queue.next() == at(2000));
  CHECK(queue.expire(at(2000)) == 1);
  CHECK(late.armed());
  CHECK(queue.next() == at(5010));
  CHECK(queue.expire(at(5010)) == 1);
}

TEST_CASE("whoever sleeps until the next deadline wakes up too early once at most") {
  const auto hour = std::chrono::duration_cast<erl::duration>(std::chrono::hours(1));
  for (const std::size_t how_many : {1U, 64U, 1000U}) {
    erl::timer_queue queue;
    queue.expire(at(1'000'000'007));
    std::vector<test_timer> timers(how_many);
    for (test_timer& t : timers) {
      queue.arm(t, queue.size() % 2 == 0 ? at(2'000'000'000) + hour : at(2'000'000'000) + 2 * hour);
    }
    std::size_t left = how_many;
    int early = 0;
    while (left != 0) {
      const std::size_t expired = queue.expire(queue.next());
      early += expired == 0 ? 1 : 0;
      left -= expired;
    }
    CHECK(early <= (how_many <= 64 ? 0 : 1));
    CHECK(queue.next() == time_point::max());
  }
}

TEST_CASE("random arming, moving, cancelling and expiring agrees with a naive model") {
  std::mt19937 random{7};
  for (int round = 0; round < 50; ++round) {
    erl::timer_queue queue;
    naive_model model;
    std::vector<std::size_t> fired;
    std::vector<std::unique_ptr<test_timer>> timers(40);
    const auto replace = [&](std::size_t id) {
      timers[id] = std::make_unique<test_timer>();
      timers[id]->action = [&fired, id] { fired.push_back(id); };
    };
    for (std::size_t id = 0; id < timers.size(); ++id) {
      replace(id);
    }
    std::int64_t now = 0;
    for (int step = 0; step < 500; ++step) {
      const std::size_t id = random() % timers.size();
      switch (random() % 8) {
      case 0:
        queue.cancel(*timers[id]);
        model.cancel(id);
        break;
      case 1:
        replace(id); // destroys an armed or unarmed timer
        model.cancel(id);
        break;
      case 2: {
        now += static_cast<std::int64_t>(random() % 20);
        fired.clear();
        const auto expected = model.expire(at(now));
        REQUIRE(queue.expire(at(now)) == expected.size());
        REQUIRE(fired == expected);
        break;
      }
      default: {
        const auto deadline = at(now + static_cast<std::int64_t>(random() % 50) - 5);
        queue.arm(*timers[id], deadline);
        model.arm(id, deadline);
        REQUIRE(timers[id]->armed());
        REQUIRE(timers[id]->deadline() == deadline);
      }
      }
      REQUIRE(queue.size() == model.armed.size());
      REQUIRE(queue.next() == model.next());
    }
  }
}

TEST_CASE("timers of one deadline expire in the order of arming") {
  erl::timer_queue queue;
  std::vector<int> fired;
  std::vector<test_timer> timers(100);
  for (int i = 0; i < 100; ++i) {
    timers[static_cast<std::size_t>(i)].action = [&fired, i] { fired.push_back(i); };
    queue.arm(timers[static_cast<std::size_t>(i)], at(5));
  }
  CHECK(queue.expire(at(4)) == 0);
  CHECK(queue.expire(at(5)) == 100);
  CHECK(std::ranges::is_sorted(fired));
}

TEST_CASE("a timer that re-arms itself for now expires once a call") {
  erl::timer_queue queue;
  test_timer again;
  int count = 0;
  again.action = [&] {
    ++count;
    CHECK_FALSE(again.armed());
    queue.arm(again, at(1));
  };
  queue.arm(again, at(0));
  CHECK(queue.expire(at(10)) == 1);
  CHECK(queue.expire(at(10)) == 1);
  CHECK(count == 2);
  CHECK(queue.size() == 1);
}

TEST_CASE("a callback may cancel, move and destroy timers that are due in the same call") {
  erl::timer_queue queue;
  std::vector<int> fired;
  test_timer first;
  test_timer cancelled;
  test_timer moved;
  auto destroyed = std::make_unique<test_timer>();
  test_timer last;
  cancelled.action = [&] { fired.push_back(2); };
  moved.action = [&] { fired.push_back(3); };
  destroyed->action = [&] { fired.push_back(4); };
  last.action = [&] { fired.push_back(5); };
  first.action = [&] {
    fired.push_back(1);
    CHECK(queue.size() == 4);
    queue.cancel(cancelled);
    queue.arm(moved, at(20));
    destroyed.reset();
    CHECK(queue.size() == 2);
    CHECK(queue.next() == at(20));
  };
  queue.arm(first, at(1));
  queue.arm(cancelled, at(2));
  queue.arm(moved, at(3));
  queue.arm(*destroyed, at(4));
  queue.arm(last, at(5));
  CHECK(queue.expire(at(10)) == 2);
  CHECK(fired == std::vector{1, 5});
  CHECK(queue.next() == at(20));
  CHECK(queue.expire(at(20)) == 1);
  CHECK(fired == std::vector{1, 5, 3});
}

TEST_CASE("a timer may destroy itself when it expires") {
  erl::timer_queue queue;
  auto owned = std::make_unique<test_timer>();
  owned->action = [&] { owned.reset(); };
  queue.arm(*owned, at(1));
  CHECK(queue.expire(at(1)) == 1);
  CHECK(owned == nullptr);
  CHECK(queue.size() == 0);
  CHECK(queue.next() == time_point::max());
}

TEST_CASE("arming in another queue leaves the first one") {
  erl::timer_queue one;
  erl::timer_queue two;
  test_timer t;
  one.arm(t, at(1));
  two.arm(t, at(2));
  CHECK(one.size() == 0);
  CHECK(two.size() == 1);
}
