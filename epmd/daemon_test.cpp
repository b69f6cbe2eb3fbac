#include "epmd/server.hpp"
#include "epmd/test_support.hpp"
#include "epmd/wire.hpp"
#include <erl/epmd/client.hpp>
#include <erl/epmd/daemon.hpp>

#include <boost/asio/post.hpp>
#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace erl::epmd;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

erl::epmd::daemon started(daemon_options options = {.port = 0}) {
  erl::epmd::daemon served(std::move(options));
  const auto listening = served.start();
  if (!listening)
    FAIL(listening.error().message());
  return served;
}

raw_client register_node(std::uint16_t port, std::string_view name) {
  raw_client node(port);
  node.send(wire::encode(wire::register_request{.port = 1234, .name = name}));
  REQUIRE(node.receive(6).substr(0, 2) == "\x76\x00"s);
  return node;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the daemon answers each request and closes, which OTP waits for") {
  auto served = started();
  const auto node = register_node(served.port(), "foo");
  CHECK(ask(served.port(), "zfoo") == wire::encode_found({.name = "foo", .port = 1234}));
  CHECK(ask(served.port(), "zbar") == "\x77\x01");
  CHECK(has(ask(served.port(), "n"), "name foo at port 1234\n"));
  CHECK(has(ask(served.port(), "d"), "active name     <foo> at port 1234, fd = "));
  CHECK(ask(served.port(), "k") == "NO");
  CHECK(ask(served.port(), "sfoo").empty());
}

TEST_CASE("the daemon's list of names comes with its own port in the same segment") {
  auto served = started();
  const auto text = ask(served.port(), "n");
  REQUIRE(text.size() == 4);
  CHECK(static_cast<std::uint8_t>(text[2]) * 256 + static_cast<std::uint8_t>(text[3]) ==
        served.port());
}

TEST_CASE("a name is free as soon as its node closes or says anything") {
  auto served = started();
  auto first = register_node(served.port(), "foo");
  first.close();
  CHECK(eventually([&] { return ask(served.port(), "zfoo") == "\x77\x01"; }));
  const auto second = register_node(served.port(), "foo");
  second.send("x");
  CHECK(second.ends_within(10s));
  CHECK(ask(served.port(), "zfoo") == "\x77\x01");
}

TEST_CASE("a kill ends the daemon, when no node lives") {
  auto served = started();
  CHECK(ask(served.port(), "k") == "OK");
  CHECK(eventually([&] { return !served.running(); }));
  CHECK(lookup("127.0.0.1", "foo", {.port = served.port()}).error().code == errc::not_listening);
}

TEST_CASE("a relaxed daemon stops single nodes, and is killed among living ones") {
  auto served = started({.port = 0, .relaxed = true});
  const auto foo = register_node(served.port(), "foo");
  const auto bar = register_node(served.port(), "bar");
  CHECK(ask(served.port(), "sfoo") == "STOPPED");
  CHECK(foo.ends_within(10s));
  CHECK(ask(served.port(), "snone") == "NOEXISTSTOPPED");
  CHECK(ask(served.port(), "k") == "OK");
  CHECK(bar.ends_within(10s));
}

TEST_CASE("a second daemon on the port is told that it is taken") {
  auto served = started();
  erl::epmd::daemon second({.port = served.port()});
  const auto listening = second.start();
  REQUIRE_FALSE(listening);
  CHECK(listening.error().code == errc::port_in_use);
  CHECK(has(listening.error().message(), std::to_string(served.port())));
  CHECK_FALSE(second.running());
}

TEST_CASE("addresses that are none, or of another host, are refused") {
  erl::epmd::daemon nonsense({.port = 0, .addresses = {"localhost"}});
  CHECK(nonsense.start().error().code == errc::cannot_listen);
  erl::epmd::daemon foreign({.port = 0, .addresses = {"192.0.2.1"}});
  CHECK(foreign.start().error().code == errc::cannot_listen);
  erl::epmd::daemon many({.port = 0, .addresses = std::vector<std::string>(17, "127.0.0.2")});
  CHECK(many.start().error().code == errc::cannot_listen);
}

TEST_CASE("loopback is served besides the addresses given") {
  auto served = started({.port = 0, .addresses = {"127.0.0.2"}});
  CHECK(ask(served.port(), "n").size() == 4);
  const raw_client other(served.port(), "127.0.0.2");
  other.send(framed("n"));
  CHECK(other.receive_all().size() == 4);
}

TEST_CASE("by default only loopback is served; every interface on request") {
  {
    auto served = started();
    CHECK_THROWS(raw_client(served.port(), "127.0.0.2"));
    CHECK(names("::1", {.port = served.port()}));
  }
  auto served = started({.port = 0, .addresses = {"0.0.0.0", "::"}});
  CHECK(names("127.0.0.2", {.port = served.port()}));
  CHECK(names("::1", {.port = served.port()}));
}

TEST_CASE("a silent connection is closed after the packet time-out, and a node's is not") {
  auto served = started({.port = 0, .packet_timeout = 100ms});
  const auto node = register_node(served.port(), "foo");
  const raw_client silent(served.port());
  CHECK(silent.ends_within(5s));
  CHECK_FALSE(node.ends_within(100ms));
}

TEST_CASE("single bytes do not put the packet time-out off") {
  auto served = started({.port = 0, .packet_timeout = 200ms});
  const raw_client slow(served.port());
  const auto begin = std::chrono::steady_clock::now();
  slow.send("\x0b\xf1"s);
  while (!slow.ends_within(20ms) && std::chrono::steady_clock::now() - begin < 5s)
    slow.send("x");
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("a refused registration is kept open, but not beyond the packet time-out") {
  auto served = started({.port = 0, .packet_timeout = 300ms});
  const auto node = register_node(served.port(), "foo");
  const raw_client refused(served.port());
  refused.send(wire::encode(wire::register_request{.port = 1, .name = "foo"}));
  CHECK(refused.receive(6).substr(0, 2) == "\x76\x01"s);
  CHECK_FALSE(refused.ends_within(50ms));
  CHECK(refused.ends_within(5s));
  CHECK(ask(served.port(), "zfoo").size() > 2);
}

TEST_CASE("with all connections in use the oldest that is no node gives way") {
  auto served = started({.port = 0, .max_connections = 4});
  const auto node = register_node(served.port(), "foo");
  std::vector<raw_client> idle;
  for (int i = 0; i < 20; ++i) {
    idle.emplace_back(served.port());
    CHECK(ask(served.port(), "zfoo").size() > 2);
  }
  CHECK(idle.front().ends_within(5s));
  CHECK_FALSE(node.ends_within(20ms));
}

TEST_CASE("nodes up to the limit are served, and the next one is turned away") {
  auto served = started({.port = 0, .max_connections = 2});
  auto a = register_node(served.port(), "a");
  const auto b = register_node(served.port(), "b");
  const raw_client c(served.port());
  CHECK(c.ends_within(5s));
  a.close();
  CHECK(eventually([&] { return has(ask(served.port(), "n"), "name b"); }));
}

TEST_CASE("clients that do not read their answers cost bounded memory and hold up nobody") {
  boost::asio::io_context io;
  server served(io, {.port = 0, .max_connections = 400});
  REQUIRE(served.start());
  std::thread thread([&] { io.run(); });
  const auto port = served.port();
  {
    std::vector<raw_client> nodes;
    std::string emoji; // 1020 bytes each: the greatest names there are
    for (int i = 0; i < 251; ++i)
      emoji += "😀";
    for (int i = 0; i < 150; ++i)
      nodes.push_back(register_node(port, emoji + std::to_string(1000 + i)));
    std::vector<raw_client> deaf;
    for (int i = 0; i < 200; ++i) {
      deaf.emplace_back(port);
      deaf.back().send(framed("n"));
    }
    CHECK(ask(port, "n").size() > 150 * 1000);
    CHECK(names("127.0.0.1", {.port = port})->size() == 150);
  }
  boost::asio::post(io, [&] { io.stop(); });
  thread.join();
}

TEST_CASE("without file descriptors clients are turned away, and the daemon lives on") {
  auto served = started();
  const auto node = register_node(served.port(), "foo");
  raw_client before(served.port());
  before.send(framed("zfoo"));
  CHECK(before.receive_all().size() > 2);

  // Sockets made first, to be connected when the process has no descriptor left.
  std::vector<int> clients;
  for (int i = 0; i < 8; ++i)
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit old_limit{};
  ::getrlimit(RLIMIT_NOFILE, &old_limit);
  auto low = old_limit;
  low.rlim_cur = 128;
  ::setrlimit(RLIMIT_NOFILE, &low);
  std::vector<int> hogs;
  for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
    hogs.push_back(fd);
  int turned_away = 0;
  for (const int fd : clients) {
    sockaddr_in there{
        .sin_family = AF_INET, .sin_port = htons(served.port()), .sin_addr = {}, .sin_zero = {}};
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char byte = 0;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0 &&
        ::recv(fd, &byte, 1, 0) == 0)
      ++turned_away;
  }
  for (const int fd : hogs)
    ::close(fd);
  for (const int fd : clients)
    ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &old_limit);

  CHECK(turned_away == 8);
  CHECK(served.running());
  CHECK_FALSE(node.ends_within(10ms));
  CHECK(
      eventually([&] { return lookup("127.0.0.1", "foo", {.port = served.port()}).has_value(); }));
}

TEST_CASE("run serves from the caller's thread until it is stopped") {
  erl::epmd::daemon served({.port = 0});
  std::thread caller([&] { CHECK(served.run()); });
  CHECK(eventually([&] { return served.running(); }));
  CHECK(ask(served.port(), "n").size() == 4);
  served.stop();
  CHECK_FALSE(served.running());
  caller.join();
}

TEST_CASE("a stopped daemon closes its nodes' connections and frees its port") {
  auto served = started();
  const auto port = served.port();
  const auto node = register_node(port, "foo");
  served.stop();
  CHECK(node.ends_within(5s));
  CHECK_FALSE(served.running());
  auto next = started({.port = port});
  CHECK(next.running());
}

TEST_CASE("a daemon that never started, or started in vain, stops without a wait") {
  erl::epmd::daemon never;
  never.stop();
  erl::epmd::daemon moved = std::move(never);
  CHECK_FALSE(moved.running());
}

TEST_CASE("embedding starts a daemon where there is none, and leaves one alone that answers") {
  const auto port = closed_port();
  auto mine = embed_if_absent(port);
  REQUIRE(mine);
  REQUIRE(*mine);
  CHECK((*mine)->port() == port);
  const auto second = embed_if_absent(port);
  REQUIRE(second);
  CHECK_FALSE(*second);
}

TEST_CASE("of many that embed at once exactly one serves, and all succeed") {
  const auto port = closed_port();
  std::atomic<int> serving = 0, succeeded = 0, done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      auto mine = embed_if_absent(port);
      succeeded += mine.has_value() ? 1 : 0;
      serving += mine && *mine ? 1 : 0;
      ++done;
      eventually([&] { return done == 8; });
    });
  for (auto& thread : threads)
    thread.join();
  CHECK(serving == 1);
  CHECK(succeeded == 8);
}

TEST_CASE("embedding reports what holds the port if it is no EPMD") {
  const scripted_server web([](int fd) {
    read_request(fd);
    write_all(fd, "HTTP/1.1 400 Bad Request\r\n");
  });
  const auto mine = embed_if_absent(web.port());
  REQUIRE_FALSE(mine);
  CHECK(mine.error().code == errc::bad_reply);
}
