#include "dist/control.hpp"
#include "dist/describe.hpp"
#include "dist/distribution_header.hpp"
#include "dist/malformed_fixture.hpp"
#include "support/vectors.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace erl;
using namespace erl::dist;
using namespace erl::dist::test_only;
using erl::test::from_hex;
using erl::test::load_vectors;
using erl::test::text;

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

const std::string hello = // SEND_SENDER, of raw@h and to node@h, with the payload "hi"
    "836803611658770572617740680000000100000000000000055877066e6f64654068000000020000000000000005"
    "836b00026869";

} // namespace

TEST_CASE("every recorded frame is described with its operation and without an error",
          "[describe]") {
  std::map<std::string, flag_set> common;
  std::map<std::pair<std::string, std::string>, frame_describer> ways;
  std::set<std::string> operations;
  int frames = 0;
  int cut = 0;
  for (const auto& line : load_vectors("dist.jsonl")) {
    const auto session = text(line, "session");
    if (line.contains("kind")) {
      common[session] = std::stoull(text(line, "common_flags"), nullptr, 16);
      continue;
    }
    auto& way = ways.try_emplace({session, text(line, "from")}, common[session]).first->second;
    const bool whole = line.contains("hex");
    const auto bytes = from_hex(text(line, whole ? "hex" : "hex_head"));
    const auto shown = way.describe(bytes, line.at("len").to_number<std::size_t>());
    INFO(session << " " << line.at("seq") << ": " << shown);
    CHECK_FALSE(contains(shown, "error:"));
    CHECK(contains(shown, "bytes known") == !whole);
    CHECK(shown.size() < 9000);
    if (bytes.empty())
      CHECK(shown == "tick");
    else if (line.contains("op"))
      CHECK((contains(shown, " " + text(line, "op") + " ") || contains(shown, "fragment ")));
    if (line.contains("op"))
      operations.insert(text(line, "op"));
    ++frames;
    cut += whole ? 0 : 1;
  }
  CHECK(frames > 2000);
  CHECK(cut > 3);
  CHECK(operations.size() >= 22);
}

TEST_CASE("malformed frames are described as they are known to be", "[describe]") {
  std::string all;
  for (const malformed& each : malformed_vectors()) {
    frame_describer way(each.common);
    all += each.name + "\n";
    for (const auto& frame : each.frames)
      all += "  " + way.describe(frame) + "\n";
  }
  const std::string path = erl::test::vectors_folder() + "/described/malformed.txt";
  if (std::getenv("ERLPP_REWRITE_DESCRIBED") != nullptr)
    std::ofstream(path, std::ios::binary) << all;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream expected;
  expected << file.rdbuf();
  CHECK(all == expected.str());
}

TEST_CASE("what our decoder refuses for its bytes is described with an error", "[describe]") {
  int refused = 0;
  for (const malformed& each : malformed_vectors()) {
    frame_describer way(each.common);
    std::string shown;
    for (const auto& frame : each.frames)
      shown += way.describe(frame) + "\n";
    const std::string error = each.judge();
    INFO(each.name << ": " << error << "\n" << shown);
    // Who the nodes are, and how many fragments are too many, is not looked at.
    const bool other = contains(error, "the sender is no process of the peer") ||
                       contains(error, "third node") || contains(error, "incarnation") ||
                       contains(error, "another node's") || contains(error, "not on the peer") ||
                       contains(error, "more than are accepted");
    if (!other)
      CHECK(contains(shown, "error:") == !error.empty());
    refused += error.empty() ? 0 : 1;
  }
  CHECK(refused > 80);
}

TEST_CASE("a frame cut short anywhere is described with an error, or as known in part",
          "[describe]") {
  const auto message = from_hex("70" + hello);
  for (std::size_t size = 1; size < message.size(); ++size) {
    const auto part = std::span(message).first(size);
    CHECK(contains(frame_describer().describe(part), "error:"));
    const auto shown = frame_describer().describe(part, message.size());
    CHECK_FALSE(contains(shown, "error:"));
    CHECK(contains(shown, "(" + std::to_string(size) + " of 53 bytes known)"));
  }
}

TEST_CASE("without flags the first bytes tell the form of a frame", "[describe]") {
  frame_describer way;
  CHECK(way.describe({}) == "tick");
  const std::string in_words = " SEND_SENDER from <raw@h.1.0> to <node@h.2.0>: \"hi\"";
  CHECK(way.describe(from_hex("70" + hello)) == "pass-through" + in_words);
  CHECK(way.describe(from_hex("834400" + hello.substr(2, 90) + hello.substr(94))) ==
        "whole" + in_words);
  CHECK(way.describe(from_hex("99")) == "frame; error: no distribution header at byte 0");
}

TEST_CASE("with flags a frame of another form is an error, and read all the same", "[describe]") {
  const auto sent = from_hex("70" + hello);
  CHECK(frame_describer(flags_of("pass")).describe(sent).ends_with("\"hi\""));
  const auto shown = frame_describer(flags_of("hdr")).describe(sent);
  CHECK(contains(shown, "to <node@h.2.0>: \"hi\"; error: no distribution header"));
}

TEST_CASE("a capture may begin in the middle: atoms from before are shown by their slots",
          "[describe]") {
  frame_describer way;
  // {2, '', a pid of the node in slot 5}: that slot has been filled before the capture.
  const std::string rest = "6803610252005852010000000200000000000000056101";
  CHECK(way.describe(from_hex("8344020900000005" + rest)) ==
        "whole (atoms: 1 cached; new 256='') SEND to <'?5'.2.0>: 1; "
        "error: slot 5 of the atom cache is empty at byte 7");
}

TEST_CASE("after a mistake in fragments the next messages are described again", "[describe]") {
  frame_describer way;
  const std::string control = hello.substr(2, 90);
  const std::string one = "0000000000000001";
  const std::string two = "0000000000000002";
  const std::string three = "0000000000000003";
  CHECK(way.describe(from_hex("8345" + one + three + "00" + control + "6b")) ==
        "fragment 1 of 3 of message 1 SEND_SENDER from <raw@h.1.0> to <node@h.2.0>");
  CHECK(way.describe(from_hex("8346" + one + one + "6869")) ==
        "fragment 3 of 3 of message 1 SEND_SENDER from <raw@h.1.0> to <node@h.2.0> "
        "(bytes are missing); error: a fragment out of order, where number 2 has to be at byte 10");
  CHECK(contains(way.describe(from_hex("8346" + one + one + "6869")), "no message 1 is under way"));
  CHECK_FALSE(
      contains(way.describe(from_hex("8345" + two + two + "00" + control + "6b")), "error"));
  CHECK(way.describe(from_hex("8346" + two + one + "00026869")) ==
        "fragment 2 of 2 of message 2 SEND_SENDER from <raw@h.1.0> to <node@h.2.0>: \"hi\"");
}

TEST_CASE("what a peer writes cannot control a terminal, and is cut at 1 KB", "[describe]") {
  frame_describer way;
  const std::string control = hello.substr(0, 92);
  // A binary, an atom and text beyond ASCII: escape, delete, C1, right-to-left override.
  const auto shown =
      way.describe(from_hex("70" + control + "8368036d00000002411b7706411b7fc29b427705e280aec3a4"));
  CHECK(std::ranges::none_of(shown, [](char c) { return static_cast<unsigned char>(c) < 32; }));
  CHECK_FALSE(contains(shown, "\x7f"));
  CHECK_FALSE(contains(shown, "\xc2\x9b"));
  CHECK_FALSE(contains(shown, "\xe2\x80\xae"));
  CHECK(contains(shown, "\xc3\xa4"));
  std::string many;
  for (int i = 0; i < 10'000; ++i)
    many += "61ff";
  const auto long_one = way.describe(from_hex("70" + control + "836c00002710" + many + "6a"));
  CHECK(long_one.ends_with("..."));
  CHECK(long_one.size() < 1200);
}
