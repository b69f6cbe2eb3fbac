/// Captures of connections: lines of JSON, as in tests/vectors, or of hexadecimal digits.
#pragma once

#include "dist/describe.hpp"
#include "dist/flags.hpp"
#include <erl/etf/term.hpp>

#include <cstddef>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace erl::cli {

/// Reads a capture line by line and describes its frames.
///
/// A line of JSON is an object: a session with `"kind": "session"` and its `common_flags`; a
/// handshake, whose `messages` give the flags, with `first_frames_after` it; or a frame with its
/// body in `hex` (or the first bytes of it in `hex_head`, with its length in `len`), and `from`,
/// `session` and `seq` where they are known. Any other line is the body of a frame in hexadecimal
/// digits, with `<` or `>` in front where both directions are in one capture; `>` alone is a tick.
/// Empty lines and those that begin with `#` are passed over.
class capture_reader {
public:
  /// `flags` count in place of those that the capture gives; `session` is the only one to show.
  capture_reader(std::optional<dist::flag_set> flags, std::optional<std::string> session)
      : flags_(flags), wanted_(std::move(session)) {}

  /// The lines to print for the next line; or what is wrong with it.
  std::expected<std::string, std::string> read(std::string_view line);
  /// Whether the session to show has come.
  bool has_shown() const { return !wanted_ || sessions_.contains(*wanted_); }

private:
  std::expected<std::string, std::string> read_json(std::string_view line);
  std::expected<std::string, std::string> read_session(term_ref object);
  std::expected<std::string, std::string> read_handshake(term_ref object);
  std::expected<std::string, std::string> read_frame(term_ref object, const std::string& session,
                                                     std::size_t place);
  std::expected<std::string, std::string> read_hex(std::string_view line);
  std::string begin(const std::string& session, std::optional<dist::flag_set> flags,
                    const std::string& title);
  dist::frame_describer& way(const std::string& session, const std::string& from);
  bool shows(const std::string& session) const { return !wanted_ || *wanted_ == session; }

  struct recording {
    std::optional<dist::flag_set> flags;
    std::map<std::string, dist::frame_describer> ways;
    std::size_t frames = 0;
  };

  std::optional<dist::flag_set> flags_;
  std::optional<std::string> wanted_;
  std::map<std::string, recording> sessions_;
};

/// Flags as a number (`0xd07df7fbd`), or as OTP's names with commas between them; or what is wrong.
std::expected<dist::flag_set, std::string> parse_flags(std::string_view text);

} // namespace erl::cli
