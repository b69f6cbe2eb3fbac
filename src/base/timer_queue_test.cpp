#include "base/timer_queue.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <functional>
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

} // namespace

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
