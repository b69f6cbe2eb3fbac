/// For tests: frames that real nodes were sent to see whether they accept them, and what our
/// decoder makes of them.
#pragma once

#include "dist/control.hpp"
#include "dist/message_reader.hpp"
#include "support/vectors.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace erl::dist::test_only {

/// What both sides of a connection have in the modes of the recordings.
inline flag_set flags_of(std::string_view mode) {
  return mode == "pass" ? 0xd075f5fbc : mode == "hdr" ? 0xd07df7fbc : 0xd07df5fbc;
}

/// One connection over which malformed frames came.
struct malformed {
  boost::json::object line; ///< of tests/vectors/malformed.jsonl
  std::string name;
  flag_set common;
  std::vector<std::vector<std::byte>> frames; ///< ticks included

  /// Why our decoder closes the connection; empty if it does not.
  std::string judge() const {
    const auto& receiver = line.at("receiver_27").as_object();
    const auto& sender = line.at("sender").as_object();
    const control_context context{.self = atom(test::text(receiver, "node")),
                                  .creation = receiver.at("creation").to_number<std::uint32_t>(),
                                  .peer = atom(test::text(sender, "node")),
                                  .common = common};
    message_reader reader(common, {});
    atom_budget budget{.left = 10'000};
    for (const auto& body : frames) {
      if (body.empty())
        continue; // a tick
      const auto found = reader.read(body, budget);
      if (!found)
        return std::string(found.error().text);
      if (found->what == message_reader::outcome::part)
        continue;
      if (const auto message = decode_control(found->message, context); !message)
        return message.error().text;
    }
    return {};
  }
};

inline std::vector<malformed> malformed_vectors() {
  std::vector<malformed> all;
  for (auto& line : test::load_vectors("malformed.jsonl")) {
    if (test::text(line, "kind") != "dist")
      continue;
    malformed each{.line = {},
                   .name = test::text(line, "name"),
                   .common = flags_of(test::text(line, "mode")),
                   .frames = {}};
    for (const auto& frame : line.at("frames_sent_to_27").as_array())
      each.frames.push_back(test::from_hex(frame.as_string()));
    each.line = std::move(line);
    all.push_back(std::move(each));
  }
  return all;
}

} // namespace erl::dist::test_only
