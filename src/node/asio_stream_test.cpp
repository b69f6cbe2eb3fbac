#include "node/asio_test_support.hpp"

using namespace erl::test;

namespace {

bytes pattern(std::size_t size) {
  bytes out(size);
  std::uint32_t x = 1;
  for (std::byte& b : out) {
    x = x * 1664525 + 1013904223;
    b = static_cast<std::byte>(x >> 24);
  }
  return out;
}

} // namespace

TEST_CASE("what one end writes the other end reads, and both know their addresses") {
  pair p;
  p.far().on_received = [&] { p.far().send(p.far().text()); };
  p.client.send("hello");
  REQUIRE(run_until(*p.driver, [&] { return p.client.in.size() >= 5; }));
  CHECK(p.client.text() == "hello");
  CHECK(p.client.link->peer() == p.listening.socket->local());
  CHECK(p.client.link->local() == p.far().link->peer());
  CHECK(p.far().link->local() == p.client.link->peer());
  CHECK(p.listening.peers.at(0) == p.client.link->local());
  CHECK(p.client.link->peer().address == "127.0.0.1");
}

TEST_CASE("bytes keep their order through reads of every size") {
  for (const std::size_t space : {1u, 2u, 7u, 1000u}) {
    pair p;
    p.far().space = space;
    std::string sent;
    for (int i = 0; i < 500; ++i) {
      sent += std::to_string(i) + ",";
      p.client.send(std::to_string(i) + ",");
      if (i % 50 == 0) {
        p.driver->poll();
      }
    }
    REQUIRE(run_until(*p.driver, [&] { return p.far().in.size() >= sent.size(); }));
    CHECK(p.far().text() == sent);
    CHECK(p.far().largest_read <= space);
  }
}

TEST_CASE("a write gathers thousands of pieces in order, empty ones among them") {
  pair p;
  std::vector<std::string> pieces;
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    pieces.push_back(i % 3 == 0 ? "" : std::to_string(i));
    all += pieces.back();
  }
  std::vector<std::span<const std::byte>> chain;
  for (const auto& piece : pieces) {
    chain.push_back(std::as_bytes(std::span{piece}));
  }
  CHECK(p.client.link->write(chain) == all.size());
  CHECK(p.client.link->write({}) == 0);
  REQUIRE(run_until(*p.driver, [&] { return p.far().in.size() >= all.size(); }));
  CHECK(p.far().text() == all);
}

TEST_CASE("64 MB pass while the writer is held back, and nothing waits in the driver") {
  pair p;
  const bytes sent = pattern(std::size_t{64} << 20);
  p.far().in.reserve(sent.size());
  p.client.out = sent;
  p.far().link->read(false);
  p.client.flush();
  CHECK(p.client.written > 0);
  CHECK(p.client.written < sent.size());
  for (int i = 0; i < 50; ++i) {
    p.driver->wait(p.driver->now() + 1ms);
  }
  CHECK(p.client.written < sent.size());
  CHECK(p.far().in.empty());
  p.far().link->read(true);
  REQUIRE(run_until(*p.driver, [&] { return p.far().in.size() >= sent.size(); }));
  CHECK(p.far().in == sent);
}

TEST_CASE("what is written before the connection stands is asked for again once it does") {
  auto d = erl::make_asio_driver();
  server s{*d};
  end_point client;
  client.link = d->connect(s.socket->local(), client);
  client.send("early");
  CHECK(client.written == 0);
  CHECK_FALSE(client.is_connected);
  REQUIRE(run_until(*d, [&] { return !s.accepted.empty() && s.accepted[0]->in.size() == 5; }));
  CHECK(s.accepted[0]->text() == "early");
}

TEST_CASE("a refused connection closes with its reason, after connect has returned") {
  auto d = erl::make_asio_driver();
  erl::endpoint nobody;
  {
    const server s{*d};
    nobody = s.socket->local();
  }
  end_point client;
  client.link = d->connect(nobody, client);
  CHECK_FALSE(client.closed_with);
  REQUIRE(run_until(*d, [&] { return client.closed_with.has_value(); }));
  CHECK(*client.closed_with == std::errc::connection_refused);
  CHECK_FALSE(client.is_connected);
}

TEST_CASE(
    "an address that is not numeric closes with invalid_argument, after connect has returned") {
  auto d = erl::make_asio_driver();
  end_point client;
  client.link = d->connect({"localhost", 1}, client);
  CHECK_FALSE(client.closed_with);
  REQUIRE(run_until(*d, [&] { return client.closed_with.has_value(); }));
  CHECK(*client.closed_with == std::errc::invalid_argument);
}

TEST_CASE("streams run over IPv6 too") {
  auto d = erl::make_asio_driver();
  server s{*d};
  std::error_code error;
  s.socket = d->listen({"::1", 0}, s, error);
  if (error) {
    SKIP("no IPv6 here");
  }
  end_point client;
  client.link = d->connect(s.socket->local(), client);
  REQUIRE(run_until(*d, [&] { return client.is_connected && !s.accepted.empty(); }));
  CHECK(client.link->peer().address == "::1");
}

TEST_CASE("a peer that closes ends the stream without an error, after its last bytes") {
  pair p;
  p.client.send("bye");
  p.client.link.reset();
  REQUIRE(run_until(*p.driver, [&] { return p.far().closed_with.has_value(); }));
  CHECK_FALSE(*p.far().closed_with);
  CHECK(p.far().text() == "bye");
}

TEST_CASE("a peer that resets ends the stream with connection_reset") {
  auto d = erl::make_asio_driver();
  server s{*d};
  raw_socket peer;
  REQUIRE(peer.connect(s.socket->local()));
  REQUIRE(run_until(*d, [&] { return !s.accepted.empty(); }));
  peer.reset();
  REQUIRE(run_until(*d, [&] { return s.accepted[0]->closed_with.has_value(); }));
  CHECK(*s.accepted[0]->closed_with == std::errc::connection_reset);
}

TEST_CASE("a write to a peer that is gone takes nothing, raises no signal, and the bytes it sent "
          "still come") {
  auto d = erl::make_asio_driver();
  server s{*d};
  raw_socket peer;
  REQUIRE(peer.connect(s.socket->local()));
  REQUIRE(run_until(*d, [&] { return !s.accepted.empty(); }));
  end_point& near = *s.accepted[0];
  REQUIRE(::send(peer.get(), "last", 4, 0) == 4);
  peer.reset();
  while (near.written == near.out.size()) {
    near.send("x"); // until the reset has arrived
  }
  CHECK_FALSE(near.closed_with);
  REQUIRE(run_until(*d, [&] { return near.closed_with.has_value(); }));
  CHECK(*near.closed_with == std::errc::connection_reset);
  CHECK(near.text() == "last");
  CHECK(near.link->write(std::vector<std::span<const std::byte>>{near.out}) == 0);
}

TEST_CASE("a stream that does not read still learns that its peer is gone when it writes") {
  auto d = erl::make_asio_driver();
  server s{*d};
  s.prepare = [](end_point& e) { e.space = 16; };
  raw_socket peer;
  REQUIRE(peer.connect(s.socket->local()));
  REQUIRE(run_until(*d, [&] { return !s.accepted.empty(); }));
  end_point& near = *s.accepted[0];
  near.link->read(false);
  peer.reset();
  REQUIRE(run_until(*d, [&] {
    near.send("x");
    d->poll();
    return near.closed_with.has_value();
  }));
  CHECK(near.closed_with->value() != 0);
  CHECK(near.reads == 0);
}

TEST_CASE("a callback may destroy its own stream") {
  SECTION("connected") {
    auto d = erl::make_asio_driver();
    const server s{*d};
    end_point client;
    client.on_connected = [&] { client.link.reset(); };
    client.link = d->connect(s.socket->local(), client);
    REQUIRE(run_until(*d, [&] { return client.is_connected && s.accepted.size() == 1; }));
    CHECK(client.link == nullptr);
    REQUIRE(run_until(*d, [&] { return s.accepted[0]->closed_with.has_value(); }));
  }
  SECTION("received") {
    pair p;
    p.far().space = 2; // more would follow
    p.far().on_received = [&] { p.far().link.reset(); };
    p.client.send("hello");
    REQUIRE(run_until(*p.driver, [&] { return p.client.closed_with.has_value(); }));
    CHECK(p.far().text() == "he");
    CHECK_FALSE(p.far().closed_with);
  }
  SECTION("closed") {
    pair p;
    p.far().on_closed = [&] { p.far().link.reset(); };
    p.client.link.reset();
    REQUIRE(run_until(*p.driver, [&] { return p.far().closed_with.has_value(); }));
  }
}

TEST_CASE("a stream that is destroyed while others of the same pass are due stays silent") {
  auto d = erl::make_asio_driver();
  server s{*d};
  std::vector<std::unique_ptr<end_point>> clients;
  for (int i = 0; i < 10; ++i) {
    auto& c = *clients.emplace_back(std::make_unique<end_point>());
    c.link = d->connect(s.socket->local(), c);
  }
  REQUIRE(run_until(*d, [&] {
    return s.accepted.size() == 10 &&
           std::ranges::all_of(clients, [](const auto& c) { return c->is_connected; });
  }));
  int received = 0;
  for (auto& e : s.accepted) {
    e->on_received = [&] {
      ++received;
      for (auto& other : s.accepted) {
        other->link.reset();
      }
    };
  }
  for (auto& c : clients) {
    c->send("x");
  }
  REQUIRE(run_until(*d, [&] {
    return std::ranges::all_of(clients, [](const auto& c) { return c->closed_with.has_value(); });
  }));
  CHECK(received == 1);
}

TEST_CASE("streams and listeners may outlive the driver") {
  end_point client;
  std::unique_ptr<erl::listener> listening;
  {
    pair p;
    client.link = p.driver->connect(p.listening.socket->local(), client);
    listening = std::move(p.listening.socket);
    p.listening.accepted[0]->send("unread");
    p.driver.reset();
    const auto raw = std::as_bytes(std::span{"x", 1});
    CHECK(p.client.link->write(std::span{&raw, 1}) == 0);
    p.client.link->read(true);
    CHECK(p.client.link->peer().address == "127.0.0.1");
  }
  CHECK_FALSE(client.is_connected);
  CHECK_FALSE(client.closed_with);
}

TEST_CASE("reading stops and goes on inside callbacks") {
  pair p;
  p.far().space = 1;
  p.far().on_received = [&] { p.far().link->read(false); };
  p.client.send("abc");
  REQUIRE(run_until(*p.driver, [&] { return p.far().in.size() == 1; }));
  for (int i = 0; i < 20; ++i) {
    p.driver->wait(p.driver->now() + 1ms);
  }
  CHECK(p.far().text() == "a");
  p.far().on_received = [&] {
    p.far().link->read(false);
    p.far().link->read(true);
  };
  p.far().link->read(true);
  REQUIRE(run_until(*p.driver, [&] { return p.far().in.size() == 3; }));
  CHECK(p.far().text() == "abc");
}

TEST_CASE(
    "a stream that always has more to read gets a bounded turn a poll, and the others theirs") {
  pair p;
  end_point quiet;
  quiet.link = p.driver->connect(p.listening.socket->local(), quiet);
  REQUIRE(run_until(*p.driver, [&] { return p.listening.accepted.size() == 2; }));
  end_point& busy_far = p.far();
  end_point& quiet_far = *p.listening.accepted[1];
  p.client.out = pattern(std::size_t{2} << 20);
  p.client.flush();
  busy_far.space = 16 * 1024; // of which a socket holds many
  REQUIRE(p.client.written > 16 * busy_far.space / 2);
  quiet.send("x");
  std::size_t before = busy_far.reads;
  int polls = 0;
  while (quiet_far.in.empty() && polls < 100) {
    p.driver->poll();
    ++polls;
    CHECK(busy_far.reads <= before + 4);
    before = busy_far.reads;
  }
  CHECK(quiet_far.text() == "x");
  CHECK(polls <= 3);
  REQUIRE(run_until(*p.driver, [&] { return busy_far.in.size() == p.client.out.size(); }));
  CHECK(busy_far.in == p.client.out);
}

TEST_CASE("what arrives while a reader pauses comes in order once it goes on") {
  pair p;
  std::string sent;
  for (int round = 0; round < 200; ++round) {
    p.far().link->read(round % 2 == 0);
    const std::string text(static_cast<std::size_t>(round * 37 % 5000),
                           static_cast<char>('a' + round % 26));
    sent += text;
    p.client.send(text);
    const std::size_t before = p.far().in.size();
    p.driver->wait(p.driver->now() + 100us);
    p.driver->poll();
    CHECK((round % 2 == 0 || p.far().in.size() == before));
  }
  p.far().link->read(true);
  REQUIRE(run_until(*p.driver, [&] { return p.far().in.size() >= sent.size(); }));
  CHECK(p.far().text() == sent);
}
