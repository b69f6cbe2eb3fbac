/// The test node's servers, which Erlang and Elixir use like their own.
#pragma once

#include <erl/erl.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace test_node {

using erl::is;
using erl::tagged_shape;

/// Answers with what it is given, now or later.
class echo : public erl::gen_server<echo> {
public:
  struct same {
    erl::term what;
    using erl_shape = tagged_shape<"echo">;
  };
  struct delayed {
    std::int64_t milliseconds;
    erl::term what;
    using erl_shape = tagged_shape<"delay">;
  };
  /// As `delayed`, but holds up all other callers.
  struct slowly {
    std::int64_t milliseconds;
    erl::term what;
    using erl_shape = tagged_shape<"slowly">;
  };
  struct echo_to {
    erl::pid receiver;
    erl::term what;
    using erl_shape = tagged_shape<"echo_to">;
  };
  struct size_of {
    erl::pid receiver;
    erl::reference tag;
    std::span<const std::byte> bytes;
    using erl_shape = tagged_shape<"size">;
  };
  struct due {
    std::uint64_t number;
    using erl_shape = tagged_shape<"$due">;
  };
  using plain = std::tuple<erl::pid, erl::reference, erl::term>;

  using calls = erl::messages<same, delayed, slowly, is<"whoami">>;
  using casts = erl::messages<echo_to>;
  using infos = erl::messages<due, size_of, plain>;

  erl::term handle_call(same request) { return std::move(request.what); }
  std::tuple<erl::pid, erl::atom> handle_call(is<"whoami">) {
    return {self().self(), self().node()};
  }

  void handle_call(delayed request, erl::caller from) {
    waiting_.emplace(++last_, std::pair(std::move(from), std::move(request.what)));
    self().send_after(std::chrono::milliseconds(request.milliseconds), self().self(), due{last_});
  }

  erl::task<erl::term> handle_call(slowly request) {
    const auto nothing = [](erl::term_ref) { return false; };
    auto timed_out =
        co_await self().receive(nothing, std::chrono::milliseconds(request.milliseconds));
    co_return std::move(request.what);
  }

  void handle_cast(echo_to request) {
    self().send(request.receiver, std::tuple(is<"echo_cast">{}, std::move(request.what)));
  }

  void handle_info(due which) {
    auto found = waiting_.extract(which.number);
    found.mapped().first.reply(std::move(found.mapped().second));
  }
  void handle_info(size_of message) {
    self().send(message.receiver, std::tuple(message.tag, message.bytes.size()));
  }
  void handle_info(plain message) {
    auto& [receiver, tag, what] = message;
    self().send(receiver, std::tuple(tag, std::move(what)));
  }

private:
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, std::pair<erl::caller, erl::term>> waiting_;
};

/// Counts, whichever way it is told to.
class counter : public erl::gen_server<counter> {
public:
  struct add {
    std::int64_t amount;
    using erl_shape = tagged_shape<"add">;
  };
  using calls = erl::messages<add, is<"get">>;
  using casts = erl::messages<add, is<"reset">>;
  using infos = erl::messages<add>;

  std::int64_t handle_call(add request) { return value_ += request.amount; }
  std::int64_t handle_call(is<"get">) { return value_; }
  void handle_cast(add request) { value_ += request.amount; }
  void handle_cast(is<"reset">) { value_ = 0; }
  void handle_info(add request) { value_ += request.amount; }

private:
  std::int64_t value_ = 0;
};

/// Keeps numbers in the order in which they arrive.
class sink : public erl::gen_server<sink> {
public:
  struct put {
    erl::term tag;
    std::int64_t number;
    using erl_shape = tagged_shape<"put">;
  };
  struct take {
    erl::term tag;
    using erl_shape = tagged_shape<"take">;
  };
  using calls = erl::messages<is<"pid">, put, take>;
  using casts = erl::messages<put>;
  using infos = erl::messages<put>;

  erl::pid handle_call(is<"pid">) { return self().self(); }
  void handle_call(put request) { keep(std::move(request)); }
  std::vector<std::int64_t> handle_call(take request) {
    return std::exchange(kept_[request.tag], {});
  }
  void handle_cast(put request) { keep(std::move(request)); }
  void handle_info(put request) { keep(std::move(request)); }

private:
  void keep(put request) { kept_[erl::term::copy(request.tag)].push_back(request.number); }

  std::unordered_map<erl::term, std::vector<std::int64_t>> kept_;
};

/// Appends "NAME REASON" to the file that DEMO_TRACE names, if it names one.
inline void trace_end(std::string_view name, erl::term_ref reason) {
  if (const char* path = std::getenv("DEMO_TRACE"))
    std::ofstream(path, std::ios::app) << name << ' ' << erl::to_string(reason) << '\n';
}

/// Ends in every way there is.
class crasher : public erl::gen_server<crasher> {
public:
  struct exit {
    erl::term reason;
    using erl_shape = tagged_shape<"exit">;
  };
  struct reply_then_exit {
    erl::term reason;
    using erl_shape = tagged_shape<"reply_then_exit">;
  };
  using calls = erl::messages<is<"pid">, exit, reply_then_exit, is<"boom">>;
  using casts = erl::messages<exit>;

  void init() { self().trap_exit(true); }
  erl::pid handle_call(is<"pid">) { return self().self(); }
  void handle_call(exit request) { erl::stop_server(request.reason); }
  void handle_call(reply_then_exit request, erl::caller from) {
    from.reply(is<"ok">{});
    erl::stop_server(request.reason);
  }
  void handle_call(is<"boom">) { throw std::runtime_error("boom"); }
  void handle_cast(exit request) { erl::stop_server(request.reason); }
  void handle_info(erl::exit_signal signal) { erl::stop_server(signal.reason); }
  void terminate(erl::term_ref reason) { trace_end("crasher", reason); }
};

/// The crasher's sibling, which is to notice nothing of its ends.
class steady : public erl::gen_server<steady> {
public:
  using calls = erl::messages<is<"pid">>;

  void init() { self().trap_exit(true); }
  erl::pid handle_call(is<"pid">) { return self().self(); }
  void handle_info(erl::exit_signal signal) { erl::stop_server(signal.reason); }
  void terminate(erl::term_ref reason) { trace_end("steady", reason); }
};

} // namespace test_node
