/// Frames of the connected phase as text for people: what a capture of a connection says.
///
/// Nothing is judged by who the nodes are, and nothing is fatal: what is wrong is said where it
/// stands, and reading goes on behind it as far as the bytes allow. So a capture may begin in the
/// middle of a connection; atoms that were sent before it are shown as `'?1234'`, by their slot in
/// the cache.
#pragma once

#include "dist/atom_cache.hpp"
#include "dist/flags.hpp"
#include <erl/etf/atom.hpp>
#include <erl/etf/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace erl::dist {

/// Describes the frames of one direction, in their order.
class frame_describer {
public:
  /// `common`: the negotiated flags. Without them the first bytes of each frame tell its form.
  explicit frame_describer(std::optional<flag_set> common = {});

  /// One line, without its end: the kind of frame, new entries of the atom cache, the control
  /// message with its fields, and the payload, in Erlang's syntax. Each term is cut at 1 KB;
  /// control characters are escaped. Mistakes stand at the end, each as `error: ... at byte N`,
  /// counted from the begin of the frame's body, or of the message if that came in fragments.
  ///
  /// `body` is the frame behind its length, or the first bytes of one that has `length`.
  std::string describe(std::span<const std::byte> body, std::size_t length);
  std::string describe(std::span<const std::byte> body) { return describe(body, body.size()); }

private:
  /// A message that comes in fragments.
  struct sequence {
    std::vector<atom> atoms;
    std::vector<std::byte> bytes;
    std::uint64_t count = 0; ///< of fragments
    std::uint64_t next = 0;  ///< the id of the fragment that has to come
    bool gaps = false;
  };

  void whole(std::span<const std::byte> bytes);
  void first_of_several(std::span<const std::byte> bytes);
  void further(std::span<const std::byte> bytes);
  bool references(std::span<const std::byte>& bytes);
  void message(std::span<const std::byte> bytes, framing how, bool with_payload);
  void payload(std::span<const std::byte> bytes, const decode_options& how);
  bool has(flag_set flag) const { return !common_ || (*common_ & flag) != 0; }
  void say(std::string_view text) { line_ += text; }
  void wrong(std::string_view text);
  void wrong(std::string_view text, const std::byte* at);

  std::optional<flag_set> common_;
  std::vector<std::optional<atom>> slots_;
  std::map<std::uint64_t, sequence> sequences_;
  // Of the frame that is described.
  std::vector<atom> atoms_;
  std::span<const std::byte> origin_; ///< where offsets begin
  bool cut_ = false;                  ///< its last bytes are not known
  std::string line_;
  std::string errors_;
};

} // namespace erl::dist
