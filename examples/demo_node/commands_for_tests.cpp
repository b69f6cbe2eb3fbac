#include "commands_for_tests.hpp"

#include <chrono>
#include <cstdint>
#include <tuple>
#include <utility>

namespace demo {
namespace {

using erl::is;

struct finished {
  std::int64_t right;
  using erl_shape = erl::tagged_shape<"$finished">;
};

erl::task<> call_repeatedly(erl::process& self, erl::pid& parent, call_many& job,
                            std::int64_t& number) {
  auto right = std::int64_t{0};
  using question = std::tuple<std::int64_t, std::int64_t>;
  for (std::int64_t i = 0; i < job.calls; ++i) {
    const question q{number, i};
    auto answer = co_await erl::call<question>(
        self, destination_of(job.who), std::tuple(is<"echo">{}, q), std::chrono::seconds(60));
    right += answer && *answer == q ? 1 : 0;
  }
  self.send(parent, finished{right});
}

/// Sends once for each loss of the connection. A process of its own, so that its puppet goes on
/// obeying.
erl::task<> bounce_back(erl::process& self, bounce& job) {
  auto number = std::int64_t{0};
  while (number < job.times) {
    self.monitor_node(job.node);
    auto lost = co_await self.receive(erl::any_of<erl::nodedown>);
    self.send({job.name, job.node}, std::tuple(is<"bounced">{}, ++number));
  }
}

} // namespace

erl::task<erl::term> perform_flood(erl::process& self, flood job) {
  const auto to = destination_of(job.who);
  for (std::int64_t i = 1; i <= job.count; ++i) {
    self.send(to, std::tuple(job.tag, i));
    co_await self.yield();
  }
  co_return erl::atom("ok");
}

erl::task<erl::term> perform_call_many(erl::process& self, call_many job) {
  auto right = std::int64_t{0};
  for (std::int64_t i = 0; i < job.callers; ++i)
    self.spawn(call_repeatedly, self.self(), job, i);
  for (std::int64_t i = 0; i < job.callers; ++i) {
    auto done = co_await self.receive(erl::any_of<finished>);
    right += done.as<finished>()->right;
  }
  co_return right;
}

void perform_bounce(erl::process& self, bounce job) { self.spawn(bounce_back, job); }

} // namespace demo
