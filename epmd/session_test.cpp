#include "epmd/session.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <random>

using namespace erl::epmd;
using namespace std::string_literals;
using step = action::step;

namespace {

constexpr std::uint32_t now = 1'795'000'000;

std::string framed(const std::string& body) {
  std::string out;
  wire::put_u16(out, static_cast<std::uint16_t>(body.size()));
  return out + body;
}

std::string register_bytes(std::string_view name, std::uint16_t port = 1234) {
  return wire::encode(wire::register_request{.port = port, .name = name});
}

struct daemon_state {
  registry names;
  session_rules rules{.port = 4369, .relaxed = false};
  int next_fd = 5;

  session connect(bool local = true) { return session(names, rules, next_fd++, local); }
  action ask(const std::string& body, bool local = true) {
    return connect(local).feed(framed(body), now);
  }
};

} // namespace

TEST_CASE("a registration is answered and its connection kept") {
  daemon_state daemon;
  auto node = daemon.connect();
  const auto did = node.feed(register_bytes("foo"), now);
  CHECK(did.next == step::keep);
  CHECK(did.reply == wire::encode_registered({true, now + 1}, 6));
  CHECK(node.registered());
  CHECK(daemon.names.find("foo") != nullptr);
}

TEST_CASE("a name is free once its connection has ended") {
  daemon_state daemon;
  auto node = daemon.connect();
  node.feed(register_bytes("foo"), now);
  node.ended();
  CHECK(daemon.names.find("foo") == nullptr);
}

TEST_CASE("any further byte of a node ends its registration at once") {
  daemon_state daemon;
  auto node = daemon.connect();
  node.feed(register_bytes("foo"), now);
  CHECK(node.wanted() > 0);
  CHECK(node.feed("x", now).next == step::close);
  CHECK(daemon.names.find("foo") == nullptr);
}

TEST_CASE("a refused registration is told so, and the connection stays open") {
  daemon_state daemon;
  auto first = daemon.connect();
  first.feed(register_bytes("foo"), now);
  auto second = daemon.connect();
  const auto did = second.feed(register_bytes("foo"), now);
  CHECK(did.next == step::keep);
  CHECK(did.reply == "\x76\x01\x00\x00\x00\x63"s);
  CHECK_FALSE(second.registered());
  second.ended();
  CHECK(daemon.names.find("foo") != nullptr);
}

TEST_CASE("a request is the same in one piece and byte by byte") {
  daemon_state daemon;
  auto node = daemon.connect();
  const auto request = register_bytes("foo");
  for (std::size_t i = 0; i + 1 < request.size(); ++i)
    REQUIRE(node.feed(request.substr(i, 1), now).next == step::read);
  CHECK(node.wanted() == 1);
  CHECK(node.feed(request.substr(request.size() - 1), now).next == step::keep);
  CHECK(daemon.names.find("foo") != nullptr);
}

TEST_CASE("lengths of 0 and above 3057 close at once, the greatest in between do not") {
  daemon_state daemon;
  CHECK(daemon.connect().feed("\x00\x00"s, now).next == step::close);
  CHECK(daemon.connect().feed("\x0b\xf2"s, now).next == step::close);
  auto greatest = daemon.connect();
  CHECK(greatest.feed("\x0b\xf1"s, now).next == step::read);
  CHECK(greatest.wanted() == 3057);
}

TEST_CASE("more bytes than announced in the first segment close without an answer") {
  daemon_state daemon;
  const auto did = daemon.connect().feed("\x00\x01nx"s, now);
  CHECK(did.next == step::close);
  CHECK(did.reply.empty());
}

TEST_CASE("a malformed request closes without an answer") {
  daemon_state daemon;
  for (const auto* body : {"q", "z", "s", "x", "xxxxxxxxxxxxxxxxxxxx"}) {
    const auto did = daemon.ask(body);
    CHECK(did.next == step::close);
    CHECK(did.reply.empty());
  }
}

TEST_CASE("a look-up finds live nodes, and closes either way") {
  daemon_state daemon;
  auto node = daemon.connect();
  node.feed(register_bytes("foo", 4711), now);
  const auto found = daemon.ask("zfoo");
  CHECK(found.next == step::close);
  CHECK(found.reply == wire::encode_found({.name = "foo", .port = 4711}));
  const auto unknown = daemon.ask("zbar");
  CHECK(unknown.next == step::close);
  CHECK(unknown.reply == "\x77\x01");
}

TEST_CASE("the list of names begins with the daemon's port") {
  daemon_state daemon;
  auto node = daemon.connect();
  node.feed(register_bytes("foo"), now);
  const auto did = daemon.ask("n");
  CHECK(did.next == step::close);
  CHECK(did.reply == "\x00\x00\x11\x11name foo at port 1234\n"s);
}

TEST_CASE("strangers may look up and list, and nothing else") {
  daemon_state daemon;
  daemon.rules.relaxed = true;
  auto node = daemon.connect();
  node.feed(register_bytes("foo"), now);
  CHECK_FALSE(daemon.ask("zfoo", false).reply.empty());
  CHECK_FALSE(daemon.ask("n", false).reply.empty());
  for (const auto* body : {"d", "k", "sfoo"}) {
    const auto did = daemon.ask(body, false);
    CHECK(did.next == step::close);
    CHECK(did.reply.empty());
    CHECK_FALSE(did.drop);
  }
  auto stranger = daemon.connect(false);
  const auto did = stranger.feed(register_bytes("bar"), now);
  CHECK(did.next == step::close);
  CHECK(did.reply.empty());
  CHECK(daemon.names.find("bar") == nullptr);
}

TEST_CASE("a kill is refused while nodes live") {
  daemon_state daemon;
  {
    auto node = daemon.connect();
    node.feed(register_bytes("foo"), now);
    const auto did = daemon.ask("k");
    CHECK(did.next == step::close);
    CHECK(did.reply == "NO");
    node.ended();
  }
  const auto did = daemon.ask("k");
  CHECK(did.next == step::stop);
  CHECK(did.reply == "OK");
}

TEST_CASE("a relaxed daemon can be killed while nodes live") {
  daemon_state daemon;
  daemon.rules.relaxed = true;
  auto node = daemon.connect();
  node.feed(register_bytes("foo"), now);
  CHECK(daemon.ask("k").next == step::stop);
}

TEST_CASE("only a relaxed daemon stops a node") {
  daemon_state daemon;
  auto node = daemon.connect();
  node.feed(register_bytes("foo"), now);
  const auto refused = daemon.ask("sfoo");
  CHECK(refused.reply.empty());
  CHECK_FALSE(refused.drop);
  daemon.rules.relaxed = true;
  const auto stopped = daemon.ask("sfoo");
  CHECK(stopped.reply == "STOPPED");
  CHECK(stopped.drop == 5);
  CHECK(daemon.ask("sbar").reply == "NOEXISTSTOPPED");
}

TEST_CASE("random segments neither throw nor leave a name behind") {
  std::mt19937 random(4369);
  daemon_state daemon;
  daemon.rules.relaxed = true;
  for (int round = 0; round < 20'000; ++round) {
    auto client = daemon.connect();
    auto bytes =
        random() % 2 == 0 ? register_bytes("r" + std::to_string(random() % 9)) : framed("z");
    for (auto& byte : bytes)
      if (random() % 8 == 0)
        byte = static_cast<char>(random());
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const auto size = std::min({rest.size(), client.wanted(), std::size_t{1 + random() % 9}});
      if (client.feed(rest.substr(0, size), now).next != step::read)
        break;
      rest.remove_prefix(size);
    }
    client.ended();
  }
  CHECK(daemon.names.empty());
}
