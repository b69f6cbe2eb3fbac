#include "dist/control.hpp"
#include "dist/message_fixture.hpp"
#include <erl/etf/codec.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace erl;
using namespace erl::dist;
using namespace erl::dist::test_only;

namespace {

const atom here("here@h");
const atom there("there@h");
constexpr flag_set all = advertised(true) & ~header_flags;

pid ours(std::uint32_t id = 1) { return {.node = here, .id = id, .serial = 0, .creation = 10}; }
pid theirs(std::uint32_t id = 1) { return {.node = there, .id = id, .serial = 0, .creation = 20}; }
reference their_reference() {
  return {.node = there, .creation = 20, .size = 5, .words = {1, 2, 3, 4, 5}};
}
reference our_reference() { return {.node = here, .creation = 10, .size = 3, .words = {1, 2, 3}}; }

control_context at_here(flag_set common = all) {
  return {.self = here, .creation = 10, .peer = there, .common = common};
}

/// Sends a message from there to here.
std::expected<control_message, control_error> pass(const control_message& message,
                                                   flag_set common) {
  const auto body = frame_of(message, common);
  REQUIRE_FALSE(body.empty());
  return read_frame(body, at_here(common));
}

control_message signal(signal_kind kind) {
  control_message message;
  message.kind = kind;
  message.from = theirs();
  message.to = ours();
  return message;
}

std::string error_of(term_ref tuple, flag_set common = all) {
  std::vector<std::byte> body{std::byte{112}};
  encode_external(tuple, body);
  const auto message = read_frame(body, at_here(common));
  return message ? std::string() : message.error().text;
}

} // namespace

TEST_CASE("every kind of signal survives the way under all flags and under none", "[control]") {
  for (const flag_set common :
       {all, advertised(true), flag_set{flags::dist_monitor | flags::dist_monitor_name}}) {
    for (const auto kind : {signal_kind::message, signal_kind::link, signal_kind::link_exit,
                            signal_kind::exit_to, signal_kind::group_leader}) {
      for (const bool with_token : {false, true}) {
        auto message = signal(kind);
        message.payload = term(atom("reason"));
        message.has_token = with_token;
        message.token = term(5);
        const auto received = pass(message, common);
        REQUIRE(received);
        CHECK(received->kind == kind);
        CHECK(received->to == ours());
        if (kind != signal_kind::message || (common & flags::send_sender) != 0)
          CHECK(received->from == theirs());
        if (kind != signal_kind::link && kind != signal_kind::group_leader) {
          CHECK(received->payload.is(atom("reason")));
          CHECK(received->has_token == with_token);
        }
      }
    }
  }
}

TEST_CASE("monitors and their ends keep reference and name", "[control]") {
  for (const flag_set common : {all, all & ~flags::exit_payload, advertised(false)}) {
    for (const bool by_name : {false, true}) {
      for (const auto kind : {signal_kind::monitor, signal_kind::demonitor, signal_kind::down}) {
        auto message = signal(kind);
        message.ref = their_reference();
        message.payload = term(atom("gone"));
        if (by_name) {
          message.target = target_kind::name;
          message.name = atom("server");
        }
        const auto received = pass(message, common);
        REQUIRE(received);
        CHECK(received->kind == kind);
        CHECK(received->ref == their_reference());
        CHECK(received->target == message.target);
        CHECK(received->name == message.name);
        if (kind == signal_kind::down)
          CHECK(received->payload.is(atom("gone")));
      }
    }
  }
}

TEST_CASE("unlink ids are echoed over their whole range", "[control]") {
  for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{1} << 40U, ~std::uint64_t{0}}) {
    auto message = signal(signal_kind::unlink_id);
    message.id = id;
    CHECK(pass(message, all)->id == id);
    message.kind = signal_kind::unlink_id_ack;
    CHECK(pass(message, all)->id == id);
  }
}

TEST_CASE("a message to an alias takes the form that the flags allow", "[control]") {
  auto message = signal(signal_kind::message);
  message.target = target_kind::alias;
  message.ref = our_reference();
  message.priority = true;
  const auto newest = pass(message, all);
  CHECK(newest->op == control_op::altact_sig_send);
  CHECK(newest->priority);
  CHECK(newest->ref == our_reference());
  const auto older = pass(message, all & ~flags::altact_sig);
  CHECK(older->op == control_op::alias_send);
  CHECK(older->target == target_kind::alias);
  CHECK(frame_of(message, all & ~(flags::altact_sig | flags::alias)).empty());
}

TEST_CASE("a priority exit travels as such only to those who know it", "[control]") {
  auto message = signal(signal_kind::exit_to);
  message.priority = true;
  CHECK(pass(message, all)->op == control_op::altact_sig_send);
  CHECK(pass(message, all)->kind == signal_kind::exit_to);
  CHECK(pass(message, all & ~flags::altact_sig)->op == control_op::payload_exit2);
}

TEST_CASE("spawn requests and replies keep all their parts", "[control]") {
  auto request = signal(signal_kind::spawn_request);
  request.ref = their_reference();
  request.group_leader = theirs(9);
  request.module = atom("m");
  request.function = atom("f");
  request.arity = 2;
  request.options = term::list({atom("link"), atom("monitor")});
  request.payload = term::list({term(1), term(2)});
  const auto received = pass(request, all);
  REQUIRE(received);
  CHECK(received->group_leader == theirs(9));
  CHECK(received->module == request.module);
  CHECK(received->function == request.function);
  CHECK(received->arity == 2);
  CHECK(exactly_equal(received->options, request.options));
  CHECK(exactly_equal(received->payload, request.payload));

  auto reply = signal(signal_kind::spawn_reply);
  reply.ref = our_reference();
  reply.monitored = true;
  reply.spawned = theirs(33);
  auto answer = pass(reply, all);
  CHECK(answer->monitored);
  CHECK_FALSE(answer->linked);
  CHECK_FALSE(answer->spawn_failed);
  CHECK(answer->spawned == theirs(33));
  reply.spawn_failed = true;
  reply.failure = atom("notsup");
  answer = pass(reply, all);
  CHECK(answer->spawn_failed);
  CHECK(answer->failure == atom("notsup"));
}

TEST_CASE("what the peer cannot take, or must not get, is not encoded", "[control]") {
  auto monitor = signal(signal_kind::monitor);
  monitor.ref = their_reference();
  CHECK(frame_of(monitor, all & ~flags::dist_monitor_name).empty());
  monitor.ref = {};
  CHECK(frame_of(monitor, all).empty());
  CHECK(frame_of(signal(signal_kind::unlink_id), all).empty());
  CHECK(frame_of(signal(signal_kind::unlink), all).empty());
  auto request = signal(signal_kind::spawn_request);
  request.ref = their_reference();
  CHECK(frame_of(request, all & ~flags::spawn).empty());
}

TEST_CASE("a message without a sender is sent without one, whatever is negotiated", "[control]") {
  auto message = signal(signal_kind::message);
  message.from = {};
  const auto received = pass(message, all);
  REQUIRE(received);
  CHECK(received->op == control_op::send);
}

TEST_CASE("nobody signals in the name of a third node's processes", "[control]") {
  const pid third{.node = atom("third@h"), .id = 1, .serial = 0, .creation = 1};
  for (const int op : {1, 22, 26, 33}) {
    INFO(op);
    const term to = op == 33 ? term(our_reference()) : term(ours());
    CHECK(error_of(term::tuple({term(op), term(third), to})).find("no process of the peer") !=
          std::string::npos);
  }
}

TEST_CASE("an earlier incarnation may be linked to and monitored, not unlinked or exited",
          "[control]") {
  auto old = ours();
  old.creation = 9;
  for (const auto kind : {signal_kind::link, signal_kind::exit_to, signal_kind::unlink_id_ack}) {
    auto message = signal(kind);
    message.to = old;
    message.id = 1;
    CHECK(pass(message, all).has_value());
  }
  for (const auto kind : {signal_kind::link_exit, signal_kind::unlink_id}) {
    auto message = signal(kind);
    message.to = old;
    message.id = 1;
    CHECK_FALSE(pass(message, all).has_value());
  }
}

TEST_CASE("the old unlink is legal only where UNLINK_ID was not negotiated", "[control]") {
  const auto tuple = term::tuple({term(4), term(theirs()), term(ours())});
  CHECK(error_of(tuple, all & ~flags::unlink_id).empty());
  CHECK_FALSE(error_of(tuple).empty());
}

TEST_CASE("errors show the offending term in one short line", "[control]") {
  CHECK(error_of(term::tuple({term(99)})) == "illegal control message: unknown operation in {99}");
  const std::string long_text(100'000, 'x');
  const auto error = error_of(term::tuple({term(1), term::text(long_text), term::text("\n\x1b")}));
  CHECK(error.size() < 1200);
  CHECK(error.find('\n') == std::string::npos);
  CHECK(error.find('\x1b') == std::string::npos);
}

TEST_CASE("a peer that has used up its new atoms is told apart", "[control]") {
  auto message = signal(signal_kind::message);
  message.payload = term(atom("certainly new in this test"));
  auto body = frame_of(message, all);
  REQUIRE_FALSE(body.empty());
  // A name of the same length that is not in the table.
  body.back() = std::byte{'X'};
  auto context = at_here();
  context.decode.new_atoms = 0;
  const auto received = read_frame(body, context);
  REQUIRE_FALSE(received);
  CHECK(received.error().atoms_exhausted);
}
