/// Atoms that the protocol and OTP's behaviours use, as constants.
#pragma once

#include <erl/etf/atom.hpp>

#include <cstdint>
#include <string_view>

namespace erl {

namespace detail {

/// The first atoms of the table, in order of their index.
inline constexpr std::string_view predefined_atoms[] = {
    "",
    "false",
    "true",
    "nil",
    "undefined",
    "ok",
    "error",
    "normal",
    "shutdown",
    "kill",
    "killed",
    "noproc",
    "noconnection",
    "EXIT",
    "DOWN",
    "process",
    "port",
    "time_offset",
    "$gen_call",
    "$gen_cast",
    "$gen_event",
    "$ancestors",
    "$initial_call",
    "$alias",
    "alias",
    "noreply",
    "reply",
    "stop",
    "badarg",
    "badarith",
    "badmatch",
    "badrpc",
    "undef",
    "function_clause",
    "timeout",
    "infinity",
    "nonode@nohost",
    "is_auth",
    "yes",
    "no",
    "net_kernel",
    "rex",
    "global_name_server",
    "global_group",
    "pg",
    "user",
    "logger",
    "init",
    "error_logger",
    "features_request",
    "features_reply",
    "nodeup",
    "nodedown",
    "not_allowed",
    "notsup",
    "badopt",
    "link",
    "monitor",
    "monitor_nodes",
    "spawn",
    "call",
    "cast",
    "info",
    "system",
    "get_status",
    "get_state",
    "replace_state",
    "get_modules",
    "suspend",
    "resume",
    "terminate",
    "running",
    "suspended",
    "debug",
    "trace",
    "log",
    "status",
    "which_children",
    "count_children",
    "start_child",
    "terminate_child",
    "restart_child",
    "delete_child",
    "worker",
    "supervisor",
    "permanent",
    "transient",
    "temporary",
    "restarting",
    "dynamic",
    "not_found",
    "already_started",
    "already_present",
    "max_children",
    "no_reply",
    "io_request",
    "io_reply",
    "put_chars",
    "get_line",
    "get_chars",
    "get_until",
    "get_geometry",
    "getopts",
    "setopts",
    "requests",
    "request",
    "unicode",
    "latin1",
    "eof",
    "enotsup",
    "group_leader",
    "erlang",
    "apply",
    "apply_after",
    "notify",
    "sync_notify",
    "add_handler",
    "delete_handler",
    "which_handlers",
    "hibernate",
    "continue",
    "state_timeout",
    "next_state",
    "keep_state",
    "keep_state_and_data",
    "postpone",
    "next_event",
    "internal",
    "enter",
    "exit",
    "throw",
    "nocatch",
    "reason",
    "badkey",
    "system_limit",
    "Elixir.Exception",
    "__struct__",
    "__exception__",
    "null",
};

/// The atom with this index. The name is there to be checked; searching for it would cost every
/// translation unit time.
consteval atom predefined(std::uint32_t index, std::string_view name) {
  if (predefined_atoms[index] != name)
    throw "another index than in predefined_atoms";
  return atom::from_index(index);
}

} // namespace detail

/// Constants; usable at compile time and before main. C++ keywords have an underscore at their end.
/// The names are the atoms' own, but for `exit_signal` ('EXIT'), `down` ('DOWN') and those that
/// begin with a `$`.
namespace atoms {

inline constexpr atom empty = detail::predefined(0, "");
inline constexpr atom false_ = detail::predefined(1, "false");
inline constexpr atom true_ = detail::predefined(2, "true");
inline constexpr atom nil = detail::predefined(3, "nil");
inline constexpr atom undefined = detail::predefined(4, "undefined");
inline constexpr atom ok = detail::predefined(5, "ok");
inline constexpr atom error = detail::predefined(6, "error");
inline constexpr atom normal = detail::predefined(7, "normal");
inline constexpr atom shutdown = detail::predefined(8, "shutdown");
inline constexpr atom kill = detail::predefined(9, "kill");
inline constexpr atom killed = detail::predefined(10, "killed");
inline constexpr atom noproc = detail::predefined(11, "noproc");
inline constexpr atom noconnection = detail::predefined(12, "noconnection");
inline constexpr atom exit_signal = detail::predefined(13, "EXIT");
inline constexpr atom down = detail::predefined(14, "DOWN");
inline constexpr atom process = detail::predefined(15, "process");
inline constexpr atom port = detail::predefined(16, "port");
inline constexpr atom time_offset = detail::predefined(17, "time_offset");
inline constexpr atom gen_call = detail::predefined(18, "$gen_call");
inline constexpr atom gen_cast = detail::predefined(19, "$gen_cast");
inline constexpr atom gen_event = detail::predefined(20, "$gen_event");
inline constexpr atom ancestors = detail::predefined(21, "$ancestors");
inline constexpr atom initial_call = detail::predefined(22, "$initial_call");
inline constexpr atom dollar_alias = detail::predefined(23, "$alias");
inline constexpr atom alias = detail::predefined(24, "alias");
inline constexpr atom noreply = detail::predefined(25, "noreply");
inline constexpr atom reply = detail::predefined(26, "reply");
inline constexpr atom stop = detail::predefined(27, "stop");
inline constexpr atom badarg = detail::predefined(28, "badarg");
inline constexpr atom badarith = detail::predefined(29, "badarith");
inline constexpr atom badmatch = detail::predefined(30, "badmatch");
inline constexpr atom badrpc = detail::predefined(31, "badrpc");
inline constexpr atom undef = detail::predefined(32, "undef");
inline constexpr atom function_clause = detail::predefined(33, "function_clause");
inline constexpr atom timeout = detail::predefined(34, "timeout");
inline constexpr atom infinity = detail::predefined(35, "infinity");
inline constexpr atom nonode_nohost = detail::predefined(36, "nonode@nohost");
inline constexpr atom is_auth = detail::predefined(37, "is_auth");
inline constexpr atom yes = detail::predefined(38, "yes");
inline constexpr atom no = detail::predefined(39, "no");
inline constexpr atom net_kernel = detail::predefined(40, "net_kernel");
inline constexpr atom rex = detail::predefined(41, "rex");
inline constexpr atom global_name_server = detail::predefined(42, "global_name_server");
inline constexpr atom global_group = detail::predefined(43, "global_group");
inline constexpr atom pg = detail::predefined(44, "pg");
inline constexpr atom user = detail::predefined(45, "user");
inline constexpr atom logger = detail::predefined(46, "logger");
inline constexpr atom init = detail::predefined(47, "init");
inline constexpr atom error_logger = detail::predefined(48, "error_logger");
inline constexpr atom features_request = detail::predefined(49, "features_request");
inline constexpr atom features_reply = detail::predefined(50, "features_reply");
inline constexpr atom nodeup = detail::predefined(51, "nodeup");
inline constexpr atom nodedown = detail::predefined(52, "nodedown");
inline constexpr atom not_allowed = detail::predefined(53, "not_allowed");
inline constexpr atom notsup = detail::predefined(54, "notsup");
inline constexpr atom badopt = detail::predefined(55, "badopt");
inline constexpr atom link = detail::predefined(56, "link");
inline constexpr atom monitor = detail::predefined(57, "monitor");
inline constexpr atom monitor_nodes = detail::predefined(58, "monitor_nodes");
inline constexpr atom spawn = detail::predefined(59, "spawn");
inline constexpr atom call = detail::predefined(60, "call");
inline constexpr atom cast = detail::predefined(61, "cast");
inline constexpr atom info = detail::predefined(62, "info");
inline constexpr atom system = detail::predefined(63, "system");
inline constexpr atom get_status = detail::predefined(64, "get_status");
inline constexpr atom get_state = detail::predefined(65, "get_state");
inline constexpr atom replace_state = detail::predefined(66, "replace_state");
inline constexpr atom get_modules = detail::predefined(67, "get_modules");
inline constexpr atom suspend = detail::predefined(68, "suspend");
inline constexpr atom resume = detail::predefined(69, "resume");
inline constexpr atom terminate = detail::predefined(70, "terminate");
inline constexpr atom running = detail::predefined(71, "running");
inline constexpr atom suspended = detail::predefined(72, "suspended");
inline constexpr atom debug = detail::predefined(73, "debug");
inline constexpr atom trace = detail::predefined(74, "trace");
inline constexpr atom log = detail::predefined(75, "log");
inline constexpr atom status = detail::predefined(76, "status");
inline constexpr atom which_children = detail::predefined(77, "which_children");
inline constexpr atom count_children = detail::predefined(78, "count_children");
inline constexpr atom start_child = detail::predefined(79, "start_child");
inline constexpr atom terminate_child = detail::predefined(80, "terminate_child");
inline constexpr atom restart_child = detail::predefined(81, "restart_child");
inline constexpr atom delete_child = detail::predefined(82, "delete_child");
inline constexpr atom worker = detail::predefined(83, "worker");
inline constexpr atom supervisor = detail::predefined(84, "supervisor");
inline constexpr atom permanent = detail::predefined(85, "permanent");
inline constexpr atom transient = detail::predefined(86, "transient");
inline constexpr atom temporary = detail::predefined(87, "temporary");
inline constexpr atom restarting = detail::predefined(88, "restarting");
inline constexpr atom dynamic = detail::predefined(89, "dynamic");
inline constexpr atom not_found = detail::predefined(90, "not_found");
inline constexpr atom already_started = detail::predefined(91, "already_started");
inline constexpr atom already_present = detail::predefined(92, "already_present");
inline constexpr atom max_children = detail::predefined(93, "max_children");
inline constexpr atom no_reply = detail::predefined(94, "no_reply");

inline constexpr atom io_request = detail::predefined(95, "io_request");
inline constexpr atom io_reply = detail::predefined(96, "io_reply");
inline constexpr atom put_chars = detail::predefined(97, "put_chars");
inline constexpr atom get_line = detail::predefined(98, "get_line");
inline constexpr atom get_chars = detail::predefined(99, "get_chars");
inline constexpr atom get_until = detail::predefined(100, "get_until");
inline constexpr atom get_geometry = detail::predefined(101, "get_geometry");
inline constexpr atom getopts = detail::predefined(102, "getopts");
inline constexpr atom setopts = detail::predefined(103, "setopts");
inline constexpr atom requests = detail::predefined(104, "requests");
inline constexpr atom request = detail::predefined(105, "request");
inline constexpr atom unicode = detail::predefined(106, "unicode");
inline constexpr atom latin1 = detail::predefined(107, "latin1");
inline constexpr atom eof = detail::predefined(108, "eof");
inline constexpr atom enotsup = detail::predefined(109, "enotsup");
inline constexpr atom group_leader = detail::predefined(110, "group_leader");
inline constexpr atom erlang = detail::predefined(111, "erlang");
inline constexpr atom apply = detail::predefined(112, "apply");
inline constexpr atom apply_after = detail::predefined(113, "apply_after");
inline constexpr atom notify = detail::predefined(114, "notify");
inline constexpr atom sync_notify = detail::predefined(115, "sync_notify");
inline constexpr atom add_handler = detail::predefined(116, "add_handler");
inline constexpr atom delete_handler = detail::predefined(117, "delete_handler");
inline constexpr atom which_handlers = detail::predefined(118, "which_handlers");
inline constexpr atom hibernate = detail::predefined(119, "hibernate");
inline constexpr atom continue_ = detail::predefined(120, "continue");
inline constexpr atom state_timeout = detail::predefined(121, "state_timeout");
inline constexpr atom next_state = detail::predefined(122, "next_state");
inline constexpr atom keep_state = detail::predefined(123, "keep_state");
inline constexpr atom keep_state_and_data = detail::predefined(124, "keep_state_and_data");
inline constexpr atom postpone = detail::predefined(125, "postpone");
inline constexpr atom next_event = detail::predefined(126, "next_event");
inline constexpr atom internal = detail::predefined(127, "internal");
inline constexpr atom enter = detail::predefined(128, "enter");
inline constexpr atom exit = detail::predefined(129, "exit");
inline constexpr atom throw_ = detail::predefined(130, "throw");
inline constexpr atom nocatch = detail::predefined(131, "nocatch");
inline constexpr atom reason = detail::predefined(132, "reason");
inline constexpr atom badkey = detail::predefined(133, "badkey");
inline constexpr atom system_limit = detail::predefined(134, "system_limit");
inline constexpr atom elixir_exception = detail::predefined(135, "Elixir.Exception");
inline constexpr atom struct_ = detail::predefined(136, "__struct__");
inline constexpr atom exception_ = detail::predefined(137, "__exception__");
inline constexpr atom null = detail::predefined(138, "null");

} // namespace atoms

} // namespace erl
