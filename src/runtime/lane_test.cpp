#include "runtime/lane.hpp"

#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <thread>

using erl::runtime::lane;

TEST_CASE("a lane shows nothing before it is published, and everything in order after") {
  lane<int> l;
  for (int i = 0; i < 1000; ++i)
    l.push(i);
  int seen = 0;
  const auto look = [&](int value) { CHECK(value == seen++); };
  CHECK(l.drain(10, look) == 0);
  CHECK(l.publish());
  CHECK_FALSE(l.publish());
  CHECK(l.pending());
  CHECK(l.drain(300, look) == 300);
  CHECK(l.drain(5000, look) == 700);
  CHECK_FALSE(l.pending());
}

TEST_CASE("a lane that is destroyed frees what was never taken") {
  const auto counted = std::make_shared<int>(0);
  {
    lane<std::shared_ptr<int>> l;
    for (int i = 0; i < 700; ++i)
      l.push(counted);
    l.publish();
    l.drain(300, [](const std::shared_ptr<int>&) {});
    CHECK(counted.use_count() == 401);
  }
  CHECK(counted.use_count() == 1);
}

TEST_CASE("two threads lose nothing and keep the order") {
  lane<int> l;
  constexpr int count = 200000;
  std::thread producer([&] {
    for (int i = 0; i < count; ++i) {
      l.push(i);
      if (i % 7 == 0)
        l.publish();
    }
    l.publish();
  });
  int next = 0;
  bool in_order = true;
  while (next < count)
    l.drain(1000, [&](int value) { in_order = in_order && value == next++; });
  producer.join();
  CHECK(in_order);
}
