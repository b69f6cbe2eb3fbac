#include "dist/flags.hpp"

#include <array>
#include <bit>
#include <charconv>

namespace erl::dist {

namespace {

struct named_flag {
  flag_set bit;
  std::string_view name;
};

constexpr std::array<named_flag, 31> names{{
    {flags::published, "PUBLISHED"},
    {flags::atom_cache, "ATOM_CACHE"},
    {flags::extended_references, "EXTENDED_REFERENCES"},
    {flags::dist_monitor, "DIST_MONITOR"},
    {flags::fun_tags, "FUN_TAGS"},
    {flags::dist_monitor_name, "DIST_MONITOR_NAME"},
    {flags::hidden_atom_cache, "HIDDEN_ATOM_CACHE"},
    {flags::new_fun_tags, "NEW_FUN_TAGS"},
    {flags::extended_pids_ports, "EXTENDED_PIDS_PORTS"},
    {flags::export_ptr_tag, "EXPORT_PTR_TAG"},
    {flags::bit_binaries, "BIT_BINARIES"},
    {flags::new_floats, "NEW_FLOATS"},
    {flags::unicode_io, "UNICODE_IO"},
    {flags::dist_hdr_atom_cache, "DIST_HDR_ATOM_CACHE"},
    {flags::small_atom_tags, "SMALL_ATOM_TAGS"},
    {flags::utf8_atoms, "UTF8_ATOMS"},
    {flags::map_tag, "MAP_TAG"},
    {flags::big_creation, "BIG_CREATION"},
    {flags::send_sender, "SEND_SENDER"},
    {flags::big_seqtrace_labels, "BIG_SEQTRACE_LABELS"},
    {flags::exit_payload, "EXIT_PAYLOAD"},
    {flags::fragments, "FRAGMENTS"},
    {flags::handshake_23, "HANDSHAKE_23"},
    {flags::unlink_id, "UNLINK_ID"},
    {flags::mandatory_25_digest, "MANDATORY_25_DIGEST"},
    {flags::spawn, "SPAWN"},
    {flags::name_me, "NAME_ME"},
    {flags::v4_nc, "V4_NC"},
    {flags::alias, "ALIAS"},
    {flags::altact_sig, "ALTACT_SIG"},
    {flags::native_records, "NATIVE_RECORDS"},
}};

} // namespace

std::string hexadecimal(flag_set set) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), set, 16).ptr;
  return "0x" + std::string(digits.data(), end);
}

std::string_view flag_name(flag_set flag) {
  const flag_set lowest = flag & (~flag + 1);
  for (const auto& entry : names) {
    if (entry.bit == lowest)
      return entry.name;
  }
  return {};
}

std::string flag_names(flag_set set) {
  std::string text;
  for (flag_set rest = set; rest != 0; rest &= rest - 1) {
    if (!text.empty())
      text += ", ";
    const auto name = flag_name(rest);
    text += name.empty() ? hexadecimal(rest & (~rest + 1)) : std::string(name);
  }
  return text;
}

std::string describe_missing(flag_set missing) {
  if (missing == 0)
    return "no mandatory distribution flag is missing";
  const bool one = std::has_single_bit(missing);
  return std::string(one ? "it lacks the mandatory distribution flag "
                         : "it lacks the mandatory distribution flags ") +
         flag_names(missing) + "; OTP 25 or later has " + (one ? "it" : "them");
}

} // namespace erl::dist
