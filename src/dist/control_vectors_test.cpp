// Decodes and re-encodes what real nodes sent to a peer in pass-through mode, and judges malformed
// frames as they do.
#include "dist/control.hpp"
#include "support/vectors.hpp"
#include <erl/etf/codec.hpp>

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <set>

using namespace erl;
using namespace erl::dist;
using erl::test::from_hex;
using erl::test::load_vectors;
using erl::test::to_hex;

namespace {

std::string text(const boost::json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

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

/// One recorded session in pass-through mode, and the frames of it that are recorded in full.
struct session {
  std::string name;
  std::string mode;
  std::string otp_node;
  flag_set common = 0;
  std::uint32_t otp_creation = 0;
  std::uint32_t foreign_creation = 0;
  std::vector<boost::json::object> frames;

  control_context receiver_of(const boost::json::object& frame) const {
    const atom otp(otp_node);
    const atom foreign("py@localhost");
    const bool to_foreign = text(frame, "from") == "otp";
    return {.self = to_foreign ? foreign : otp,
            .creation = to_foreign ? foreign_creation : otp_creation,
            .peer = to_foreign ? otp : foreign,
            .common = common};
  }
};

std::vector<session> sessions() {
  std::vector<session> all;
  std::map<std::string, std::size_t> places;
  for (auto& line : load_vectors("dist.jsonl")) {
    const auto name = text(line, "session");
    if (line.contains("kind")) {
      const auto mode = text(line, "mode");
      if (mode != "passthrough" && mode != "legacy_ops" && mode != "altact")
        continue;
      places[name] = all.size();
      all.push_back({.name = name,
                     .mode = mode,
                     .otp_node = text(line, "acceptor"),
                     .common = std::stoull(text(line, "common_flags"), nullptr, 16),
                     .frames = {}});
      continue;
    }
    const auto place = places.find(name);
    if (place == places.end() || !line.contains("hex"))
      continue;
    auto& each = all[place->second];
    if (line.at("len").as_int64() == 0)
      continue;
    const auto control = text(line, "control");
    if (each.otp_creation == 0)
      each.otp_creation = creation_in(control, each.otp_node);
    if (each.foreign_creation == 0)
      each.foreign_creation = creation_in(control, "py@localhost");
    each.frames.push_back(std::move(line));
  }
  return all;
}

/// The bytes of the control tuple in a frame's body.
std::size_t control_size(std::span<const std::byte> body) {
  return 1 + decode_prefix(body.subspan(1))->consumed;
}

} // namespace

TEST_CASE("recorded control messages decode to the recorded operation and processes", "[control]") {
  std::set<std::string> operations;
  for (const auto& each : sessions()) {
    REQUIRE_FALSE(each.frames.empty());
    for (const auto& frame : each.frames) {
      INFO(each.name << " " << text(frame, "control"));
      const auto message = decode_control(from_hex(text(frame, "hex")), each.receiver_of(frame));
      INFO((message ? std::string() : message.error().text));
      REQUIRE(message);
      CHECK(op_name(message->op) == text(frame, "op"));
      operations.insert(text(frame, "op"));
      const auto control = text(frame, "control");
      if (message->from != pid{})
        CHECK(control.find(shown(message->from)) != std::string::npos);
      if (message->to != pid{})
        CHECK(control.find(shown(message->to)) != std::string::npos);
      if (message->target == target_kind::name)
        CHECK(control.find(message->name.text()) != std::string::npos);
    }
  }
  CHECK(operations.size() >= 22);
}

TEST_CASE("recorded control messages encode to the recorded bytes under the session's flags",
          "[control]") {
  int whole = 0;
  for (const auto& each : sessions()) {
    for (const auto& frame : each.frames) {
      INFO(each.name << " " << text(frame, "control") << " " << text(frame, "hex"));
      const auto context = each.receiver_of(frame);
      const auto body = from_hex(text(frame, "hex"));
      const auto message = decode_control(body, context);
      REQUIRE(message);
      std::vector<std::byte> again;
      REQUIRE(encode_control(*message, each.common, again));
      const auto size = control_size(body);
      REQUIRE(again.size() >= size);
      CHECK(to_hex(std::span(again).first(size)) == to_hex(std::span(body).first(size)));
      // Payloads may differ in the order of map keys and in the old form of ports that OTP 25 uses.
      if (again == body) {
        ++whole;
      } else {
        const auto second = decode_control(again, context);
        REQUIRE(second);
        CHECK(exactly_equal(second->payload, message->payload));
      }
    }
  }
  CHECK(whole > 100);
}

TEST_CASE("malformed frames are judged as OTP 29 does, or more strictly where listed",
          "[control]") {
  // Where OTP looks at the payload only once it knows the receiver, and where it answers with
  // nonsense.
  const std::set<std::string> stricter{"dist_link_to_not_pid", "dist_send_no_payload",
                                       "dist_send_dead_garbage_payload"};
  int judged = 0;
  for (const auto& line : load_vectors("malformed.jsonl")) {
    if (text(line, "kind") != "dist" || text(line, "mode") != "pass")
      continue;
    const auto& expected = line.at("expected");
    const bool open = (expected.is_string() ? text(line, "expected")
                                            : text(expected.as_object(), "29")) == "open";
    const auto& receiver = line.at("receiver_27").as_object();
    const control_context context{.self = atom(text(receiver, "node")),
                                  .creation = receiver.at("creation").to_number<std::uint32_t>(),
                                  .peer = atom(text(line.at("sender").as_object(), "node")),
                                  .common = 0xd075f5fbc};
    std::string error;
    for (const auto& frame : line.at("frames_sent_to_27").as_array()) {
      const auto message = decode_control(from_hex(frame.as_string()), context);
      if (!message)
        error = message.error().text;
    }
    const auto name = text(line, "name");
    INFO(name << ": " << error);
    CHECK(error.empty() == (open && !stricter.contains(name)));
    CHECK(error.size() < 3000);
    ++judged;
  }
  CHECK(judged > 100);
}

TEST_CASE("a recorded frame cut short anywhere is an error, never a crash", "[control]") {
  for (const auto& each : sessions()) {
    if (each.name != "py-29-altact")
      continue;
    for (const auto& frame : each.frames) {
      const auto body = from_hex(text(frame, "hex"));
      if (body.size() > 2000)
        continue;
      const auto context = each.receiver_of(frame);
      for (std::size_t size = 0; size < body.size(); ++size) {
        INFO(text(frame, "control") << " cut to " << size);
        CHECK_FALSE(decode_control(std::span(body).first(size), context));
      }
    }
  }
}
