#include "dist/bytes.hpp"
#include "dist/link.hpp"
#include "dist/link_fixture.hpp"
#include "support/vectors.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace erl;
using namespace erl::dist;
using namespace erl::dist::test_only;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace {

const endpoint address{"127.0.0.1", 5000};

/// Lets both nodes work until neither has anything to do.
void turn_all(link_node& a, link_node& b) {
  for (bool again = true; again;) {
    again = a.turn();
    again = b.turn() || again;
  }
}

/// Connects `peer` to a listening node as "raw@h", with a machine of its own.
void shake_hands(raw_peer& peer, link_node& node) {
  peer.dial(address);
  // In pass-through mode, which is easy to write.
  initiator machine({.name = "raw@h",
                     .flags = advertised(false) & ~header_flags,
                     .creation = 5,
                     .cookie = "cookie",
                     .challenge = 1},
                    node.options.name);
  for (auto what = handshake_action::more; what != handshake_action::done;) {
    node.turn();
    peer.io.poll();
    bytes_view unread = peer.bytes;
    const auto action = machine.resume(unread);
    peer.bytes.assign(unread.begin(), unread.end());
    what = action.what;
    REQUIRE(what != handshake_action::failed);
    if (what == handshake_action::send)
      peer.write(action.bytes);
  }
}

void write_frame(raw_peer& peer, std::span<const std::byte> body) {
  std::vector<std::byte> frame(4);
  write_u32(frame.data(), static_cast<std::uint32_t>(body.size()));
  frame.insert(frame.end(), body.begin(), body.end());
  peer.write(frame);
}

/// Two nodes, connected by the first.
struct pair {
  explicit pair(const memory_options& how = {}) : network(how) {}

  void settle() { turn_all(a, b); }
  void connect() {
    b.listen();
    a.dial(address, "b@h");
    settle();
    REQUIRE(a.events.back() == "up b@h");
    REQUIRE(b.events.back() == "up a@h");
  }
  /// Lets time pass in steps, so that timers of both sides run in order.
  void pass(duration time, duration step = 500ms) {
    for (const auto end = network.now() + time; network.now() < end;) {
      network.advance(step);
      settle();
    }
  }
  dist::link& from_a() { return *a.links.front(); }
  dist::link& from_b() { return *b.links.front(); }

  memory_network network;
  link_node a{network, "a@h"};
  link_node b{network, "b@h"};
};

} // namespace

TEST_CASE("two links shake hands and pass messages in order, however the bytes are split",
          "[link]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    pair nodes({.seed = seed, .max_read = 7, .random_splits = true});
    nodes.connect();
    for (int i = 0; i < 50; ++i)
      REQUIRE(nodes.from_a().send(message_to(nodes.a.process(1), nodes.b.process(2), term(i))));
    CHECK(nodes.b.messages.empty());
    nodes.from_a().flush();
    nodes.settle();
    REQUIRE(nodes.b.messages.size() == 50);
    for (int i = 0; i < 50; ++i)
      CHECK(nodes.b.messages[static_cast<std::size_t>(i)].payload.to_int64() == i);
    CHECK(nodes.b.messages[0].from == nodes.a.process(1));
  }
}

TEST_CASE("messages that the initiator sends as soon as it is up arrive", "[link]") {
  pair nodes;
  nodes.a.on_up = [&](dist::link& source) {
    CHECK(source.send(message_to(nodes.a.process(1), atom("server"), term(atom("hello")))));
    source.flush();
  };
  nodes.connect();
  REQUIRE(nodes.b.messages.size() == 1);
  CHECK(nodes.b.messages[0].name == atom("server"));
}

TEST_CASE("a frame glued to the last handshake message is the first of the connection", "[link]") {
  pair nodes;
  nodes.b.on_up = [&](dist::link& source) {
    CHECK(source.send(message_to(nodes.b.process(1), atom("early"), term(1))));
    source.flush();
  };
  nodes.connect();
  REQUIRE(nodes.a.messages.size() == 1);
  CHECK(nodes.a.messages[0].name == atom("early"));
}

TEST_CASE("nothing but a full connection takes messages", "[link]") {
  pair nodes;
  nodes.b.listen();
  auto& dialling = nodes.a.dial(address, "b@h");
  CHECK_FALSE(dialling.send(message_to(nodes.a.process(1), nodes.b.process(1), term(1))));
  CHECK(dialling.queued_bytes() == 0);
}

TEST_CASE("peers that do not know the cookie are refused with cause and cure", "[link]") {
  pair nodes;
  nodes.a.options.cookie = "other";
  nodes.b.listen();
  nodes.a.dial(address, "b@h");
  nodes.settle();
  REQUIRE(nodes.a.ends.size() == 1);
  CHECK(nodes.a.ends[0].reason == close_reason::handshake_failed);
  CHECK(nodes.a.ends[0].handshake == handshake_errc::wrong_cookie);
  REQUIRE(nodes.b.ends.size() == 1);
  CHECK(nodes.b.ends[0].handshake == handshake_errc::wrong_cookie);
  CHECK(nodes.a.challenges.size() == 0);
  CHECK(nodes.b.challenges.size() == 0);
}

TEST_CASE("an unproved name does not become an atom", "[link]") {
  memory_network network;
  link_node node(network, "b@h");
  node.listen();
  raw_peer peer(network);
  peer.dial(address);
  std::vector<std::byte> name;
  append(name, send_name_message{.old_form = false,
                                 .flags = advertised(false),
                                 .creation = 4,
                                 .name = "never-heard-of@h"});
  name.insert(name.begin(), {std::byte{0}, static_cast<std::byte>(name.size())});
  peer.write(name);
  node.turn();
  CHECK(node.events == lines{"name never-heard-of@h"});
  CHECK_FALSE(atom::find("never-heard-of@h"));
}

TEST_CASE("an address that nobody listens on, or that does not answer, is unreachable", "[link]") {
  pair nodes;
  nodes.a.dial(address, "b@h");
  nodes.settle();
  REQUIRE(nodes.a.ends.size() == 1);
  CHECK(nodes.a.ends[0].reason == close_reason::unreachable);

  nodes.network.black_hole(address, true);
  nodes.a.dial(address, "b@h");
  nodes.pass(6900ms, 100ms);
  CHECK(nodes.a.ends.size() == 1);
  nodes.pass(100ms);
  REQUIRE(nodes.a.ends.size() == 2);
  CHECK(nodes.a.ends[1].reason == close_reason::unreachable);
}

TEST_CASE("bytes that drip in do not prolong the seven seconds of a handshake", "[link]") {
  memory_network network;
  link_node node(network, "b@h");
  node.listen();
  raw_peer peer(network);
  peer.dial(address);
  const std::array drop{std::byte{0}};
  for (int i = 0; i < 7; ++i) {
    CHECK(node.ends.empty());
    peer.write(drop);
    node.turn();
    network.advance(1s);
    if (i == 0)
      peer.write(std::array{std::byte{30}});
  }
  node.turn();
  REQUIRE(node.ends.size() == 1);
  CHECK(node.ends[0].handshake == handshake_errc::timed_out);
}

TEST_CASE("a second connection replaces the first once it is proved", "[link]") {
  pair nodes;
  nodes.connect();
  nodes.b.decision = {.status = handshake_status::alive};
  nodes.a.dial(address, "b@h");
  nodes.settle();
  CHECK(nodes.a.events == lines{"up b@h", "still_wanted", "up b@h"});
  CHECK(nodes.b.events == lines{"name a@h", "up a@h", "name a@h", "replace_old", "up a@h"});
}

TEST_CASE("an attempt that is no longer meant ends on both sides", "[link]") {
  pair nodes;
  nodes.b.decision = {.status = handshake_status::alive};
  nodes.a.wanted = false;
  nodes.b.listen();
  nodes.a.dial(address, "b@h");
  nodes.settle();
  CHECK(nodes.a.ends.at(0).handshake == handshake_errc::abandoned);
  CHECK(nodes.b.ends.at(0).handshake == handshake_errc::abandoned);
}

TEST_CASE("the initiator of a lost race is told so", "[link]") {
  pair nodes;
  nodes.b.decision = {.status = handshake_status::nok};
  nodes.b.listen();
  nodes.a.dial(address, "b@h");
  nodes.settle();
  CHECK(nodes.a.ends.at(0).handshake == handshake_errc::simultaneous);
}

TEST_CASE("two silent links keep each other alive with ticks", "[link]") {
  pair nodes;
  nodes.connect();
  nodes.pass(10min);
  CHECK(nodes.a.ends.empty());
  CHECK(nodes.b.ends.empty());
  // 40 intervals; the ticks of both, and no storm of answers.
  CHECK(nodes.from_a().bytes_read() < 80 * 4 + 200);
}

TEST_CASE("a node with a short tick time is kept alive by one with a long one", "[link]") {
  pair nodes;
  nodes.a.options.ticks.time = 4s;
  nodes.connect();
  nodes.pass(3min);
  CHECK(nodes.a.ends.empty());
}

TEST_CASE("a peer that falls silent is given up after the tick time", "[link]") {
  pair nodes;
  nodes.connect();
  for (const auto end = nodes.network.now() + 46s; nodes.network.now() < end;) {
    nodes.network.advance(1s);
    nodes.a.turn();
  }
  CHECK(nodes.a.ends.empty());
  for (int i = 0; i < 30; ++i) {
    nodes.network.advance(1s);
    nodes.a.turn();
  }
  REQUIRE(nodes.a.ends.size() == 1);
  CHECK(nodes.a.ends[0].reason == close_reason::tick_timeout);
}

TEST_CASE("a peer that hangs up, and a network that breaks, are told apart", "[link]") {
  pair nodes;
  nodes.connect();
  nodes.from_b().close();
  nodes.settle();
  CHECK(nodes.a.ends.at(0).reason == close_reason::peer_closed);
  CHECK(nodes.b.ends.empty());

  pair others;
  others.connect();
  others.network.cut_all();
  others.settle();
  CHECK(others.a.ends.at(0).reason == close_reason::connection_lost);
}

TEST_CASE("an illegal frame ends the connection and names the offence", "[link]") {
  pair nodes;
  nodes.connect();
  // A fake peer on b's side: the name of a process that is not b's.
  const pid third{.node = atom("third@h"), .id = 1, .serial = 0, .creation = 1};
  REQUIRE(nodes.from_b().send(message_to(third, nodes.a.process(1), term(1))));
  REQUIRE(nodes.from_b().send(message_to(nodes.b.process(1), nodes.a.process(1), term(2))));
  nodes.from_b().flush();
  nodes.settle();
  REQUIRE(nodes.a.ends.size() == 1);
  CHECK(nodes.a.ends[0].reason == close_reason::protocol_error);
  CHECK(nodes.a.ends[0].text.find("no process of the peer") != std::string::npos);
  CHECK(nodes.a.messages.empty());
  CHECK(nodes.b.ends.at(0).reason == close_reason::peer_closed);
}

TEST_CASE("a frame beyond the limit ends the connection", "[link]") {
  pair nodes;
  nodes.a.options.limits.frame = 10'000;
  nodes.connect();
  REQUIRE(nodes.from_b().send(
      message_to(nodes.b.process(1), nodes.a.process(1), term::text(std::string(20'000, 'x')))));
  nodes.from_b().flush();
  nodes.settle();
  CHECK(nodes.a.ends.at(0).reason == close_reason::frame_too_long);
}

TEST_CASE("a peer may add only so many atoms", "[link]") {
  memory_network network;
  link_node node(network, "b@h");
  node.options.limits.new_atoms = 1;
  node.listen();
  raw_peer peer(network);
  shake_hands(peer, node);
  auto body = frame_of(message_to(pid{.node = atom("raw@h"), .id = 1, .serial = 0, .creation = 5},
                                  atom("x"), term(atom("atom-budget-0"))),
                       flags::send_sender);
  for (const char last : {'1', '2'}) {
    body.back() = static_cast<std::byte>(last);
    write_frame(peer, body);
    node.turn();
  }
  REQUIRE(node.messages.size() == 1);
  CHECK(node.messages[0].payload.is(atom("atom-budget-1")));
  REQUIRE(node.ends.size() == 1);
  CHECK(node.ends[0].reason == close_reason::too_many_atoms);
  CHECK_FALSE(atom::find("atom-budget-2"));
}

TEST_CASE("new atoms of a peer are counted", "[link]") {
  memory_network network;
  link_node node(network, "node@h");
  raw_peer peer(network);
  node.listen();
  shake_hands(peer, node);
  const auto before = node.links.front()->counters().new_atoms;
  CHECK(before == 0);
  auto body = frame_of({.kind = dist::signal_kind::message,
                        .target = target_kind::name,
                        .from = {.node = "raw@h", .id = 1, .serial = 0, .creation = 5},
                        .name = "someone",
                        .payload = term(1)},
                       node.links.front()->peer().common);
  // The name in the bytes is changed into one that no atom has.
  const std::string_view name = "someone";
  const auto place = std::ranges::search(body, std::as_bytes(std::span(name)));
  REQUIRE_FALSE(place.empty());
  place.front() = std::byte{'S'};
  place.back() = std::byte{'7'};
  for (int i = 0; i < 2; ++i) {
    write_frame(peer, body);
    node.turn();
  }
  CHECK(node.links.front()->counters().messages_read == 2);
  CHECK(node.links.front()->counters().new_atoms == 1);
}

TEST_CASE("a slow peer makes the link congested, then drained", "[link]") {
  pair nodes({.capacity = 10'000});
  nodes.connect();
  auto& sender = nodes.from_a();
  const auto chunk = term::text(std::string(50'000, 'x'));
  while (!sender.congested())
    REQUIRE(sender.send(message_to(nodes.a.process(1), nodes.b.process(1), chunk)));
  sender.flush();
  const auto queued = sender.queued_bytes();
  CHECK(queued > nodes.a.options.limits.low_water);
  nodes.a.turn();
  CHECK(sender.queued_bytes() == queued);
  nodes.settle();
  CHECK(sender.queued_bytes() == 0);
  CHECK_FALSE(sender.congested());
  CHECK(nodes.a.events.back() == "drained");
  CHECK(nodes.b.messages.size() >= 10);
}

TEST_CASE("a link writes so much at a time, and then lets others have their turn", "[link]") {
  pair nodes({.capacity = 100'000'000});
  nodes.connect();
  auto& sender = nodes.from_a();
  const auto before = sender.bytes_written();
  REQUIRE(sender.send(
      message_to(nodes.a.process(1), nodes.b.process(1), term::text(std::string(3'000'000, 'x')))));
  sender.flush();
  CHECK(sender.bytes_written() - before < 600'000);
  CHECK(sender.bytes_written() > before);
  nodes.settle();
  CHECK(sender.queued_bytes() == 0);
  CHECK(nodes.b.messages.size() == 1);
}

TEST_CASE("output without bounds ends the connection", "[link]") {
  pair nodes({.capacity = 1000});
  nodes.a.options.limits.waiting_bytes = 50'000;
  nodes.connect();
  auto& sender = nodes.from_a();
  while (sender.send(
      message_to(nodes.a.process(1), nodes.b.process(1), term::text(std::string(10'000, 'x'))))) {
  }
  CHECK(sender.queued_bytes() < 70'000);
  sender.flush();
  CHECK(nodes.a.ends.at(0).reason == close_reason::output_overflow);
}

TEST_CASE("signals that make OTP close the connection are not sent", "[link]") {
  pair nodes;
  nodes.connect();
  control_message exit;
  exit.kind = signal_kind::link_exit;
  exit.from = nodes.a.process(1);
  exit.to = nodes.b.process(1);
  CHECK(nodes.from_a().send(exit));
  exit.to.creation = 99;
  CHECK_FALSE(nodes.from_a().send(exit));
  exit.kind = signal_kind::link;
  CHECK(nodes.from_a().send(exit));
  exit.to.node = atom("third@h");
  CHECK_FALSE(nodes.from_a().send(exit));
}

TEST_CASE("a link may be destroyed in any of its callbacks", "[link]") {
  for (const int where : {0, 1, 2}) {
    INFO(where);
    pair nodes;
    const auto destroy = [&](dist::link&) { nodes.a.links.clear(); };
    if (where == 0)
      nodes.a.on_up = destroy;
    if (where == 1)
      nodes.a.on_message = destroy;
    if (where == 2)
      nodes.a.on_closed = destroy;
    nodes.b.on_up = [&](dist::link& source) {
      for (int i = 0; i < 3; ++i)
        CHECK(source.send(message_to(nodes.b.process(1), nodes.a.process(1), term(i))));
      source.flush();
      if (where == 2)
        source.close();
    };
    nodes.b.listen();
    nodes.a.dial(address, "b@h");
    nodes.settle();
    CHECK(nodes.a.links.empty());
    CHECK(nodes.a.messages.size() == (where == 0 ? 0U : where == 1 ? 1U : 3U));
    CHECK(nodes.a.timers.size() == 0);
  }
}

TEST_CASE("a closed link delivers nothing more", "[link]") {
  pair nodes;
  nodes.a.on_message = [](dist::link& source) { source.close(); };
  nodes.connect();
  for (int i = 0; i < 3; ++i)
    REQUIRE(nodes.from_b().send(message_to(nodes.b.process(1), nodes.a.process(1), term(i))));
  nodes.from_b().flush();
  nodes.settle();
  CHECK(nodes.a.messages.size() == 1);
  CHECK(nodes.a.ends.empty());
  CHECK(nodes.from_a().is_closed());
  CHECK_FALSE(nodes.from_a().send(message_to(nodes.a.process(1), nodes.b.process(1), term(1))));
}

TEST_CASE("a link is kept alive without its owner, who hears later what was written", "[link]") {
  pair nodes({.capacity = 5000});
  nodes.connect();
  const auto interval = 1s; // less than between two ticks, as peers may have a shorter time
  nodes.network.advance(interval - 1ms);
  nodes.from_a().keep_alive();
  CHECK(nodes.from_a().counters().ticks_written == 0);
  nodes.network.advance(1ms);
  nodes.from_a().keep_alive();
  nodes.from_a().keep_alive();
  CHECK(nodes.from_a().counters().ticks_written == 1);
  nodes.b.turn();
  CHECK(nodes.from_b().counters().ticks_read == 1);

  // The socket takes a part of this, and more of it when the peer has read.
  const std::string text(4000, 'y');
  for (int i = 0; i < 20; ++i)
    REQUIRE(
        nodes.from_a().send(message_to(nodes.a.process(1), nodes.b.process(1), term::text(text))));
  nodes.from_a().flush();
  const auto queued = nodes.from_a().queued_bytes();
  CHECK(queued > 70'000);
  nodes.b.turn();
  nodes.network.advance(interval);
  nodes.a.writes = 0;
  nodes.from_a().keep_alive();
  CHECK(nodes.from_a().counters().ticks_written == 1);
  CHECK(nodes.from_a().queued_bytes() < queued);
  CHECK(nodes.a.writes == 0);
  nodes.from_a().flush();
  CHECK(nodes.a.writes == 1);
  nodes.settle();
  CHECK(nodes.from_b().counters().messages_read == 20);
}

TEST_CASE("what passes over a link is counted, at both ends alike", "[link]") {
  pair nodes({.capacity = 5000});
  nodes.connect();
  const auto send = [&](term what) {
    REQUIRE(
        nodes.from_a().send(message_to(nodes.a.process(1), nodes.b.process(1), std::move(what))));
    nodes.from_a().flush();
  };
  send(term(1));
  send(term(atom("an atom that only this message has")));
  nodes.settle();
  CHECK(nodes.from_a().counters().frames_written == 2);
  send(term::text(std::string(200'000, 'y')));
  while (nodes.from_b().counters().fragments_read == 0)
    nodes.a.turn(), nodes.b.turn();
  CHECK(nodes.from_b().counters().unfinished == 1);
  CHECK(nodes.from_b().counters().unfinished_bytes > 60'000);
  CHECK(nodes.from_b().counters().messages_read == 2);
  nodes.settle();
  nodes.pass(1min);
  const link_counters a = nodes.from_a().counters();
  const link_counters b = nodes.from_b().counters();
  CHECK(a.messages_written == 3);
  CHECK(b.messages_read == 3);
  CHECK(a.fragments_written == 4);
  CHECK(b.fragments_read == 4);
  CHECK(a.ticks_written > 2);
  CHECK(b.ticks_read == a.ticks_written);
  CHECK(a.frames_written == 2 + 4 + a.ticks_written);
  CHECK(b.frames_read == a.frames_written);
  CHECK(b.frames_written == b.ticks_written);
  CHECK(b.unfinished == 0);
  CHECK(b.unfinished_bytes == 0);
  CHECK(a.messages_read == 0);
}

TEST_CASE("a message in fragments that goes on is not too old, however short its time", "[link]") {
  pair nodes({.capacity = 5000});
  for (auto* each : {&nodes.a, &nodes.b})
    each->options.limits.unfinished_age = 10s; // less than the time between two looks
  nodes.connect();
  REQUIRE(nodes.from_a().send(
      message_to(nodes.a.process(1), nodes.b.process(1), term::text(std::string(200'000, 'y')))));
  nodes.from_a().flush();
  while (nodes.from_b().counters().fragments_read == 0)
    nodes.a.turn(), nodes.b.turn();
  REQUIRE(nodes.from_b().counters().unfinished == 1);
  nodes.network.advance(nodes.b.options.ticks.interval());
  nodes.b.turn();
  CHECK(nodes.b.ends.empty());
  nodes.settle();
  CHECK(nodes.from_b().counters().messages_read == 1);
}

TEST_CASE("a large message passes through small buffers whole", "[link]") {
  pair nodes({.capacity = 5000});
  nodes.connect();
  const std::string text(3'000'000, 'y');
  REQUIRE(
      nodes.from_a().send(message_to(nodes.a.process(1), nodes.b.process(1), term::text(text))));
  nodes.from_a().flush();
  nodes.settle();
  REQUIRE(nodes.b.messages.size() == 1);
  CHECK(nodes.b.messages[0].payload.to_text() == text);
}

TEST_CASE("a visible connection needs two visible nodes", "[link]") {
  for (const bool both : {false, true}) {
    memory_network network;
    link_node a(network, "a@h", true);
    link_node b(network, "b@h", both);
    b.listen();
    a.dial(address, "b@h");
    turn_all(a, b);
    CHECK(a.links.front()->peer().visible() == both);
  }
}
