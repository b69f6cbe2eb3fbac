// Replays handshakes that were recorded between real nodes: same inputs, same bytes.
#include "dist/handshake.hpp"
#include "dist/handshake_runner.hpp"
#include "support/vectors.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <optional>

using namespace erl::dist;
using namespace erl::dist::test_only;
using erl::test::from_hex;
using erl::test::text;
using erl::test::to_hex;

namespace {

constexpr bool initiators = true;
constexpr bool acceptors = false;

std::vector<std::byte> with_length(const std::vector<std::byte>& message) {
  std::vector<std::byte> bytes{static_cast<std::byte>(message.size() >> 8U),
                               static_cast<std::byte>(message.size())};
  bytes.insert(bytes.end(), message.begin(), message.end());
  return bytes;
}

/// One recorded handshake.
struct recording {
  explicit recording(const boost::json::object& line) : name(text(line, "name")) {
    const auto& cookies = line.at("cookies").as_object();
    initiator_cookie = text(cookies, "initiator");
    acceptor_cookie = text(cookies, "acceptor");
    for (const auto& value : line.at("messages").as_array()) {
      const auto& message = value.as_object();
      const auto bytes = from_hex(text(message, "hex"));
      const bool by_initiator = text(message, "from") == "initiator";
      auto& stream = by_initiator ? from_initiator : from_acceptor;
      const auto framed = with_length(bytes);
      stream.insert(stream.end(), framed.begin(), framed.end());
      const auto type = text(message, "type");
      if (type == "send_name")
        send_name = parse_send_name(bytes);
      else if (type == "status" && !by_initiator)
        status = parse_status(bytes);
      else if (type == "challenge")
        challenge = parse_challenge(bytes);
      else if (type == "challenge_reply")
        reply = parse_challenge_reply(bytes);
      else if (type == "challenge_ack")
        ack = parse_challenge_ack(bytes);
    }
  }

  initiator make_initiator() const {
    return initiator({.name = send_name->name,
                      .flags = send_name->flags,
                      .creation = send_name->creation,
                      .cookie = initiator_cookie,
                      .challenge = reply ? reply->challenge : 0},
                     challenge ? challenge->name : "unknown@localhost");
  }
  acceptor make_acceptor() const {
    handshake_options options{.name = challenge ? challenge->name : "unknown@localhost",
                              .flags = advertised(false),
                              .cookie = acceptor_cookie};
    if (challenge) {
      options.flags = challenge->flags & ~flags::name_me;
      options.creation = challenge->creation;
      options.challenge = challenge->challenge;
    }
    return acceptor(options);
  }
  answers owner() const {
    return {
        .decision = {.status = status->status, .name = status->name, .creation = status->creation}};
  }
  bool lacks_flags() const { return (flags::mandatory_26 & ~expand_digest(send_name->flags)) != 0; }

  std::string name;
  std::string initiator_cookie;
  std::string acceptor_cookie;
  std::vector<std::byte> from_initiator;
  std::vector<std::byte> from_acceptor;
  std::optional<send_name_message> send_name;
  std::optional<status_message> status;
  std::optional<challenge_message> challenge;
  std::optional<challenge_reply_message> reply;
  std::optional<challenge_ack_message> ack;
};

std::vector<recording> recordings() {
  std::vector<recording> all;
  for (const auto& line : erl::test::load_vectors("handshake.jsonl"))
    all.emplace_back(line);
  return all;
}

/// What a machine must have come to at the end of a recording.
handshake_action::kind expected_end(const recording& each, bool of_initiator) {
  if (each.ack)
    return handshake_action::done;
  if (each.status->status == handshake_status::not_allowed ||
      each.status->status == handshake_status::nok)
    return handshake_action::failed;
  if (each.reply && !of_initiator)
    return handshake_action::failed; // the wrong cookie
  return handshake_action::more;
}

template <class Make> void replay(const recording& each, bool of_initiator, Make make) {
  const auto& input = of_initiator ? each.from_acceptor : each.from_initiator;
  const auto& output = of_initiator ? each.from_initiator : each.from_acceptor;
  auto stream = input;
  const auto frame = from_hex("00000001aa");
  if (each.ack)
    stream.insert(stream.end(), frame.begin(), frame.end());
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    auto machine = make();
    const auto middle = stream.begin() + static_cast<std::ptrdiff_t>(split);
    const auto result =
        run(machine, {{stream.begin(), middle}, {middle, stream.end()}}, each.owner());
    INFO(each.name << " split at " << split << ": " << machine.error().text);
    REQUIRE(result.last == expected_end(each, of_initiator));
    // A recording that ends early lacks what our machine goes on to say.
    REQUIRE(to_hex(result.sent).starts_with(to_hex(output)));
    if (each.ack || result.last == handshake_action::failed)
      REQUIRE(to_hex(result.sent) == to_hex(output));
    if (each.ack)
      REQUIRE(to_hex(result.rest) == to_hex(frame));
  }
}

} // namespace

TEST_CASE("the initiator sends what recorded initiators sent, wherever the stream is split",
          "[handshake]") {
  for (const auto& each : recordings())
    replay(each, initiators, [&] { return each.make_initiator(); });
}

TEST_CASE("the acceptor sends what recorded acceptors sent, wherever the stream is split",
          "[handshake]") {
  for (const auto& each : recordings())
    replay(each, acceptors, [&] { return each.make_acceptor(); });
}

TEST_CASE("a recorded handshake byte by byte ends like the whole", "[handshake]") {
  for (const auto& each : recordings()) {
    std::vector<std::vector<std::byte>> pieces;
    for (const auto byte : each.from_acceptor)
      pieces.push_back({byte});
    auto machine = each.make_initiator();
    const auto result = run(machine, pieces, each.owner());
    INFO(each.name);
    CHECK(result.last == expected_end(each, initiators));
  }
}

TEST_CASE("both sides of a recorded handshake learn name, flags and creation of the other",
          "[handshake]") {
  for (const auto& each : recordings()) {
    if (!each.ack)
      continue;
    INFO(each.name);
    auto out = each.make_initiator();
    run(out, {each.from_acceptor}, each.owner());
    CHECK(out.peer().name == each.challenge->name);
    CHECK(out.peer().creation == each.challenge->creation);
    CHECK(out.peer().flags == expand_digest(each.challenge->flags));

    auto in = each.make_acceptor();
    run(in, {each.from_initiator}, each.owner());
    const bool named = each.status->status == handshake_status::named;
    CHECK(in.peer().name == (named ? each.status->name : each.send_name->name));
    CHECK(in.peer().creation == (named ? each.status->creation : each.send_name->creation));
    CHECK(in.peer().common == out.peer().common);
    if (named) {
      CHECK(out.peer().assigned_name == each.status->name);
      CHECK(out.peer().assigned_creation == each.status->creation);
      CHECK_FALSE(in.peer().visible());
    }
  }
}

TEST_CASE("recorded refusals end with the error that says so", "[handshake]") {
  std::map<std::string, int> seen;
  for (const auto& each : recordings()) {
    INFO(each.name);
    auto out = each.make_initiator();
    const auto result = run(out, {each.from_acceptor}, each.owner());
    auto in = each.make_acceptor();
    run(in, {each.from_initiator}, each.owner());
    if (each.status->status == handshake_status::not_allowed) {
      CHECK(out.error().code == handshake_errc::not_allowed);
      CHECK(in.error().code == handshake_errc::flags_missing);
      CHECK(in.error().text.find("BIG_CREATION") != std::string::npos);
      ++seen["not_allowed"];
    } else if (each.status->status == handshake_status::nok) {
      CHECK(out.error().code == handshake_errc::simultaneous);
      CHECK(in.error().code == handshake_errc::simultaneous);
      ++seen["nok"];
    } else if (each.initiator_cookie != each.acceptor_cookie) {
      CHECK(result.last == handshake_action::more);
      CHECK(out.closed_by_peer().code == handshake_errc::wrong_cookie);
      CHECK(in.error().code == handshake_errc::wrong_cookie);
      CHECK(in.error().text.find("cookie") != std::string::npos);
      ++seen["cookie"];
    }
  }
  CHECK(seen["not_allowed"] > 0);
  CHECK(seen["nok"] > 0);
  CHECK(seen["cookie"] > 0);
}

TEST_CASE("a recorded second connection replaces the old one once it is proved", "[handshake]") {
  int seen = 0;
  for (const auto& each : recordings()) {
    if (each.status->status != handshake_status::alive || !each.ack)
      continue;
    INFO(each.name);
    auto in = each.make_acceptor();
    CHECK(run(in, {each.from_initiator}, each.owner()).replaced == 1);
    ++seen;
  }
  CHECK(seen > 0);
}
