/// The messages of the distribution handshake, version 6, as bytes; without their length prefix.
///
/// OTP's module dist_util and the "Distribution Protocol" chapter of the ERTS guide define them.
/// Names are Latin-1 on the wire and UTF-8 here. Nothing here allocates more than one short name,
/// and nothing throws on hostile bytes.
#pragma once

#include "dist/digest.hpp"
#include "dist/flags.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace erl::dist {

/// No handshake message is longer than this; names end at 255 characters, so real ones stay far
/// below.
inline constexpr std::size_t max_handshake_message = 1024;

/// What an acceptor says about an attempt to connect.
enum class handshake_status {
  ok,              ///< go on
  ok_simultaneous, ///< go on; the acceptor gives up its own attempt in the other direction
  nok,             ///< give up; the acceptor's own attempt in the other direction will be used
  not_allowed,     ///< refused: the name is not welcome, or a mandatory flag is missing
  alive,           ///< there is a connection to a node of this name already: is this attempt meant?
  named,           ///< go on, under the name that the acceptor assigns
};

/// The first message, from the initiator: 'N', or 'n' of OTP 23 and 24 without EPMD.
struct send_name_message {
  bool old_form =
      false; ///< 'n': only the low half of the flags, no creation; a complement follows later
  flag_set flags = 0; ///< as received, the digest flag not spelled out
  std::uint32_t creation = 0;
  std::string name;
};

/// The acceptor's verdict.
struct status_message {
  handshake_status status = handshake_status::ok;
  std::string name;           ///< with `named`: the assigned full name
  std::uint32_t creation = 0; ///< with `named`: the assigned creation
};

/// The acceptor presents itself and asks for the proof of the cookie.
struct challenge_message {
  flag_set flags = 0;
  std::uint32_t challenge = 0;
  std::uint32_t creation = 0;
  std::string name;
};

/// What an old send_name left out.
struct complement_message {
  std::uint32_t high_flags = 0;
  std::uint32_t creation = 0;
};

/// The initiator's proof of the cookie and its own challenge.
struct challenge_reply_message {
  std::uint32_t challenge = 0;
  digest_bytes digest{};
};

/// The acceptor's proof of the cookie.
struct challenge_ack_message {
  digest_bytes digest{};
};

using bytes_view = std::span<const std::byte>;

// Each parser gives nothing when the bytes are not that message.
std::optional<send_name_message> parse_send_name(bytes_view message);
std::optional<status_message> parse_status(bytes_view message);
std::optional<bool> parse_alive_answer(bytes_view message);
std::optional<challenge_message> parse_challenge(bytes_view message);
std::optional<complement_message> parse_complement(bytes_view message);
std::optional<challenge_reply_message> parse_challenge_reply(bytes_view message);
std::optional<challenge_ack_message> parse_challenge_ack(bytes_view message);

// Each of these appends one message to `out`. Names must be convertible to Latin-1 (see
// `to_latin1`).
void append(std::vector<std::byte>& out, const send_name_message& message); ///< always the new form
void append(std::vector<std::byte>& out, const status_message& message);
void append_alive_answer(std::vector<std::byte>& out, bool answer);
void append(std::vector<std::byte>& out, const challenge_message& message);
void append(std::vector<std::byte>& out, const complement_message& message);
void append(std::vector<std::byte>& out, const challenge_reply_message& message);
void append(std::vector<std::byte>& out, const challenge_ack_message& message);

/// Latin-1 bytes as UTF-8.
std::string from_latin1(bytes_view latin1);
/// UTF-8 as Latin-1 bytes, or nothing if it is not UTF-8 or has characters above U+00FF.
std::optional<std::vector<std::byte>> to_latin1(std::string_view utf8);

/// Whether `name` has the form of a full node name: one '@' with something on both sides, no
/// control characters and 255 characters at most.
bool is_node_name(std::string_view name);
/// Whether `name` can be the host part of a node name: no '@', not empty, no control characters.
bool is_host_name(std::string_view name);
/// The part of a node name after its '@', or an empty text.
std::string_view host_part(std::string_view name);

/// Hostile text made fit for a log: control characters and bytes beyond ASCII as \xHH, 64 bytes at
/// most.
std::string printable(bytes_view text);

} // namespace erl::dist
