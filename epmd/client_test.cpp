#include "epmd/client.hpp"
#include "epmd/test_support.hpp"
#include "epmd/wire.hpp"
#include <erl/epmd/client.hpp>

#include <catch2/catch_test_macros.hpp>

#include <unistd.h>

using namespace erl::epmd;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

/// A server that answers every request with `bytes`, and closes.
scripted_server::script answer(std::string bytes) {
  return [bytes = std::move(bytes)](int fd) {
    read_request(fd);
    write_all(fd, bytes);
  };
}

const std::string foo = wire::encode_found({.name = "foo", .port = 4711});

error lookup_error(std::uint16_t port, std::string_view name = "foo", erl::duration timeout = 5s) {
  const auto found = lookup("127.0.0.1", name, {.port = port, .timeout = timeout});
  REQUIRE_FALSE(found);
  INFO(found.error().message());
  return found.error();
}

error names_error(std::uint16_t port, erl::duration timeout = 5s) {
  const auto found = names("127.0.0.1", {.port = port, .timeout = timeout});
  REQUIRE_FALSE(found);
  return found.error();
}

} // namespace

TEST_CASE("a look-up sends one request and understands the answer") {
  std::string request;
  const scripted_server daemon([&](int fd) {
    request = read_request(fd);
    write_all(fd, foo);
  });
  const auto found = lookup("127.0.0.1", "foo", {.port = daemon.port()});
  REQUIRE(found);
  CHECK(found->port == 4711);
  CHECK(found->speaks_version_6());
  CHECK(request == "\x00\x04zfoo"s);
}

TEST_CASE("a look-up does not wait for a daemon that forgets to close") {
  const scripted_server daemon([](int fd) {
    read_request(fd);
    write_all(fd, foo);
    drain(fd);
  });
  CHECK(lookup("127.0.0.1", "foo", {.port = daemon.port()}));
}

TEST_CASE("a look-up puts together an answer in single bytes") {
  const scripted_server daemon([](int fd) {
    read_request(fd);
    for (const char byte : foo)
      write_all(fd, std::string_view(&byte, 1));
  });
  CHECK(lookup("127.0.0.1", "foo", {.port = daemon.port()}));
}

TEST_CASE("an unknown name is told from an absent daemon") {
  const scripted_server daemon(answer(wire::encode_not_found()));
  const auto unknown = lookup_error(daemon.port());
  CHECK(unknown.code == errc::not_registered);
  CHECK(unknown.name == "foo");
  CHECK(unknown.port == daemon.port());
  CHECK(lookup_error(closed_port()).code == errc::not_listening);
}

TEST_CASE("a daemon that lies about the name is caught") {
  const scripted_server daemon(answer(wire::encode_found({.name = "bar", .port = 4711})));
  CHECK(lookup_error(daemon.port()).code == errc::bad_reply);
}

TEST_CASE("a daemon that lies about the port is caught") {
  const scripted_server daemon(answer(wire::encode_found({.name = "foo", .port = 0})));
  CHECK(lookup_error(daemon.port()).code == errc::bad_reply);
}

TEST_CASE("an answer that is cut off is no answer") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{5}, foo.size() - 1}) {
    const scripted_server daemon(answer(foo.substr(0, size)));
    CHECK(lookup_error(daemon.port()).code == errc::closed);
  }
  const scripted_server silent(answer(""));
  const auto none = lookup_error(silent.port());
  CHECK(none.code == errc::closed);
  CHECK(none.cause == "no answer");
}

TEST_CASE("another protocol's answer is quoted in the message") {
  const scripted_server web(answer("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const auto e = lookup_error(web.port());
  CHECK(e.code == errc::bad_reply);
  CHECK(e.message().find("HTTP/1.1 400") != std::string::npos);
  CHECK(names_error(web.port()).code == errc::bad_reply);
}

TEST_CASE("an answer without end is given up") {
  const auto endless = [](int fd) {
    read_request(fd);
    std::string block = "\x00\x00\x11\x11"s;
    while (write_all(fd, block))
      block = std::string(65536, 'x');
  };
  const scripted_server daemon(endless);
  CHECK(lookup_error(daemon.port()).code == errc::bad_reply);
  const auto e = names_error(daemon.port());
  CHECK(e.code == errc::bad_reply);
}

TEST_CASE("the time allowed is for all of the answer, whatever trickles in") {
  const scripted_server slow([](int fd) {
    read_request(fd);
    write_all(fd, "\x00\x00\x11\x11"s);
    while (write_all(fd, "n"))
      usleep(10'000);
  });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(names_error(slow.port(), 200ms).code == errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - begin < 1500ms);
}

TEST_CASE("a daemon that accepts and says nothing times out") {
  const scripted_server mute([](int fd) { drain(fd); });
  const auto e = lookup_error(mute.port(), "foo", 100ms);
  CHECK(e.code == errc::timed_out);
  CHECK(e.cause == "no answer");
}

TEST_CASE("a host name without an address is told from a daemon that is absent") {
  const auto found = lookup("no-such-host.invalid", "foo", {.port = 14400, .timeout = 5s});
  REQUIRE_FALSE(found);
  INFO(found.error().message());
  // A name service that can not be reached may take longer than we wait: that is told as well.
  CHECK((found.error().code == errc::unknown_host || found.error().code == errc::timed_out));
  CHECK(found.error().host == "no-such-host.invalid");
}

TEST_CASE("a host is found by its name, whichever of its addresses answers") {
  const scripted_server daemon(answer(foo)); // IPv4 only
  const auto found = lookup("localhost", "foo", {.port = daemon.port()});
  REQUIRE(found);
  CHECK(found->address == "127.0.0.1");
}

TEST_CASE("names that can not be are refused before anything is sent") {
  for (const auto& name : {""s, "foo@host"s, "a\0b"s, std::string(256, 'a'), "\xff"s}) {
    const auto e = lookup_error(1, name);
    CHECK(e.code == errc::bad_name);
    CHECK(e.name == name);
  }
}

TEST_CASE("port 0 is refused before anything is sent") {
  CHECK(lookup_error(0).code == errc::bad_port);
  CHECK(names_error(0).code == errc::bad_port);
}

TEST_CASE("a list of names is read to its end") {
  const scripted_server daemon([](int fd) {
    read_request(fd);
    write_all(fd, "\x00\x00"s);
    write_all(fd, "\x11\x11name a at"s);
    write_all(fd, " port 1\nname b at port 2\n");
  });
  CHECK(names("127.0.0.1", {.port = daemon.port()}) ==
        std::vector<listed_node>{{"a", 1}, {"b", 2}});
}

TEST_CASE("look-ups on an io_context run side by side and end once each") {
  const scripted_server daemon(answer(foo));
  boost::asio::io_context io;
  int good = 0, absent = 0;
  for (int i = 0; i < 10; ++i) {
    async_lookup(io, {"127.0.0.1", daemon.port(), 5s}, "foo",
                 [&](const auto& found) { good += found.has_value() ? 1 : 0; });
    async_lookup(io, {"127.0.0.1", 1, 5s}, "foo",
                 [&](const auto& found) { absent += found.has_value() ? 0 : 1; });
  }
  CHECK(good + absent == 0);
  io.run();
  CHECK(good == 10);
  CHECK(absent == 10);
}

TEST_CASE("a look-up that is cancelled says so, once") {
  const scripted_server mute([](int fd) { drain(fd); });
  boost::asio::io_context io;
  std::vector<errc> ends;
  const auto asking = async_lookup(io, {"127.0.0.1", mute.port(), 5s}, "foo",
                                   [&](const auto& found) { ends.push_back(found.error().code); });
  while (io.run_one_for(50ms) != 0) {
  }
  asking.lock()->cancel();
  io.run();
  CHECK(ends == std::vector{errc::cancelled});
}

TEST_CASE("an io_context may be destroyed in the middle of look-ups, at any stage") {
  const scripted_server mute([](int fd) { drain(fd); });
  for (const auto* host : {"127.0.0.1", "localhost", "no-such-host.invalid"})
    for (const int steps : {0, 1, 2, 5}) {
      boost::asio::io_context io;
      async_lookup(io, {host, mute.port(), 5s}, "foo", [](const auto&) {});
      for (int i = 0; i < steps; ++i)
        io.run_one_for(10ms);
    }
  SUCCEED("no leak, no use after free");
}
