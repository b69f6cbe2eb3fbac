#include "epmd/registrar.hpp"
#include "epmd/server.hpp"
#include "epmd/test_support.hpp"
#include <erl/epmd/client.hpp>
#include <erl/epmd/daemon.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>

#include <unistd.h>

using namespace erl::epmd;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

erl::epmd::daemon started(std::uint16_t port = 0) {
  erl::epmd::daemon served({.port = port});
  const auto listening = served.start();
  REQUIRE(listening);
  return served;
}

registration_options foo_at(std::uint16_t port) {
  return {.name = "foo", .port = 4711, .epmd_port = port, .timeout = 5s, .retry = 20ms};
}

bool listed(std::uint16_t port, std::string_view name) {
  return lookup("127.0.0.1", name, {.port = port}).has_value();
}

/// Runs `io` until `done`, for 10 s at most.
bool run_until(boost::asio::io_context& io, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!done() && std::chrono::steady_clock::now() < end) {
    io.restart();
    io.run_one_for(20ms);
  }
  return done();
}

/// What a registrar told, as words.
struct diary {
  std::vector<std::string> entries;

  registrar_events events() {
    return {.started =
                [this](std::expected<std::uint32_t, error> result) {
                  entries.push_back(result ? "started"
                                           : "not started: " +
                                                 std::string(to_string(result.error().code)));
                },
            .lost = [this](const error&) { entries.emplace_back("lost"); },
            .restored = [this](std::uint32_t) { entries.emplace_back("restored"); },
            .retry_failed =
                [this](const error& why) {
                  entries.push_back("failed: " + std::string(to_string(why.code)));
                }};
  }
};

registrar_options keeper_of_foo(std::uint16_t port) {
  return {.name = "foo", .port = 4711, .epmd = {"127.0.0.1", port, 5s}, .retry = 20ms};
}

} // namespace

TEST_CASE("a registered node is found until the registration is given up") {
  auto served = started();
  {
    auto mine = registration::open(foo_at(served.port()));
    REQUIRE(mine);
    CHECK(mine->registered());
    CHECK(mine->creation() >= 4);
    const auto found = lookup("127.0.0.1", "foo", {.port = served.port()});
    REQUIRE(found);
    CHECK(*found == node_info{.name = "foo", .port = 4711, .address = "127.0.0.1"});
  }
  CHECK(eventually([&] { return !listed(served.port(), "foo"); }));
}

TEST_CASE("a hidden node is registered as such") {
  auto served = started();
  auto options = foo_at(served.port());
  options.type = 72;
  const auto mine = registration::open(options);
  REQUIRE(mine);
  CHECK(lookup("127.0.0.1", "foo", {.port = served.port()})->type == 72);
}

TEST_CASE("a name that is taken is an error of its own, and leaves no connection open") {
  boost::asio::io_context io;
  server served(io, {.port = 0});
  REQUIRE(served.start());
  diary first_diary, second_diary;
  registrar first(io, keeper_of_foo(served.port()), first_diary.events());
  registrar second(io, keeper_of_foo(served.port()), second_diary.events());
  first.start();
  CHECK(run_until(io, [&] { return first.registered(); }));
  second.start();
  CHECK(run_until(io, [&] { return !second_diary.entries.empty(); }));
  CHECK(second_diary.entries == std::vector{"not started: name_taken"s});
  CHECK_FALSE(second.registered());
  CHECK(run_until(io, [&] { return served.connections() == 1; }));
  CHECK(first.registered());
}

TEST_CASE("the blocking form reports a taken name, too") {
  auto served = started();
  const auto first = registration::open(foo_at(served.port()));
  REQUIRE(first);
  const auto second = registration::open(foo_at(served.port()));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::name_taken);
  CHECK(second.error().name == "foo");
}

TEST_CASE("without a daemon, registering fails at once and says so") {
  const auto mine = registration::open(foo_at(closed_port()));
  REQUIRE_FALSE(mine);
  CHECK(mine.error().code == errc::not_listening);
}

TEST_CASE("names and ports that can not be are refused before anything is sent") {
  auto options = foo_at(1);
  options.name = "foo@host";
  CHECK(registration::open(options).error().code == errc::bad_name);
  options = foo_at(1);
  options.port = 0;
  CHECK(registration::open(options).error().code == errc::bad_port);
  CHECK(registration::open(foo_at(0)).error().code == errc::bad_port);
}

TEST_CASE("after a restart of the daemon the same name and port return, and the creation stays") {
  std::optional<erl::epmd::daemon> served(started());
  const auto port = served->port();
  const auto mine = registration::open(foo_at(port));
  REQUIRE(mine);
  const auto creation = mine->creation();
  served.reset();
  CHECK(eventually([&] { return !mine->registered(); }));
  served.emplace(started(port));
  CHECK(eventually([&] { return mine->registered(); }));
  CHECK(lookup("127.0.0.1", "foo", {.port = port})->port == 4711);
  CHECK(mine->creation() == creation);
}

TEST_CASE("a loss, the failures after it and the return are told once each") {
  boost::asio::io_context io;
  std::optional<server> served(std::in_place, io, daemon_options{.port = 0});
  REQUIRE(served->start());
  const auto port = served->port();
  diary told;
  registrar mine(io, keeper_of_foo(port), told.events());
  mine.start();
  CHECK(run_until(io, [&] { return mine.registered(); }));
  served.reset();
  CHECK(run_until(io, [&] { return told.entries.size() == 3; }));
  const auto later = std::chrono::steady_clock::now() + 200ms; // many attempts
  run_until(io, [&] { return std::chrono::steady_clock::now() > later; });
  served.emplace(io, daemon_options{.port = port});
  REQUIRE(served->start());
  CHECK(run_until(io, [&] { return mine.registered(); }));
  CHECK(told.entries == std::vector{"started"s, "lost"s, "failed: not_listening"s, "restored"s});
}

TEST_CASE("a daemon that talks to a registered node has lost it") {
  std::atomic<int> served = 0;
  const scripted_server liar([&](int fd) {
    read_request(fd);
    ++served;
    write_all(fd, "\x76\x00\x00\x00\x00\x07"s);
    if (served == 1)
      usleep(20'000);
    write_all(fd, served == 1 ? "surprise" : "");
    drain(fd);
  });
  boost::asio::io_context io;
  diary told;
  registrar mine(io, keeper_of_foo(liar.port()), told.events());
  mine.start();
  CHECK(run_until(io, [&] { return told.entries.size() == 3; }));
  CHECK(told.entries == std::vector{"started"s, "lost"s, "restored"s});
}

TEST_CASE("answers to a registration that lie are no registration") {
  for (const auto& bytes : {"\x76\x00\x00\x00\x00\x00"s, "HTTP/1.1 400"s, "\x77\x01"s}) {
    const scripted_server liar([&](int fd) {
      read_request(fd);
      write_all(fd, bytes);
      drain(fd);
    });
    const auto mine = registration::open(foo_at(liar.port()));
    REQUIRE_FALSE(mine);
    CHECK(mine.error().code == errc::bad_reply);
  }
  const scripted_server cut([](int fd) {
    read_request(fd);
    write_all(fd, "\x76\x00\x00"s);
  });
  CHECK(registration::open(foo_at(cut.port())).error().code == errc::closed);
}

TEST_CASE("an old daemon's short answer is understood") {
  const scripted_server old([](int fd) {
    read_request(fd);
    write_all(fd, "\x79\x00\x00\x02"s);
    drain(fd);
  });
  const auto mine = registration::open(foo_at(old.port()));
  REQUIRE(mine);
  CHECK(mine->creation() == 2);
}

TEST_CASE("a persistent registrar reports the failure, and the late success") {
  boost::asio::io_context io;
  const auto port = closed_port();
  diary told;
  auto options = keeper_of_foo(port);
  options.persistent = true;
  registrar mine(io, options, told.events());
  mine.start();
  CHECK(run_until(io, [&] { return !told.entries.empty(); }));
  server served(io, {.port = port});
  REQUIRE(served.start());
  CHECK(run_until(io, [&] { return mine.registered(); }));
  CHECK(told.entries == std::vector{"not started: not_listening"s, "restored"s});
}

TEST_CASE("a registrar that may serve becomes the host's daemon, for others too") {
  boost::asio::io_context io;
  const auto port = closed_port();
  diary first_diary, second_diary;
  auto options = keeper_of_foo(port);
  options.serve_if_absent = true;
  auto others = options;
  others.name = "bar";
  std::optional<registrar> first(std::in_place, io, options, first_diary.events());
  registrar second(io, others, second_diary.events());
  first->start();
  second.start();
  CHECK(run_until(io, [&] { return first->registered() && second.registered(); }));
  CHECK(first->serving() != second.serving());

  INFO("when the one that serves goes, the other takes over");
  first.reset();
  CHECK(run_until(io, [&] { return second.serving() && second.registered(); }));
}

TEST_CASE("a node that may serve needs no daemon, and others find it through its own") {
  auto options = foo_at(closed_port());
  options.serve_if_absent = true;
  const auto foo = registration::open(options);
  REQUIRE(foo);
  const auto port = *options.epmd_port;
  options.name = "bar";
  const auto bar = registration::open(options);
  REQUIRE(bar);
  CHECK(names("127.0.0.1", {.port = port}) ==
        std::vector<listed_node>{{"bar", 4711}, {"foo", 4711}});
}

TEST_CASE("a registrar may be destroyed from within its own call-back") {
  boost::asio::io_context io;
  server served(io, {.port = 0});
  REQUIRE(served.start());
  std::optional<registrar> mine;
  bool told = false;
  mine.emplace(io, keeper_of_foo(served.port()),
               registrar_events{.started =
                                    [&](const auto&) {
                                      told = true;
                                      mine.reset();
                                    },
                                .lost = {},
                                .restored = {},
                                .retry_failed = {}});
  mine->start();
  CHECK(run_until(io, [&] { return told && served.connections() == 0; }));
}

TEST_CASE("children of the process do not inherit a registration, nor the daemon's sockets") {
  const auto inherited_sockets = [] {
    child lister({"ls", "-l", "/proc/self/fd"});
    REQUIRE(lister.wait() == 0);
    const auto text = lister.output();
    int count = 0;
    for (auto at = text.find("socket:"); at != std::string::npos; at = text.find("socket:", at + 1))
      ++count;
    return count;
  };
  const int before = inherited_sockets();
  auto served = started();
  const auto mine = registration::open(foo_at(served.port()));
  REQUIRE(mine);
  CHECK(inherited_sockets() == before);
}
