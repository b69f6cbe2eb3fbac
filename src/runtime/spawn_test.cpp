#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <vector>

namespace {

using namespace erl;

const atom go("go");

task<> sleeper(process& self) { auto m = co_await self.receive(); }

/// Runs `use(process&)` as a process on scheduler 0, and settles.
template <class Use> void as_process(test::world& world, Use use) {
  world.spawn([use](process& self) -> task<> {
    const Use action = use;
    action(self);
    co_return;
  });
  world.settle();
}

} // namespace

TEST_CASE("a process can have a name from its start") {
  test::world world(2);
  pid here;
  pid there;
  as_process(world, [&](process& self) {
    here = self.spawn_body(make_body(sleeper), {.name = "here"}).process;
    there = self.spawn_body(make_body(sleeper), {.scheduler = 1, .name = "there"}).process;
    CHECK(self.whereis("here") == here);
    CHECK(self.whereis("there") == there);
    for (const int scheduler : {0, 1}) {
      const auto again = [&] {
        static_cast<void>(
            self.spawn_body(make_body(sleeper), {.scheduler = scheduler, .name = "here"}));
      };
      CHECK_THROWS_AS(again(), std::invalid_argument);
    }
  });
  CHECK(world.system.process_count == 2);
  as_process(world, [](process& self) {
    self.send("here", go);
    self.send("there", go);
  });
  CHECK(world.system.process_count == 0);
  as_process(world, [](process& self) {
    CHECK_FALSE(self.whereis("here"));
    CHECK_FALSE(self.whereis("there"));
  });
}

TEST_CASE("a process of another scheduler can be given a name, and lose it") {
  test::world world(2);
  const pid other = world.spawn_on(1, sleeper);
  as_process(world, [&](process& self) {
    CHECK(self.register_name("other", other));
    CHECK_FALSE(self.register_name("other", self.self()));
    CHECK(self.whereis("other") == other);
  });
  as_process(world, [&](process& self) {
    // It has a name already, which only its own scheduler knows.
    CHECK(self.register_name("second", other));
  });
  as_process(world, [&](process& self) {
    CHECK_FALSE(self.whereis("second"));
    CHECK(self.unregister_name("other"));
    CHECK_FALSE(self.whereis("other"));
    CHECK_FALSE(self.unregister_name("other"));
  });
  as_process(world, [&](process& self) { CHECK(self.register_name("third", other)); });
  as_process(world, [&](process& self) { self.send("third", go); });
  as_process(world, [&](process& self) {
    CHECK_FALSE(self.whereis("third"));
    // It has ended, which only its own scheduler knows.
    CHECK(self.register_name("fourth", other));
  });
  as_process(world, [&](process& self) { CHECK_FALSE(self.whereis("fourth")); });
}

TEST_CASE("a name that is given and taken back before its owner hears of it is free") {
  test::world world(2);
  const pid other = world.spawn_on(1, sleeper);
  as_process(world, [&](process& self) {
    CHECK(self.register_name("n", other));
    CHECK(self.unregister_name("n"));
    CHECK(self.register_name("m", other));
  });
  as_process(world, [&](process& self) { CHECK(self.whereis("m") == other); });
}

TEST_CASE("processes are spread over the schedulers when any will do") {
  test::world world(3);
  std::multiset<std::uint32_t> used;
  as_process(world, [&](process& self) {
    for (int i = 0; i < 9; ++i) {
      const auto child = self.spawn_body(make_body(sleeper), {.scheduler = any_scheduler});
      used.insert(world.system.owner_of(child.process).number());
    }
    const auto nowhere = [&](int scheduler) {
      static_cast<void>(self.spawn_body(make_body(sleeper), {.scheduler = scheduler}));
    };
    CHECK_THROWS_AS(nowhere(3), std::out_of_range);
    CHECK_THROWS_AS(nowhere(-3), std::out_of_range);
  });
  for (std::uint32_t scheduler = 0; scheduler < 3; ++scheduler)
    CHECK(used.count(scheduler) == 3);
}

TEST_CASE("high priority runs before normal, and low in every eighth turn") {
  test::world world;
  std::vector<priority> order;
  const auto runner = [&order](process& self, priority& its, int& turns) -> task<> {
    for (int left = turns; left > 0; --left) {
      order.push_back(its);
      for (int i = 0; i < 5000; ++i)
        co_await self.yield(); // to the end of its slice
    }
  };
  as_process(world, [&](process& self) {
    for (const priority each : {priority::low, priority::normal, priority::high})
      for (int i = 0; i < 2; ++i)
        static_cast<void>(self.spawn_body(make_body(runner, each, 20), {.priority = each}));
  });
  const auto first_of = [&](priority p) { return std::ranges::find(order, p) - order.begin(); };
  CHECK(std::ranges::all_of(order.begin(), order.begin() + first_of(priority::normal),
                            [](priority p) { return p == priority::high; }));
  CHECK(std::ranges::count(order.begin(), order.begin() + first_of(priority::normal),
                           priority::high) == 40);
  CHECK(first_of(priority::low) > first_of(priority::normal));
  const auto last_normal =
      order.rend() - std::ranges::find(order.rbegin(), order.rend(), priority::normal);
  const auto low_before =
      std::ranges::count(order.begin(), order.begin() + last_normal, priority::low);
  CHECK(low_before > 0);
  CHECK(low_before < 20);
}

TEST_CASE("a process can change its priority") {
  test::world world;
  as_process(world, [](process& self) {
    CHECK(self.set_priority(priority::high) == priority::normal);
    CHECK(self.set_priority(priority::low) == priority::high);
  });
}
