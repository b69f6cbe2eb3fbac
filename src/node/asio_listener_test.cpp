#include "node/asio_test_support.hpp"

#include <sys/resource.h>

using namespace erl::test;

TEST_CASE("listening fails with a reason") {
  auto d = erl::make_asio_driver();
  server s{*d};
  std::error_code error;
  CHECK(d->listen(s.socket->local(), s, error) == nullptr);
  CHECK(error == std::errc::address_in_use);
  CHECK(d->listen({"192.0.2.1", 0}, s, error) == nullptr);
  CHECK(error == std::errc::address_not_available);
  CHECK(d->listen({"nonsense", 0}, s, error) == nullptr);
  CHECK(error == std::errc::invalid_argument);
  const auto good = d->listen({"127.0.0.1", 0}, s, error);
  CHECK(good != nullptr);
  CHECK_FALSE(error);
}

TEST_CASE("a dropped incoming connection is closed") {
  auto d = erl::make_asio_driver();
  struct dropper : erl::accept_events {
    void incoming_connection(std::unique_ptr<incoming>) override {}
  } events;
  std::error_code error;
  const auto l = d->listen({"127.0.0.1", 0}, events, error);
  end_point client;
  client.link = d->connect(l->local(), client);
  REQUIRE(run_until(*d, [&] { return client.closed_with.has_value(); }));
  CHECK_FALSE(*client.closed_with);
}

TEST_CASE("a listener may be destroyed in its callback") {
  auto d = erl::make_asio_driver();
  server s{*d};
  const auto at = s.socket->local();
  s.prepare = [&](end_point&) { s.socket.reset(); };
  end_point one;
  end_point two;
  one.link = d->connect(at, one);
  two.link = d->connect(at, two);
  REQUIRE(run_until(*d, [&] { return two.closed_with || one.closed_with; }));
  CHECK(s.accepted.size() == 1);
}

TEST_CASE("hundreds of connections are served at once") {
  auto d = erl::make_asio_driver();
  server s{*d};
  s.prepare = [](end_point& e) { e.on_received = [&e] { e.send(e.text()); }; };
  constexpr std::size_t count = 400;
  std::vector<std::unique_ptr<end_point>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    auto& c = *clients.emplace_back(std::make_unique<end_point>());
    c.on_connected = [&c, i] { c.send(std::to_string(1000 + i)); };
    c.link = d->connect(s.socket->local(), c);
  }
  REQUIRE(run_until(*d, [&] {
    return std::ranges::all_of(clients, [](const auto& c) { return c->in.size() == 4; });
  }));
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(clients[i]->text() == std::to_string(1000 + i));
  }
  clients.clear();
  REQUIRE(run_until(*d, [&] {
    return std::ranges::all_of(s.accepted,
                               [](const auto& e) { return e->closed_with.has_value(); });
  }));
}

TEST_CASE(
    "at the limit of descriptors connections are closed, and served again when there is room") {
  auto d = erl::make_asio_driver();
  server s{*d};
  std::vector<raw_socket> peers(30);
  raw_socket late;
  end_point client;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int lowest_free = ::dup(0);
  REQUIRE(lowest_free >= 0);
  ::close(lowest_free);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(lowest_free) + 5; // 5 more, and the driver's reserve
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);

  std::size_t refused = 0;
  for (const auto& peer : peers) {
    CHECK(peer.connect(s.socket->local()));
  }
  CHECK(run_until(*d, [&] {
    refused = 0;
    for (const auto& peer : peers) {
      char c = 0;
      refused += ::recv(peer.get(), &c, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
    }
    return refused + s.accepted.size() == peers.size();
  }));
  CHECK(s.accepted.size() == 5);
  client.link = d->connect(s.socket->local(), client);
  CHECK(run_until(*d, [&] { return client.closed_with.has_value(); }));
  CHECK(client.closed_with == std::errc::too_many_files_open);

  s.accepted.clear();
  CHECK(late.connect(s.socket->local()));
  CHECK(run_until(*d, [&] { return s.accepted.size() == 1; }));
  ::setrlimit(RLIMIT_NOFILE, &before);
}
