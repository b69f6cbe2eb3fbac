// Decodes and re-encodes what real nodes sent to each other and to a peer, in every framing, and
// judges malformed frames as they do.
#include "dist/control.hpp"
#include "dist/malformed_fixture.hpp"
#include "dist/message_fixture.hpp"
#include "support/vectors.hpp"
#include <erl/etf/codec.hpp>

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <set>

using namespace erl;
using namespace erl::dist;
using namespace erl::dist::test_only;
using erl::test::from_hex;
using erl::test::load_vectors;
using erl::test::text;
using erl::test::to_hex;

namespace {

/// A pid as the recordings write it.
std::string shown(const pid& value) {
  return "#Pid<" + std::string(value.node.text()) + "." + std::to_string(value.id) + "." +
         std::to_string(value.serial) + "/" + std::to_string(value.creation) + ">";
}

/// The creation of `node` as the first pid of it in a recorded control tuple tells.
std::uint32_t creation_in(const std::string& control, const std::string& node) {
  const auto place = control.find("#Pid<" + node + ".");
  if (place == std::string::npos)
    return 0;
  return static_cast<std::uint32_t>(std::stoul(control.substr(control.find('/', place) + 1)));
}

/// One side of a recorded session.
struct side {
  std::string node;
  std::uint32_t creation = 0;
};

/// A recorded session and its frames, ticks apart.
struct session {
  std::string name;
  std::string mode;
  flag_set common = 0;
  side first; ///< in the recordings with a foreign peer: the OTP node
  side second;
  std::vector<boost::json::object> frames;

  bool from_first(const boost::json::object& frame) const {
    const auto from = text(frame, "from");
    return from == "otp" || from == "initiator";
  }
  control_context receiver_of(const boost::json::object& frame) const {
    const side& to = from_first(frame) ? second : first;
    const side& from = from_first(frame) ? first : second;
    return {
        .self = atom(to.node), .creation = to.creation, .peer = atom(from.node), .common = common};
  }
};

std::vector<session> sessions() {
  std::vector<session> all;
  std::map<std::string, std::size_t> places;
  for (auto& line : load_vectors("dist.jsonl")) {
    const auto name = text(line, "session");
    if (line.contains("kind")) {
      places[name] = all.size();
      const bool foreign = name.starts_with("py-");
      all.push_back({.name = name,
                     .mode = text(line, "mode"),
                     .common = std::stoull(text(line, "common_flags"), nullptr, 16),
                     .first = {.node = text(line, foreign ? "acceptor" : "initiator")},
                     .second = {.node = foreign ? "py@localhost" : text(line, "acceptor")},
                     .frames = {}});
      continue;
    }
    auto& each = all[places.at(name)];
    if (line.at("len").as_int64() == 0)
      continue;
    if (line.contains("control"))
      for (side* one : {&each.first, &each.second})
        if (one->creation == 0)
          one->creation = creation_in(text(line, "control"), one->node);
    each.frames.push_back(std::move(line));
  }
  return all;
}

/// A recorded message as it was decoded.
struct replayed {
  const boost::json::object* frame; ///< the last one of the message
  bool fragmented;
  control_context receiver;
  control_message message;
  std::vector<std::byte> bytes; ///< of the frame
};

/// Decodes a session frame by frame, but for what was recorded in part only.
std::vector<replayed> replay(const session& recorded) {
  std::vector<replayed> all;
  struct direction {
    explicit direction(flag_set common) : reader(common, {}) {}
    message_reader reader;
    atom_budget budget{.left = 10'000};
    std::set<std::string> cut; // sequences of which bytes are missing
  };
  direction ways[] = {direction(recorded.common), direction(recorded.common)};
  for (const auto& frame : recorded.frames) {
    direction& way = ways[recorded.from_first(frame) ? 0 : 1];
    INFO(recorded.name << " " << frame.at("seq"));
    const bool whole = frame.contains("hex");
    const auto hex = text(frame, whole ? "hex" : "hex_head");
    const auto bytes = from_hex(hex);
    const bool fragmented = hex.starts_with("8345") || hex.starts_with("8346");
    const auto sequence = fragmented ? hex.substr(4, 16) : std::string();
    const auto found = way.reader.read(bytes, way.budget);
    INFO((found ? std::string_view() : found.error().text));
    REQUIRE(found);
    if (!whole && fragmented)
      way.cut.insert(sequence);
    if (found->what == message_reader::outcome::part)
      continue;
    if (!whole || way.cut.erase(sequence) != 0)
      continue;
    auto context = recorded.receiver_of(frame);
    context.budget = &way.budget;
    auto message = decode_control(found->message, context);
    INFO((message ? std::string() : message.error().text));
    REQUIRE(message);
    all.push_back({.frame = &frame,
                   .fragmented = fragmented,
                   .receiver = recorded.receiver_of(frame),
                   .message = std::move(*message),
                   .bytes = bytes});
  }
  CHECK(ways[0].reader.unfinished() == 0);
  CHECK(ways[1].reader.unfinished_bytes() == 0);
  return all;
}

/// The bytes of the control tuple in a frame's body in pass-through mode.
std::size_t control_size(std::span<const std::byte> body) {
  return 1 + decode_prefix(body.subspan(1))->consumed;
}

bool same_meaning(const control_message& left, const control_message& right) {
  return left.kind == right.kind && left.target == right.target && left.op == right.op &&
         left.priority == right.priority && left.has_token == right.has_token &&
         left.from == right.from && left.to == right.to && left.name == right.name &&
         left.ref == right.ref && left.id == right.id &&
         exactly_equal(left.payload, right.payload) && exactly_equal(left.token, right.token) &&
         left.group_leader == right.group_leader && left.module == right.module &&
         left.function == right.function && left.arity == right.arity &&
         exactly_equal(left.options, right.options) && left.linked == right.linked &&
         left.monitored == right.monitored && left.spawned == right.spawned &&
         left.failure == right.failure;
}

} // namespace

TEST_CASE("recorded sessions decode to the recorded operations and processes", "[control]") {
  std::set<std::string> operations;
  std::set<std::string> modes;
  int fragmented = 0;
  for (const auto& each : sessions()) {
    modes.insert(each.mode);
    for (const auto& one : replay(each)) {
      const auto& message = one.message;
      fragmented += one.fragmented ? 1 : 0;
      if (!one.frame->contains("control"))
        continue;
      const auto control = text(*one.frame, "control");
      INFO(each.name << " " << control);
      CHECK(op_name(message.op) == text(*one.frame, "op"));
      operations.insert(text(*one.frame, "op"));
      if (message.from != pid{})
        CHECK(control.find(shown(message.from)) != std::string::npos);
      if (message.to != pid{})
        CHECK(control.find(shown(message.to)) != std::string::npos);
      if (message.target == target_kind::name)
        CHECK(control.find(message.name.text()) != std::string::npos);
    }
  }
  CHECK(operations.size() >= 22);
  CHECK(modes.size() == 5);
  CHECK(fragmented > 5);
}

TEST_CASE("recorded control messages encode to the recorded bytes under the session's flags",
          "[control]") {
  int whole = 0;
  for (const auto& each : sessions()) {
    if ((each.common & header_flags) != 0)
      continue;
    for (const auto& [frame, fragmented, receiver, message, body] : replay(each)) {
      INFO(each.name << " " << text(*frame, "control") << " " << text(*frame, "hex"));
      const auto again = frame_of(message, each.common);
      const auto size = control_size(body);
      REQUIRE(again.size() >= size);
      CHECK(to_hex(std::span(again).first(size)) == to_hex(std::span(body).first(size)));
      // Payloads may differ in the order of map keys and in the old form of ports that OTP 25 uses.
      if (again == body) {
        ++whole;
      } else {
        const auto second = read_frame(again, receiver);
        REQUIRE(second);
        CHECK(exactly_equal(second->payload, message.payload));
      }
    }
  }
  CHECK(whole > 100);
}

TEST_CASE("recorded sessions survive the way through our header, cache and fragments",
          "[control]") {
  for (const auto& each : sessions()) {
    one_way connection(each.common);
    for (const auto& one : replay(each)) {
      INFO(each.name << " " << one.frame->at("seq"));
      // All in one direction, so that the cache gets busy.
      REQUIRE(connection.writer.write(control_message(one.message)));
      std::vector<control_message> received;
      for (auto frames = connection.frames(); !frames.empty(); frames = connection.frames())
        for (const auto& frame : frames) {
          const auto found = connection.reader.read(frame, connection.budget);
          REQUIRE(found);
          if (found->what == message_reader::outcome::part)
            continue;
          auto message = decode_control(found->message, one.receiver);
          INFO((message ? std::string() : message.error().text));
          REQUIRE(message);
          received.push_back(std::move(*message));
        }
      REQUIRE(received.size() == 1);
      CHECK(same_meaning(received[0], one.message));
    }
  }
}

TEST_CASE("malformed frames are judged as OTP 29 does, or more strictly where listed",
          "[control]") {
  // Where OTP looks at the payload only once it knows the receiver, where it answers with nonsense,
  // and where it takes a message in no fragments for one.
  const std::set<std::string> stricter{"dist_link_to_not_pid", "dist_send_no_payload",
                                       "dist_send_dead_garbage_payload", "dist_frag_id_0"};
  int judged = 0;
  for (const malformed& each : malformed_vectors()) {
    const auto& expected = each.line.at("expected");
    const bool open = (expected.is_string() ? text(each.line, "expected")
                                            : text(expected.as_object(), "29")) == "open";
    const std::string error = each.judge();
    INFO(each.name << ": " << error);
    CHECK(error.empty() == (open && !stricter.contains(each.name)));
    CHECK(error.size() < 3000);
    ++judged;
  }
  CHECK(judged > 150);
}

TEST_CASE("a recorded frame cut short anywhere is an error, never a crash", "[control]") {
  for (const auto& each : sessions()) {
    if (each.name != "py-29-altact")
      continue;
    for (const auto& one : replay(each)) {
      if (one.bytes.size() > 2000)
        continue;
      for (std::size_t size = 0; size < one.bytes.size(); ++size) {
        INFO(text(*one.frame, "control") << " cut to " << size);
        CHECK_FALSE(read_frame(std::span(one.bytes).first(size), one.receiver));
      }
    }
  }
}
