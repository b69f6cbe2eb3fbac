/// `slow`: takes its time, one piece of work after the other.
#pragma once

#include <erl/erl.hpp>
#include <erl/etf/std_duration.hpp>

#include <chrono>
#include <tuple>

namespace demo {

class slow : public erl::gen_server<slow> {
public:
  struct work {
    std::chrono::milliseconds time;
    erl::pid receiver;
    erl::reference tag;
    using erl_shape = erl::tagged_shape<"work">;
  };
  using infos = erl::messages<work>;

  erl::task<> handle_info(work job) {
    const auto nothing = [](erl::term_ref) { return false; };
    auto timed_out = co_await self().receive(nothing, job.time);
    self().send(job.receiver, std::tuple(job.tag, erl::is<"done">{}));
  }
};

} // namespace demo
