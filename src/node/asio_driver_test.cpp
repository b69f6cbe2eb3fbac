#include "node/asio_test_support.hpp"

#include <array>
#include <atomic>
#include <ctime>
#include <set>
#include <thread>

#include <sys/resource.h>

using namespace erl::test;

namespace {

long voluntary_switches() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

} // namespace

TEST_CASE("a wake-up from another thread ends a sleep at once") {
  auto d = erl::make_asio_driver();
  for (int i = 0; i < 20; ++i) {
    std::thread waker{[&] {
      std::this_thread::sleep_for(2ms);
      d->wake();
    }};
    const auto start = d->now();
    d->wait(start + 10s);
    CHECK(d->now() - start < 5s);
    waker.join();
  }
}

TEST_CASE("a wake-up before the wait ends that wait, and only that one") {
  auto d = erl::make_asio_driver();
  d->wake();
  d->wake();
  const auto start = d->now();
  d->wait(start + 10s);
  CHECK(d->now() - start < 5s);
  const auto again = d->now();
  d->wait(again + 20ms);
  CHECK(d->now() - again >= 20ms);
}

namespace {

/// Two threads wake each other in turn; true when none of it got lost.
bool play(erl::driver& here, erl::driver& there, int rounds) {
  std::atomic<int> ball{0};
  const auto side = [&](erl::driver& own, erl::driver& other, int turn) {
    const auto end = own.now() + 30s;
    while (ball.load() < rounds && own.now() < end) {
      if (ball.load() % 2 == turn) {
        ball.fetch_add(1);
        other.wake();
      } else {
        own.wait(end);
      }
    }
    other.wake();
  };
  std::thread opponent{[&] { side(there, here, 1); }};
  side(here, there, 0);
  opponent.join();
  return ball.load() >= rounds;
}

} // namespace

TEST_CASE("no wake-up is lost between two threads that wake each other") {
  auto here = erl::make_asio_driver();
  auto there = erl::make_asio_driver();
  CHECK(play(*here, *there, 5000));
}

TEST_CASE("no wake-up is lost in traffic, one way or with answers") {
  for (const bool answers : {false, true}) {
    auto here = erl::make_asio_driver();
    auto there = erl::make_asio_driver();
    server listening(*here);
    listening.prepare = [&](end_point& p) {
      if (answers)
        p.on_received = [&p] { p.send("answer"); };
    };
    const raw_socket talker;
    REQUIRE(talker.connect(listening.socket->local()));
    std::atomic<bool> over{false};
    std::size_t sent = 0;
    std::thread talking{[&] {
      const std::string words(answers ? 5000 : 50, 'x');
      while (!over.load()) {
        const auto taken = ::send(talker.get(), words.data(), words.size(), MSG_NOSIGNAL);
        sent += taken > 0 ? static_cast<std::size_t>(taken) : 0;
        char answer[1000];
        ::recv(talker.get(), answer, sizeof answer, MSG_DONTWAIT);
        std::this_thread::sleep_for(10us);
      }
    }};
    REQUIRE(run_until(
        *here, [&] { return !listening.accepted.empty() && !listening.accepted[0]->in.empty(); }));
    CHECK(play(*here, *there, 2000));
    over.store(true);
    talking.join();
    CHECK(run_until(*here, [&] { return listening.accepted[0]->in.size() == sent; }));
  }
}

TEST_CASE("a wait ends at its deadline, also after one for an earlier deadline was cut short") {
  auto d = erl::make_asio_driver();
  for (const auto length : {200us, 1500us, 30000us}) {
    const auto start = d->now();
    d->wait(start + length);
    CHECK(d->now() - start >= length);
    CHECK(d->now() - start < 5s);
  }
  const auto start = d->now();
  d->wake();
  d->wait(start + 10ms);
  std::thread waker{[&] { d->wake(); }};
  d->wait(start + 20ms);
  waker.join();
  d->wait(start + 60ms);
  CHECK(d->now() - start >= 60ms);
  d->wait(start); // long past
}

TEST_CASE("an idle wait costs no processor time, with connections and a listener open") {
  pair p;
  p.driver->poll();
  const long switches = voluntary_switches();
  const double cpu = cpu_seconds();
  p.driver->wait(p.driver->now() + 300ms);
  CHECK(voluntary_switches() - switches <= 3);
  CHECK(cpu_seconds() - cpu < 0.02);
}

TEST_CASE("random bytes fill any size and differ") {
  auto d = erl::make_asio_driver();
  std::set<std::array<std::byte, 16>> seen;
  for (int i = 0; i < 100; ++i) {
    std::array<std::byte, 16> out{};
    d->random(out);
    seen.insert(out);
  }
  CHECK(seen.size() == 100);
  bytes large(100'000);
  d->random(large);
  CHECK(std::ranges::count(large, std::byte{0}) < 1000);
  d->random({});
}
