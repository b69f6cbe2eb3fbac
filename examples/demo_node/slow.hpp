/// `slow`: takes its time, one piece of work after the other.
#pragma once

#include <erl/erl.hpp>

#include <chrono>
#include <cstdint>
#include <tuple>

namespace demo {

class slow : public erl::gen_server<slow> {
public:
  struct work {
    std::int64_t milliseconds;
    erl::pid receiver;
    erl::reference tag;
    using erl_shape = erl::tagged_shape<"work">;
  };
  using infos = erl::messages<work>;

  erl::task<> handle_info(work job) {
    const auto nothing = [](erl::term_ref) { return false; };
    const auto time = std::chrono::milliseconds(job.milliseconds);
    auto timed_out = co_await self().receive(nothing, time);
    self().send(job.receiver, std::tuple(job.tag, erl::is<"done">{}));
  }
};

} // namespace demo
