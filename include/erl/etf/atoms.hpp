/// Atoms that the protocol and OTP's behaviours use, as constants.
#pragma once

#include <erl/etf/atom.hpp>

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
};

consteval atom predefined(std::string_view name) {
  std::uint32_t index = 0;
  for (std::string_view text : predefined_atoms) {
    if (text == name)
      return atom::from_index(index);
    ++index;
  }
  throw "not in predefined_atoms";
}

} // namespace detail

/// Constants; usable at compile time and before main. C++ keywords have an underscore at their end.
/// The names are the atoms' own, but for `exit_signal` ('EXIT'), `down` ('DOWN') and those that
/// begin with a `$`.
namespace atoms {

inline constexpr atom empty = detail::predefined("");
inline constexpr atom false_ = detail::predefined("false");
inline constexpr atom true_ = detail::predefined("true");
inline constexpr atom nil = detail::predefined("nil");
inline constexpr atom undefined = detail::predefined("undefined");
inline constexpr atom ok = detail::predefined("ok");
inline constexpr atom error = detail::predefined("error");
inline constexpr atom normal = detail::predefined("normal");
inline constexpr atom shutdown = detail::predefined("shutdown");
inline constexpr atom kill = detail::predefined("kill");
inline constexpr atom killed = detail::predefined("killed");
inline constexpr atom noproc = detail::predefined("noproc");
inline constexpr atom noconnection = detail::predefined("noconnection");
inline constexpr atom exit_signal = detail::predefined("EXIT");
inline constexpr atom down = detail::predefined("DOWN");
inline constexpr atom process = detail::predefined("process");
inline constexpr atom port = detail::predefined("port");
inline constexpr atom time_offset = detail::predefined("time_offset");
inline constexpr atom gen_call = detail::predefined("$gen_call");
inline constexpr atom gen_cast = detail::predefined("$gen_cast");
inline constexpr atom gen_event = detail::predefined("$gen_event");
inline constexpr atom ancestors = detail::predefined("$ancestors");
inline constexpr atom initial_call = detail::predefined("$initial_call");
inline constexpr atom dollar_alias = detail::predefined("$alias");
inline constexpr atom alias = detail::predefined("alias");
inline constexpr atom noreply = detail::predefined("noreply");
inline constexpr atom reply = detail::predefined("reply");
inline constexpr atom stop = detail::predefined("stop");
inline constexpr atom badarg = detail::predefined("badarg");
inline constexpr atom badarith = detail::predefined("badarith");
inline constexpr atom badmatch = detail::predefined("badmatch");
inline constexpr atom badrpc = detail::predefined("badrpc");
inline constexpr atom undef = detail::predefined("undef");
inline constexpr atom function_clause = detail::predefined("function_clause");
inline constexpr atom timeout = detail::predefined("timeout");
inline constexpr atom infinity = detail::predefined("infinity");
inline constexpr atom nonode_nohost = detail::predefined("nonode@nohost");
inline constexpr atom is_auth = detail::predefined("is_auth");
inline constexpr atom yes = detail::predefined("yes");
inline constexpr atom no = detail::predefined("no");
inline constexpr atom net_kernel = detail::predefined("net_kernel");
inline constexpr atom rex = detail::predefined("rex");
inline constexpr atom global_name_server = detail::predefined("global_name_server");
inline constexpr atom global_group = detail::predefined("global_group");
inline constexpr atom pg = detail::predefined("pg");
inline constexpr atom user = detail::predefined("user");
inline constexpr atom logger = detail::predefined("logger");
inline constexpr atom init = detail::predefined("init");
inline constexpr atom error_logger = detail::predefined("error_logger");
inline constexpr atom features_request = detail::predefined("features_request");
inline constexpr atom features_reply = detail::predefined("features_reply");
inline constexpr atom nodeup = detail::predefined("nodeup");
inline constexpr atom nodedown = detail::predefined("nodedown");
inline constexpr atom not_allowed = detail::predefined("not_allowed");
inline constexpr atom notsup = detail::predefined("notsup");
inline constexpr atom badopt = detail::predefined("badopt");
inline constexpr atom link = detail::predefined("link");
inline constexpr atom monitor = detail::predefined("monitor");
inline constexpr atom monitor_nodes = detail::predefined("monitor_nodes");
inline constexpr atom spawn = detail::predefined("spawn");
inline constexpr atom call = detail::predefined("call");
inline constexpr atom cast = detail::predefined("cast");
inline constexpr atom info = detail::predefined("info");
inline constexpr atom system = detail::predefined("system");
inline constexpr atom get_status = detail::predefined("get_status");
inline constexpr atom get_state = detail::predefined("get_state");
inline constexpr atom replace_state = detail::predefined("replace_state");
inline constexpr atom get_modules = detail::predefined("get_modules");
inline constexpr atom suspend = detail::predefined("suspend");
inline constexpr atom resume = detail::predefined("resume");
inline constexpr atom terminate = detail::predefined("terminate");
inline constexpr atom running = detail::predefined("running");
inline constexpr atom suspended = detail::predefined("suspended");
inline constexpr atom debug = detail::predefined("debug");
inline constexpr atom trace = detail::predefined("trace");
inline constexpr atom log = detail::predefined("log");
inline constexpr atom status = detail::predefined("status");
inline constexpr atom which_children = detail::predefined("which_children");
inline constexpr atom count_children = detail::predefined("count_children");
inline constexpr atom start_child = detail::predefined("start_child");
inline constexpr atom terminate_child = detail::predefined("terminate_child");
inline constexpr atom restart_child = detail::predefined("restart_child");
inline constexpr atom delete_child = detail::predefined("delete_child");
inline constexpr atom worker = detail::predefined("worker");
inline constexpr atom supervisor = detail::predefined("supervisor");
inline constexpr atom permanent = detail::predefined("permanent");
inline constexpr atom transient = detail::predefined("transient");
inline constexpr atom temporary = detail::predefined("temporary");
inline constexpr atom restarting = detail::predefined("restarting");
inline constexpr atom dynamic = detail::predefined("dynamic");
inline constexpr atom not_found = detail::predefined("not_found");
inline constexpr atom already_started = detail::predefined("already_started");
inline constexpr atom already_present = detail::predefined("already_present");
inline constexpr atom max_children = detail::predefined("max_children");
inline constexpr atom no_reply = detail::predefined("no_reply");

inline constexpr atom io_request = detail::predefined("io_request");
inline constexpr atom io_reply = detail::predefined("io_reply");
inline constexpr atom put_chars = detail::predefined("put_chars");
inline constexpr atom get_line = detail::predefined("get_line");
inline constexpr atom get_chars = detail::predefined("get_chars");
inline constexpr atom get_until = detail::predefined("get_until");
inline constexpr atom get_geometry = detail::predefined("get_geometry");
inline constexpr atom getopts = detail::predefined("getopts");
inline constexpr atom setopts = detail::predefined("setopts");
inline constexpr atom requests = detail::predefined("requests");
inline constexpr atom request = detail::predefined("request");
inline constexpr atom unicode = detail::predefined("unicode");
inline constexpr atom latin1 = detail::predefined("latin1");
inline constexpr atom eof = detail::predefined("eof");
inline constexpr atom enotsup = detail::predefined("enotsup");
inline constexpr atom group_leader = detail::predefined("group_leader");
inline constexpr atom erlang = detail::predefined("erlang");
inline constexpr atom apply = detail::predefined("apply");
inline constexpr atom apply_after = detail::predefined("apply_after");
inline constexpr atom notify = detail::predefined("notify");
inline constexpr atom sync_notify = detail::predefined("sync_notify");
inline constexpr atom add_handler = detail::predefined("add_handler");
inline constexpr atom delete_handler = detail::predefined("delete_handler");
inline constexpr atom which_handlers = detail::predefined("which_handlers");
inline constexpr atom hibernate = detail::predefined("hibernate");
inline constexpr atom continue_ = detail::predefined("continue");
inline constexpr atom state_timeout = detail::predefined("state_timeout");
inline constexpr atom next_state = detail::predefined("next_state");
inline constexpr atom keep_state = detail::predefined("keep_state");
inline constexpr atom keep_state_and_data = detail::predefined("keep_state_and_data");
inline constexpr atom postpone = detail::predefined("postpone");
inline constexpr atom next_event = detail::predefined("next_event");
inline constexpr atom internal = detail::predefined("internal");
inline constexpr atom enter = detail::predefined("enter");
inline constexpr atom exit = detail::predefined("exit");
inline constexpr atom throw_ = detail::predefined("throw");
inline constexpr atom nocatch = detail::predefined("nocatch");
inline constexpr atom reason = detail::predefined("reason");
inline constexpr atom badkey = detail::predefined("badkey");
inline constexpr atom system_limit = detail::predefined("system_limit");
inline constexpr atom elixir_exception = detail::predefined("Elixir.Exception");
inline constexpr atom struct_ = detail::predefined("__struct__");
inline constexpr atom exception_ = detail::predefined("__exception__");

} // namespace atoms

} // namespace erl
