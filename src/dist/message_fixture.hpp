/// For tests: messages to frames and back, without a connection.
#pragma once

#include "dist/control.hpp"
#include "dist/distribution_header.hpp"
#include "dist/message_reader.hpp"
#include "dist/message_writer.hpp"

#include <algorithm>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace erl::dist::test_only {

inline control_message message_to(const pid& from, const pid& to, term payload) {
  return {.from = from, .to = to, .payload = std::move(payload)};
}
inline control_message message_to(const pid& from, atom name, term payload) {
  return {.target = target_kind::name, .from = from, .name = name, .payload = std::move(payload)};
}

/// One direction of a connection, from one writer to one reader.
class one_way {
public:
  explicit one_way(flag_set common, const connection_limits& limits = {})
      : writer(common, queue), reader(common, limits) {}

  /// The bodies of the frames that are ready to be written.
  std::vector<std::vector<std::byte>> frames() {
    writer.proceed();
    std::vector<std::byte> bytes;
    while (!queue.empty()) {
      output_queue::chain pieces;
      const auto count = queue.gather(pieces);
      std::size_t taken = 0;
      for (const auto piece : std::span(pieces).first(count)) {
        bytes.insert(bytes.end(), piece.begin(), piece.end());
        taken += piece.size();
      }
      queue.taken(taken);
    }
    frame_reader framer;
    std::vector<std::vector<std::byte>> bodies;
    while (!bytes.empty()) {
      const auto space = framer.space();
      const auto part = std::min(space.size(), bytes.size());
      std::copy_n(bytes.begin(), part, space.begin());
      framer.filled(part);
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
      for (auto frame = framer.next(); frame.what == frame_reader::outcome::frame;
           frame = framer.next())
        bodies.emplace_back(frame.body.begin(), frame.body.end());
    }
    return bodies;
  }

  output_queue queue;
  message_writer writer;
  message_reader reader;
  atom_budget budget{.left = 1000};
};

/// Gives a frame to the reader while it comes, `piece` bytes at a time.
inline std::expected<message_reader::result, message_reader::error>
read_in_pieces(message_reader& reader, std::span<const std::byte> body, std::size_t piece,
               atom_budget& budget) {
  const auto first = std::max(piece, message_reader::least_begin);
  if (body.size() <= first)
    return reader.read(body, budget);
  if (const auto opened = reader.open(body.first(first), body.size()); !opened)
    return std::unexpected(opened.error());
  auto rest = body.subspan(first);
  for (bool more = true; more;) {
    const auto space = reader.space();
    const auto part = std::min({piece, space.size(), rest.size()});
    std::copy_n(rest.begin(), part, space.begin());
    rest = rest.subspan(part);
    more = !reader.filled(part);
  }
  return reader.close(budget);
}

/// The body of the frame that a message makes on a fresh connection; empty if it is refused.
inline std::vector<std::byte> frame_of(const control_message& message, flag_set common) {
  one_way connection(common);
  if (!connection.writer.write(control_message(message)))
    return {};
  return connection.frames().at(0);
}

/// Reads one frame of a fresh connection that holds a whole message.
inline std::expected<control_message, control_error> read_frame(std::span<const std::byte> body,
                                                                const control_context& context) {
  message_reader reader(context.common, {});
  atom_budget budget{.left = context.decode.new_atoms};
  const auto found = reader.read(body, budget);
  if (!found)
    return std::unexpected(control_error{.text = std::string(found.error().text),
                                         .atoms_exhausted = found.error().atoms_exhausted});
  if (found->what == message_reader::outcome::part)
    return std::unexpected(control_error{.text = "a part of a message"});
  return decode_control(found->message, context);
}

} // namespace erl::dist::test_only
