/// What the operator sees of the connections of a node: how they are counted, and shown.
#include "dist/link_fixture.hpp"
#include "node/peers_fixture.hpp"
#include "support/vectors.hpp"
#include <erl/call.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace erl;
using namespace erl::test_only;
using erl::dist::test_only::raw_peer;

TEST_CASE("the operator sees what passes over each connection") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  b.serve();
  CHECK(a.others.connections().empty());
  a.spawn([](process& self) -> task<> {
    for (int i = 0; i < 10; ++i) {
      auto reply = co_await call<std::int64_t>(self, {"adder", "b@sim"}, add{i, 2});
      CHECK(reply);
    }
  });
  c.pass(3s);
  const auto of_a = a.others.connections();
  const auto of_b = b.others.connections();
  REQUIRE(of_a.size() == 1);
  REQUIRE(of_b.size() == 1);
  const connection_info& ours = of_a[0];
  const connection_info& theirs = of_b[0];
  CHECK(ours.name == "b@sim");
  CHECK(ours.address == "10.0.0.2");
  CHECK(ours.port == 1);
  CHECK_FALSE(ours.incoming);
  CHECK(theirs.incoming);
  CHECK_FALSE(ours.visible);
  CHECK(ours.age >= 2900ms);
  CHECK(ours.age <= 3s);
  CHECK(ours.flags == dist::advertised(false));
  CHECK(ours.flag_names.find("UNLINK_ID") != std::string::npos);
  CHECK(ours.sent.bytes == theirs.received.bytes);
  CHECK(ours.received.bytes == theirs.sent.bytes);
  CHECK(ours.sent.frames == theirs.received.frames);
  CHECK(ours.sent.messages == 30); // monitor, call, demonitor
  CHECK(ours.received.messages == 10);
  CHECK(ours.sent.frames == 30 + ours.sent.ticks);
  CHECK(ours.waiting_bytes == 0);
  CHECK(ours.times_busy == 0);
  const std::string table = to_text(of_a);
  CHECK(table.starts_with("node   kind    address       age"));
  CHECK(table.find("\nb@sim  hidden  > 10.0.0.2:1") != std::string::npos);
  CHECK(to_text(ours).find("address: 10.0.0.2:1, dialled from here\n") != std::string::npos);
}

TEST_CASE("the operator sees how long senders stopped for a slow peer, and how much waits") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  a.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  a.spawn([](process& self) -> task<> {
    const term chunk = term::text(std::string(10'000, 'x'));
    for (int i = 0; i < 400; ++i) {
      self.send(destination("nobody", "b@sim"), chunk);
      if (i % 10 == 0)
        auto pause = co_await self.receive(1ms);
    }
  });
  const auto turn = [&](duration time) { // of a alone
    for (const auto end = c.network.now() + time; c.network.now() < end; c.network.advance(1ms))
      while (a.round()) {
      }
  };
  turn(1s);
  auto info = a.others.connections();
  REQUIRE(info.size() == 1);
  CHECK(info[0].times_busy == 1);
  CHECK(info[0].stops == 1);
  CHECK(info[0].stopped_senders == 1);
  CHECK(info[0].busy_time > 500ms);
  CHECK(info[0].busy_time < 1s);
  CHECK(info[0].waiting_bytes >= std::size_t{1} << 20U);
  const duration busy = info[0].busy_time;
  c.pass(1s);
  info = a.others.connections();
  REQUIRE(info.size() == 1);
  CHECK(info[0].stopped_senders == 0);
  CHECK(info[0].waiting_bytes == 0);
  CHECK(info[0].sent.messages == 400);
  CHECK(info[0].busy_time >= busy);
  CHECK(info[0].busy_time < busy + 500ms);
  CHECK(b.others.connections()[0].received.messages == 400);
}

TEST_CASE("the operator sees why connections were refused, failed and ended") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  const auto connect = [&](sim_node& from, const std::string& to) {
    from.others.connect(to, [](const auto&) {});
    c.pass(50ms);
  };
  {
    sim_node& stranger = c.start("c@sim", 5, "another cookie");
    connect(stranger, "b@sim");
    CHECK(stranger.others.history().failed.wrong_cookie +
              stranger.others.history().failed.hung_up ==
          1);
    c.stop(stranger);
  }
  CHECK(b.others.history().refused.wrong_cookie == 1);
  CHECK(b.others.history().refused.total() == 1);
  connect(a, "z@nowhere");
  connect(a, "c@sim");
  CHECK(a.others.history().failed.unreachable == 2);
  CHECK(a.others.history().failed.total() == 2);
  connect(a, "b@sim");
  c.network.cut_all();
  c.pass(50ms);
  connect(a, "b@sim");
  CHECK(a.others.history().dialled == 2);
  CHECK(b.others.history().accepted == 2);
  CHECK(a.others.history().lost.network == 1);
  CHECK(b.others.history().lost.network == 1);
  a.spawn([](process& self) -> task<> {
    const atom peer = "b@sim";
    self.disconnect_node(peer);
    co_return;
  });
  c.pass(50ms);
  CHECK(a.others.history().lost.disconnected == 1);
  CHECK(a.others.history().lost.total() == 2);
  CHECK(b.others.history().lost.closed_by_peer == 1);
  CHECK(to_text(a.others.history()) == "dialled: 2\nfailed, unreachable: 2\n"
                                       "lost, error of the network: 1\nlost, disconnected: 1\n");
  // A namesake of b, beside it.
  sim_node twin(c.network, sim_node::options("b@sim"), 7, endpoint{"10.0.0.9", 1});
  twin.others.connect("b@sim", [](const auto&) {});
  for (int i = 0; i < 50; ++i)
    twin.round(), b.round();
  CHECK(b.others.history().refused.same_name == 1);
  CHECK(b.others.history().refused.total() == 2);
}

TEST_CASE("connections that are closed over a limit are counted by the limit") {
  cluster c;
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  a.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  b.others.too_many_relations("a@sim");
  c.pass(50ms);
  CHECK(b.others.history().lost.too_many_relations == 1);
  CHECK(b.others.history().lost.over_limit() == 1);
  CHECK(a.others.history().lost.over_limit() == 0);
  // Whoever says nothing holds a place until its time is over.
  std::vector<std::unique_ptr<raw_peer>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(std::make_unique<raw_peer>(c.network));
    silent.back()->dial({"10.0.0.2", 1});
  }
  c.pass(100ms);
  CHECK(b.others.history().refused.over_limit == 4);
  silent[0]->write(std::as_bytes(std::span("GET / HTTP/1.1")));
  silent[1]->hang_up();
  c.pass(8s);
  CHECK(b.others.history().refused.malformed == 1);
  CHECK(b.others.history().refused.hung_up == 1);
  CHECK(b.others.history().refused.timed_out == 14);
  CHECK(b.others.history().refused.total() == 20);
}

TEST_CASE("a connection that a new life of its peer replaces is counted so") {
  cluster c;
  sim_node& a = c.start("a@sim", 5);
  sim_node& b = c.start("b@sim");
  a.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  c.network.vanish("10.0.0.2");
  c.stop(a);
  c.pass(50ms);
  CHECK(b.others.connections().size() == 1);
  sim_node& again = c.start("a@sim", 6);
  again.others.connect("b@sim", [](const auto&) {});
  c.pass(50ms);
  CHECK(b.others.history().lost.replaced == 1);
  CHECK(b.others.history().lost.total() == 1);
  CHECK(b.others.history().accepted == 2);
  CHECK(b.others.connections().size() == 1);
}

TEST_CASE("of attempts that cross, the ones that are given up are counted so") {
  cluster c(GENERATE(1U, 2U, 3U, 4U));
  sim_node& a = c.start("a@sim");
  sim_node& b = c.start("b@sim");
  a.others.connect("b@sim", [](const auto&) {});
  b.others.connect("a@sim", [](const auto&) {});
  c.pass(1s);
  for (const sim_node* each : {&a, &b}) {
    const connection_history& h = each->others.history();
    CHECK(h.accepted + h.dialled == 1);
    CHECK(h.refused.total() == h.refused.given_up + h.refused.hung_up);
    CHECK(h.failed.total() == h.failed.given_up);
    CHECK(h.refused.total() + h.failed.total() == 1);
    CHECK(h.lost.total() == 0);
  }
}

TEST_CASE("the table in docs/distribution.md is what is printed") {
  const connection_info db{.name = "db@10.0.0.2",
                           .address = "10.0.0.2",
                           .port = 39001,
                           .age = 4h + 5min + 6s,
                           .received = {.bytes = 8'123'456, .frames = 123'456, .messages = 98'765},
                           .sent = {.bytes = 123'456, .frames = 4711, .messages = 3210},
                           .times_busy = 2,
                           .busy_time = 90ms,
                           .new_atoms = 17};
  const connection_history past{.accepted = 1,
                                .dialled = 1,
                                .refused = {.wrong_cookie = 3},
                                .failed = {},
                                .lost = {.silent = 1}};
  std::ifstream file(test::vectors_folder() + "/../../docs/distribution.md", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "```text\n";
  const auto place = text.find(fence + "node ");
  REQUIRE(place != std::string::npos);
  const auto begin = place + fence.size();
  CHECK(text.substr(begin, text.find("```", begin) - begin) ==
        to_text(std::span(&db, 1)) + to_text(past));
}
