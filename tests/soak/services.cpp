// Scenes about servers, timers and supervisors.
#include "scenes.hpp"
#include <erl/etf/atoms.hpp>

#include <stdexcept>
#include <vector>

namespace soak {

using namespace std::chrono_literals;
namespace atoms = erl::atoms;

namespace {

/// The number comes back after a while.
struct echo {
  std::int64_t number = 0;
  std::int64_t microseconds = 0;
  using erl_shape = erl::tagged_shape<"echo">;
};

struct fail {
  using erl_shape = erl::tagged_shape<"fail">;
};

struct server : erl::gen_server<server> {
  using calls = erl::messages<echo, fail>;
  using casts = erl::messages<fail>;

  task<std::int64_t> handle_call(echo wanted) {
    const auto never = [](erl::term_ref) { return false; };
    auto pause = co_await self().receive(never, std::chrono::microseconds(wanted.microseconds));
    co_return wanted.number;
  }
  std::int64_t handle_call(fail) { throw std::runtime_error("as asked"); }
  void handle_cast(fail) { throw std::runtime_error("as asked"); }
};

bool is_failure(const term& reason) {
  return reason.is_tuple(2) && reason.element(0).is(erl::atom("std::runtime_error"));
}

} // namespace

task<> calls(const setting& at) {
  const erl::spawn_options options{.monitor = true, .scheduler = at.all.any_scheduler(at.d)};
  const auto started = at.self.spawn_body(erl::owned_body(new server), options);
  at.all.spawns.add();
  const std::uint64_t count = at.d.below(50);
  for (std::uint64_t i = 0; i < count; ++i) {
    const echo request{.number = static_cast<std::int64_t>(i),
                       .microseconds =
                           at.d.one_in(4) ? static_cast<std::int64_t>(at.d.below(500)) : 0};
    const duration timeout = at.d.one_in(2) ? at.d.up_to(500us) : setting::patience;
    auto reply = co_await erl::call<std::int64_t>(at.self, started.process, request, timeout);
    at.all.calls.add();
    if (reply)
      at.expect(*reply == request.number, "the reply to another call");
    else if (at.expect(reply.error().reason.is(atoms::timeout), reply.error().message()))
      at.all.timeouts.add();
  }
  if (at.d.one_in(2)) {
    auto failed =
        co_await erl::call<std::int64_t>(at.self, started.process, fail{}, setting::patience);
    at.expect(!failed && is_failure(failed.error().reason), "a call whose handler failed");
  } else {
    erl::cast(at.self, started.process, fail{});
  }
  auto m = co_await at.self.receive(setting::patience);
  const auto end = m.as<erl::down>();
  at.expect(end && end->monitor == started.monitor && is_failure(end->reason),
            "the server did not end with its failure");
  auto nobody =
      co_await erl::call<std::int64_t>(at.self, started.process, fail{}, setting::patience);
  at.expect(!nobody && nobody.error().reason.is(atoms::noproc), "a call to a dead server");
}

task<> timers(const setting& at) {
  const std::size_t count = 1 + at.d.below(30);
  const duration longest = 5ms;
  std::vector<reference> armed;
  armed.reserve(count);
  std::vector<bool> expected(count, true);
  std::size_t left = count;
  for (std::size_t i = 0; i < count; ++i)
    armed.push_back(
        at.self.send_after(at.d.up_to(longest), at.self.self(), static_cast<std::int64_t>(i)));
  const auto never = [](erl::term_ref) { return false; };
  auto pause = co_await at.self.receive(never, at.d.up_to(longest));
  for (std::size_t i = 0; i < count; ++i)
    if (at.d.one_in(2) && at.self.cancel_timer(armed[i])) {
      expected[i] = false;
      --left;
    }
  for (; left > 0; --left) {
    auto m = co_await at.self.receive(setting::patience);
    const auto number = m.as<std::int64_t>();
    if (!at.expect(number && expected.at(static_cast<std::size_t>(*number)),
                   "a timer that was cancelled, or fired twice, or never"))
      co_return;
    expected[static_cast<std::size_t>(*number)] = false;
  }

  const reference interval = at.self.send_interval(100us, at.self.self(), atoms::ok);
  for (int i = 0; i < 5; ++i)
    auto tick = co_await at.self.receive(setting::patience);
  at.expect(at.self.cancel_timer(interval).has_value(), "an interval that ended by itself");
  while (at.self.take([](erl::term_ref) { return true; })) {
  }
}

task<> supervision(const setting& at) {
  process& self = at.self;
  std::vector<erl::atom> names;
  erl::supervisor top(erl::one_for_one, {.intensity = 1'000'000, .period = 1s});
  for (int i = 0; i < 3; ++i) {
    names.emplace_back(std::string_view(at.name + std::to_string(i)));
    top.add(erl::child<server>(names.back(), {.restart = erl::permanent}));
  }
  const reference tag = self.alias(erl::alias_mode::reply_demonitor);
  auto started = co_await erl::detail::start_linked(
      self, erl::detail::make_supervisor(std::move(top), {}, {tag}), tag);
  if (!at.expect(started.has_value(), "the supervisor did not start"))
    co_return;
  const std::uint64_t failures = at.d.below(20);
  for (std::uint64_t i = 0; i < failures; ++i) {
    const erl::atom name = names[at.d.below(names.size())];
    const auto before = self.whereis(name);
    if (!at.expect(before.has_value(), "a child is not there"))
      co_return;
    if (at.d.one_in(2))
      erl::cast(self, name, fail{});
    else
      self.exit(*before, atoms::kill);
    const auto give_up = self.now() + setting::patience;
    for (auto now = self.whereis(name); !now || now == before; now = self.whereis(name)) {
      const auto never = [](erl::term_ref) { return false; };
      auto pause = co_await self.receive(never, 20us);
      if (!at.expect(self.now() < give_up, "a child was not started again"))
        co_return;
    }
    at.all.spawns.add();
  }
  self.exit(*started, atoms::shutdown);
  auto m = co_await self.receive(setting::patience);
  const auto end = m.as<erl::exit_signal>();
  at.expect(end && end->from == *started && end->reason.is(atoms::shutdown),
            "the supervisor did not end as it should");
  for (const erl::atom name : names)
    at.expect(!self.whereis(name), "a child has outlived its supervisor");
}

} // namespace soak
