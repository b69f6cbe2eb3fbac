/// Distribution flags: the 64 capability bits that both sides exchange in the handshake.
///
/// Numbers and meaning are OTP's (erts/emulator/beam/dist.h, "Distribution Protocol" in the ERTS
/// guide; the guide gives another bit for MANDATORY_25_DIGEST than nodes use: the one here is what
/// nodes send).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace erl::dist {

/// A set of flags, one bit each.
using flag_set = std::uint64_t;

namespace flags {

inline constexpr flag_set published = 0x1;
inline constexpr flag_set atom_cache = 0x2;
inline constexpr flag_set extended_references = 0x4;
inline constexpr flag_set dist_monitor = 0x8;
inline constexpr flag_set fun_tags = 0x10;
inline constexpr flag_set dist_monitor_name = 0x20;
inline constexpr flag_set hidden_atom_cache = 0x40;
inline constexpr flag_set new_fun_tags = 0x80;
inline constexpr flag_set extended_pids_ports = 0x100;
inline constexpr flag_set export_ptr_tag = 0x200;
inline constexpr flag_set bit_binaries = 0x400;
inline constexpr flag_set new_floats = 0x800;
inline constexpr flag_set unicode_io = 0x1000;
inline constexpr flag_set dist_hdr_atom_cache = 0x2000;
inline constexpr flag_set small_atom_tags = 0x4000;
inline constexpr flag_set utf8_atoms = 0x10000;
inline constexpr flag_set map_tag = 0x20000;
inline constexpr flag_set big_creation = 0x40000;
inline constexpr flag_set send_sender = 0x80000;
inline constexpr flag_set big_seqtrace_labels = 0x100000;
inline constexpr flag_set exit_payload = 0x400000;
inline constexpr flag_set fragments = 0x800000;
inline constexpr flag_set handshake_23 = 0x1000000;
inline constexpr flag_set unlink_id = 0x2000000;
inline constexpr flag_set mandatory_25_digest = 0x4000000;
inline constexpr flag_set spawn = flag_set{1} << 32U;
inline constexpr flag_set name_me = flag_set{1} << 33U;
inline constexpr flag_set v4_nc = flag_set{1} << 34U;
inline constexpr flag_set alias = flag_set{1} << 35U;
inline constexpr flag_set altact_sig = flag_set{1} << 37U;
inline constexpr flag_set native_records = flag_set{1} << 38U;

/// What OTP 25 demands of every peer; MANDATORY_25_DIGEST stands for all of them.
inline constexpr flag_set mandatory_25 =
    extended_references | fun_tags | new_fun_tags | extended_pids_ports | export_ptr_tag |
    bit_binaries | new_floats | utf8_atoms | map_tag | big_creation | handshake_23;

/// What OTP 26 and later demand, and what we do: every release from 25 on sets all of them.
inline constexpr flag_set mandatory_26 = mandatory_25 | unlink_id | v4_nc;

/// What this implementation honours, without PUBLISHED: all that OTP 29 does.
inline constexpr flag_set honoured =
    mandatory_26 | mandatory_25_digest | dist_monitor | dist_monitor_name | unicode_io |
    dist_hdr_atom_cache | small_atom_tags | send_sender | big_seqtrace_labels | exit_payload |
    fragments | spawn | alias | altact_sig | native_records;

} // namespace flags

/// The flags to send: all that is honoured, and PUBLISHED for a visible node.
constexpr flag_set advertised(bool visible) {
  return flags::honoured | (visible ? flags::published : 0);
}

/// `received` with MANDATORY_25_DIGEST spelled out into the flags it stands for.
constexpr flag_set expand_digest(flag_set received) {
  return (received & flags::mandatory_25_digest) != 0 ? received | flags::mandatory_25 : received;
}

/// OTP's name of the lowest flag in `flag` ("BIG_CREATION"), or an empty text for a bit without a
/// name.
std::string_view flag_name(flag_set flag);

/// The bits as a number: "0x5".
std::string hexadecimal(flag_set set);

/// The names of all flags in `set`, lowest bit first, separated by ", ". Bits without a name are
/// given as hexadecimal numbers; an empty set gives an empty text.
std::string flag_names(flag_set set);

/// Why a peer that lacks `missing` cannot be talked to, naming the flags, for a log line or an
/// error.
std::string describe_missing(flag_set missing);

} // namespace erl::dist
