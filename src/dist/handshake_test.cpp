#include "base/memory_driver.hpp"
#include "dist/handshake.hpp"
#include "dist/handshake_runner.hpp"
#include "support/vectors.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace erl::dist;
using namespace erl::dist::test_only;
using erl::test::from_hex;
using erl::test::to_hex;

namespace {

using kind = handshake_action::kind;

handshake_options named(std::string name, std::uint32_t challenge = 7) {
  return {.name = std::move(name), .creation = 77, .cookie = "secret", .challenge = challenge};
}

template <class Message>
std::vector<std::byte> framed(const Message& message, unsigned prefix = 2) {
  std::vector<std::byte> body;
  if constexpr (std::is_same_v<Message, bool>)
    append_alive_answer(body, message);
  else
    append(body, message);
  std::vector<std::byte> bytes(prefix);
  bytes[prefix - 1] = static_cast<std::byte>(body.size());
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

send_name_message a_name(std::string name = "a@h", flag_set flags = advertised(false)) {
  return {.old_form = false, .flags = flags, .creation = 5, .name = std::move(name)};
}

challenge_message a_challenge(std::string name = "b@h", flag_set flags = advertised(false)) {
  return {.flags = flags, .challenge = 1000, .creation = 9, .name = std::move(name)};
}

/// Lets the two machines talk until neither has anything to say.
std::pair<outcome, outcome> talk(initiator& out, acceptor& in, const answers& owner = {}) {
  outcome left;
  outcome right;
  run_piece(out, bytes_view{}, owner, left);
  run_piece(in, bytes_view{}, owner, right);
  std::size_t read_left = 0;
  std::size_t read_right = 0;
  while (read_left < left.sent.size() || read_right < right.sent.size()) {
    const auto to_right = bytes_view(left.sent).subspan(read_left);
    read_left = left.sent.size();
    run_piece(in, to_right, owner, right);
    const auto to_left = bytes_view(right.sent).subspan(read_right);
    read_right = right.sent.size();
    run_piece(out, to_left, owner, left);
  }
  return {std::move(left), std::move(right)};
}

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

TEST_CASE("two nodes with the same cookie come together", "[handshake]") {
  initiator out(named("a@h", 1), "b@h");
  acceptor in(named("b@h", 2));
  const auto [left, right] = talk(out, in);
  CHECK(left.last == kind::done);
  CHECK(right.last == kind::done);
  CHECK(out.peer().common == advertised(false));
}

TEST_CASE("inside TLS each message has a length of four bytes", "[handshake]") {
  auto wide_a = named("a@h", 1);
  auto wide_b = named("b@h", 2);
  wide_a.prefix_bytes = wide_b.prefix_bytes = 4;
  initiator out(wide_a, "b@h");
  acceptor in(wide_b);
  const auto [left, right] = talk(out, in);
  CHECK(left.last == kind::done);
  CHECK(to_hex(bytes_view(left.sent).first(4)) == "00000012");
}

TEST_CASE("names beyond ASCII travel as Latin-1", "[handshake]") {
  initiator out(named("\xC3\xA4@h", 1), "b@h");
  acceptor in(named("b@h", 2));
  const auto [left, right] = talk(out, in);
  CHECK(left.last == kind::done);
  CHECK(in.peer().name == "\xC3\xA4@h");
  CHECK(as_text(left.sent).find("\xE4@h") != std::string::npos);
}

TEST_CASE("a name that Latin-1 cannot express is refused before a byte is sent", "[handshake]") {
  initiator out(named("\xE4\xB8\xAD@h"), "b@h");
  const auto result = run(out, {});
  CHECK(result.last == kind::failed);
  CHECK(result.sent.empty());
  CHECK(out.error().code == handshake_errc::bad_name);
}

TEST_CASE("a wrong cookie is told to the acceptor, and never proved to the initiator",
          "[handshake]") {
  auto other = named("a@h", 1);
  other.cookie = "Secret";
  initiator out(other, "b@h");
  acceptor in(named("b@h", 2));
  const auto [left, right] = talk(out, in);
  CHECK(right.last == kind::failed);
  CHECK(in.error().code == handshake_errc::wrong_cookie);
  CHECK(left.last == kind::more);
  CHECK(as_text(right.sent).find('a', as_text(right.sent).find("b@h") + 3) == std::string::npos);
}

TEST_CASE("an acceptor that does not know the cookie is found out", "[handshake]") {
  initiator out(named("a@h"), "b@h");
  const auto result =
      run(out, {framed(status_message{}), framed(a_challenge()), framed(challenge_ack_message{})});
  CHECK(result.last == kind::failed);
  CHECK(out.error().code == handshake_errc::wrong_cookie);
}

TEST_CASE("a node that answers under another name than dialled is refused", "[handshake]") {
  initiator out(named("a@h"), "b@h");
  const auto result = run(out, {framed(status_message{}), framed(a_challenge("c@h"))});
  CHECK(result.last == kind::failed);
  CHECK(out.error().code == handshake_errc::wrong_peer);
  CHECK(out.error().text == "dialled 'b@h' and reached 'c@h': a node is reached only by the exact "
                            "name it has itself");
}

TEST_CASE("missing flags are refused with their names on both sides", "[handshake]") {
  const auto poor = advertised(false) & ~(flags::v4_nc | flags::unlink_id);
  initiator out(named("a@h"), "b@h");
  run(out, {framed(status_message{}), framed(a_challenge("b@h", poor))});
  CHECK(out.error().code == handshake_errc::flags_missing);
  CHECK(out.error().text.find("UNLINK_ID, V4_NC") != std::string::npos);

  acceptor in(named("b@h"));
  const auto result = run(in, {framed(a_name("a@h", poor))});
  CHECK(result.decided == 0);
  CHECK(as_text(result.sent).substr(2) == "snot_allowed");
  CHECK(in.error().code == handshake_errc::flags_missing);
}

TEST_CASE("a node may ask for less than OTP 26 does", "[handshake]") {
  auto lenient = named("b@h");
  lenient.mandatory = flags::mandatory_25;
  acceptor in(lenient);
  const auto result = run(in, {framed(a_name("a@h", flags::mandatory_25_digest))});
  CHECK(result.last == kind::more);
}

TEST_CASE("names that are not names of nodes are refused without an answer", "[handshake]") {
  for (const auto* name : {"", "a", "@h", "a@", "a@b@h", "a\n@h", "a@h\x7f", "\xC2\x85@h"}) {
    acceptor in(named("b@h"));
    const auto result = run(in, {framed(a_name(name))});
    INFO(name);
    CHECK(result.last == kind::failed);
    CHECK(result.sent.empty());
    CHECK(in.error().code == handshake_errc::bad_name);
  }
}

TEST_CASE("an owner that refuses a peer sends not_allowed", "[handshake]") {
  acceptor in(named("b@h"));
  const auto result =
      run(in, {framed(a_name())},
          {.decision = {.status = handshake_status::not_allowed, .reason = "not on the list"}});
  CHECK(as_text(result.sent).substr(2) == "snot_allowed");
  CHECK(result.last == kind::failed);
  CHECK(in.error().code == handshake_errc::refused);
  CHECK(in.error().text == "refused 'a@h': not on the list");
}

TEST_CASE("the owner of an attempt that is no longer meant says false", "[handshake]") {
  initiator out(named("a@h"), "b@h");
  const auto result = run(out, {framed(status_message{.status = handshake_status::alive})},
                          {.still_wanted = false});
  CHECK(as_text(result.sent).ends_with("sfalse"));
  CHECK(out.error().code == handshake_errc::abandoned);

  acceptor in(named("b@h"));
  const auto other =
      run(in, {framed(a_name()), framed(false)}, {.decision = {.status = handshake_status::alive}});
  CHECK(other.last == kind::failed);
  CHECK(other.replaced == 0);
  CHECK(in.error().code == handshake_errc::abandoned);
}

TEST_CASE("the old connection stays when the new one cannot prove the cookie", "[handshake]") {
  acceptor in(named("b@h"));
  const auto result = run(in, {framed(a_name()), framed(true), framed(challenge_reply_message{})},
                          {.decision = {.status = handshake_status::alive}});
  CHECK(result.last == kind::failed);
  CHECK(result.replaced == 0);
}

TEST_CASE("a peer can have a cookie of its own", "[handshake]") {
  auto special = named("a@h", 1);
  special.cookie = "for b";
  initiator out(special, "b@h");
  acceptor in(named("b@h", 2));
  const auto [left, right] = talk(out, in, {.decision = {.cookie = "for b"}});
  CHECK(left.last == kind::done);
}

TEST_CASE("the old send_name and its complement are understood", "[handshake]") {
  const auto all = advertised(false);
  auto in_options = named("b@h", 3);
  acceptor in(in_options);
  std::vector<std::byte> old_name = from_hex("000a6e0005");
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    old_name.push_back(static_cast<std::byte>(all >> shift));
  for (const char character : std::string("a@h"))
    old_name.push_back(static_cast<std::byte>(character));
  const auto complement = framed(
      complement_message{.high_flags = static_cast<std::uint32_t>(all >> 32U), .creation = 66});
  const auto reply =
      framed(challenge_reply_message{.challenge = 4, .digest = *challenge_digest("secret", 3)});
  const auto result = run(in, {old_name, complement, reply});
  CHECK(result.last == kind::done);
  CHECK(in.peer().creation == 66);
  CHECK(in.peer().common == all);

  acceptor strict(in_options);
  const auto poor = framed(complement_message{.high_flags = 0, .creation = 66});
  CHECK(run(strict, {old_name, poor}).last == kind::failed);
  CHECK(strict.error().code == handshake_errc::flags_missing);
}

TEST_CASE("a node's own challenge is not answered", "[handshake]") {
  erl::memory_network network;
  erl::memory_driver driver(network);
  challenge_set challenges;
  const auto ours = challenges.draw(driver);
  auto options = named("a@h");
  options.outstanding = &challenges;

  initiator out(options, "b@h");
  auto reflected = a_challenge();
  reflected.challenge = ours.challenge();
  const auto result = run(out, {framed(status_message{}), framed(reflected)});
  CHECK(result.last == kind::failed);
  CHECK(out.error().code == handshake_errc::reflected);

  options.name = "b@h";
  acceptor in(options);
  const auto reply = framed(challenge_reply_message{.challenge = ours.challenge(),
                                                    .digest = *challenge_digest("secret", 7)});
  CHECK(run(in, {framed(a_name()), reply}).last == kind::failed);
  CHECK(in.error().code == handshake_errc::reflected);
}

TEST_CASE("a name that was not asked for, or is for another host, is not taken", "[handshake]") {
  const status_message assigned{
      .status = handshake_status::named, .name = "X@other", .creation = 99};
  initiator plain(named("a@h"), "b@h");
  run(plain, {framed(assigned)});
  CHECK(plain.error().code == handshake_errc::name_not_assigned);

  auto nameless = named("h");
  nameless.flags |= flags::name_me;
  initiator asks(nameless, "b@h");
  run(asks, {framed(assigned)});
  CHECK(asks.error().code == handshake_errc::name_not_assigned);

  initiator unanswered(nameless, "b@h");
  run(unanswered, {framed(status_message{})});
  CHECK(unanswered.error().code == handshake_errc::name_not_assigned);
}

TEST_CASE("a peer that asks for a name gets one or nothing", "[handshake]") {
  const auto asking = framed(a_name("h", advertised(false) | flags::name_me));
  acceptor in(named("b@h"));
  CHECK(run(in, {asking}).last == kind::failed);
  acceptor full(named("b@h"));
  CHECK(run(full, {framed(a_name("a@h", advertised(false) | flags::name_me))}).last ==
        kind::failed);
}

TEST_CASE("a message of more than 1 KB ends the handshake at its length", "[handshake]") {
  acceptor in(named("b@h"));
  CHECK(run(in, {from_hex("0401")}).last == kind::failed);
  CHECK(in.error().code == handshake_errc::message_too_long);
  initiator out(named("a@h"), "b@h");
  CHECK(run(out, {from_hex("4854")}).last == kind::failed);
}

TEST_CASE("anything but the expected message is malformed", "[handshake]") {
  for (const auto* hex :
       {"0000", "00014e", "000373786f", "00014e", "00037361ff", "000a734e616d65643a0003"}) {
    initiator out(named("a@h"), "b@h");
    const auto result = run(out, {from_hex(hex)});
    INFO(hex);
    CHECK(result.last != kind::done);
    acceptor in(named("b@h"));
    CHECK(run(in, {from_hex(hex)}).last != kind::done);
  }
  initiator out(named("a@h"), "b@h");
  run(out, {from_hex("00057379656168")});
  CHECK(out.error().code == handshake_errc::malformed);
  CHECK(out.error().text == "expected the handshake message 'status', got \"syeah\"");
}

TEST_CASE("digest messages of another length are malformed", "[handshake]") {
  acceptor in(named("b@h"));
  auto reply =
      framed(challenge_reply_message{.challenge = 4, .digest = *challenge_digest("secret", 7)});
  reply[1] = std::byte{22};
  reply.push_back(std::byte{0});
  CHECK(run(in, {framed(a_name()), reply}).last == kind::failed);
  CHECK(in.error().code == handshake_errc::malformed);
}

TEST_CASE("bytes after the name in send_name and challenge are ignored", "[handshake]") {
  auto name = framed(a_name());
  name.push_back(std::byte{1});
  name[1] = static_cast<std::byte>(name.size() - 2);
  acceptor in(named("b@h"));
  CHECK(run(in, {name}).decided == 1);
}

TEST_CASE("an end in the middle says what it may mean", "[handshake]") {
  initiator out(named("a@h"), "b@h");
  run(out, {});
  CHECK(out.closed_by_peer().text.find("TLS") != std::string::npos);
  CHECK(out.out_of_time().code == handshake_errc::timed_out);
  run(out, {framed(status_message{}), framed(a_challenge())});
  CHECK(out.closed_by_peer().code == handshake_errc::wrong_cookie);
}

TEST_CASE("hostile text in errors is escaped and short", "[handshake]") {
  const std::string hostile(200, '\x1b');
  const auto shown = printable(std::as_bytes(std::span(hostile)));
  CHECK(shown.starts_with("\\x1B\\x1B"));
  CHECK(shown.size() == 64 * 4 + 3);
}
