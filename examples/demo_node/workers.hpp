/// The children of `demo_sup`. Both trap exits, and end with the reason of any that they get.
#pragma once

#include <erl/erl.hpp>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace demo {

/// Appends `NAME REASON` to the file that DEMO_TRACE names, if it names one.
inline void trace_end(std::string_view name, erl::term_ref reason) {
  if (const char* path = std::getenv("DEMO_TRACE"))
    std::ofstream(path, std::ios::app) << name << ' ' << erl::to_string(reason) << '\n';
}

/// Ends in every way there is.
class crasher : public erl::gen_server<crasher> {
public:
  struct exit {
    erl::term reason;
    using erl_shape = erl::tagged_shape<"exit">;
  };
  struct reply_then_exit {
    erl::term reason;
    using erl_shape = erl::tagged_shape<"reply_then_exit">;
  };
  using calls = erl::messages<erl::is<"pid">, exit, reply_then_exit, erl::is<"boom">>;
  using casts = erl::messages<exit>;

  void init() { self().trap_exit(true); }
  erl::pid handle_call(erl::is<"pid">) { return self().self(); }
  void handle_call(exit request) { erl::stop_server(request.reason); }
  void handle_call(reply_then_exit request, erl::caller from) {
    from.reply(erl::is<"ok">{});
    erl::stop_server(request.reason);
  }
  void handle_call(erl::is<"boom">) { throw std::runtime_error("boom"); }
  void handle_cast(exit request) { erl::stop_server(request.reason); }
  void handle_info(erl::exit_signal signal) { erl::stop_server(signal.reason); }
  void terminate(erl::term_ref reason) { trace_end("crasher", reason); }
};

/// The crasher's sibling, which is to notice nothing of its ends.
class steady : public erl::gen_server<steady> {
public:
  using calls = erl::messages<erl::is<"pid">>;

  void init() { self().trap_exit(true); }
  erl::pid handle_call(erl::is<"pid">) { return self().self(); }
  void handle_info(erl::exit_signal signal) { erl::stop_server(signal.reason); }
  void terminate(erl::term_ref reason) { trace_end("steady", reason); }
};

} // namespace demo
