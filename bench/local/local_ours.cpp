// Processes and messages inside one of our nodes; the modes are those of local_beam.escript. Prints
// implementation,mode,count,operations,ns per operation,bytes per process.
//
//   local_ours MODE OPERATIONS COUNT [SCHEDULERS]
//
// bench/README.md tells what an operation is, and what COUNT counts.
#include <erl/erl.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct request { // {From, X}
  erl::pid from;
  std::int64_t value = 0;
  using erl_shape = erl::plain_tuple_shape;
};

struct setting {
  std::int64_t operations = 0;
  std::int64_t count = 0;
  int schedulers = 1;
  double start = 0;
  double time = 0;
  std::int64_t bytes = -1;

  void begin(erl::process& self) { start = seconds(self); }
  void end(erl::process& self) { time = seconds(self) - start; }
  static double seconds(erl::process& self) {
    return std::chrono::duration<double, std::nano>(self.now().time_since_epoch()).count();
  }
  int scheduler_of(std::int64_t number) const { return static_cast<int>(number % schedulers); }
};

using erl::process;
using erl::task;
const erl::atom done("done");

std::int64_t rss() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      return std::atoll(line.c_str() + 6) * 1024;
  throw std::runtime_error("no VmRSS in /proc/self/status");
}

task<> wait_for(process& self, std::int64_t messages) {
  for (std::int64_t i = 0; i < messages; ++i)
    auto m = co_await self.receive();
}

template <class Function, class... Arguments>
erl::pid spawn_at(process& self, int scheduler, Function function, Arguments... arguments) {
  return self.spawn_body(erl::make_body(function, arguments...), {.scheduler = scheduler}).process;
}

task<> sink(process& self, std::int64_t messages, erl::pid main) {
  for (std::int64_t i = 0; i < messages; ++i)
    auto m = co_await self.receive();
  self.send(main, done);
}

task<> blast(process& self, std::int64_t messages, erl::pid to) {
  const erl::term one(std::int64_t{1});
  for (std::int64_t i = 0; i < messages; ++i) {
    self.send(to, one);
    co_await self.yield();
  }
}

task<> tell(process& self, setting& s) {
  const std::int64_t each = s.operations / s.count;
  std::vector<erl::pid> sinks;
  for (std::int64_t i = 0; i < s.count; ++i)
    sinks.push_back(spawn_at(self, s.scheduler_of(i), sink, each, self.self()));
  s.begin(self);
  for (std::int64_t i = 0; i < s.count; ++i)
    spawn_at(self, s.scheduler_of(i), blast, each, sinks[static_cast<std::size_t>(i)]);
  co_await wait_for(self, s.count);
  s.end(self);
}

task<> stream(process& self, setting& s) {
  const std::int64_t each = s.operations / s.count;
  const erl::pid to = spawn_at(self, s.scheduler_of(1), sink, each * s.count, self.self());
  s.begin(self);
  for (std::int64_t i = 0; i < s.count; ++i)
    spawn_at(self, 0, blast, each, to);
  co_await wait_for(self, 1);
  s.end(self);
}

task<> echo(process& self) {
  for (;;) {
    auto m = co_await self.receive();
    if (const auto r = m.as<request>())
      self.send(r->from, r->value);
  }
}

task<> ping(process& self, std::int64_t rounds, erl::pid to, erl::pid main) {
  for (std::int64_t i = 0; i < rounds; ++i) {
    self.send(to, request{self.self(), 1});
    auto m = co_await self.receive();
  }
  self.send(main, done);
}

task<> pingpong(process& self, setting& s) {
  const std::int64_t each = s.operations / s.count;
  s.begin(self);
  for (std::int64_t i = 0; i < s.count; ++i)
    spawn_at(self, s.scheduler_of(i), ping, each, spawn_at(self, s.scheduler_of(i), echo),
             self.self());
  co_await wait_for(self, s.count);
  s.end(self);
}

struct server : erl::gen_server<server> {
  using calls = erl::messages<std::int64_t>;
  std::int64_t handle_call(std::int64_t x) { return x; }
};

task<> calls(process& self, std::int64_t rounds, erl::pid to, erl::pid main) {
  for (std::int64_t i = 0; i < rounds; ++i) {
    auto reply = co_await erl::call<std::int64_t>(self, to, std::int64_t{1});
    if (!reply)
      throw std::runtime_error(reply.error().message());
  }
  self.send(main, done);
}

erl::pid start_server(process& self, int scheduler) {
  return self.spawn_body(erl::owned_body(new server), {.scheduler = scheduler}).process;
}

task<> call(process& self, setting& s) {
  const std::int64_t each = s.operations / s.count;
  std::vector<erl::pid> servers;
  for (std::int64_t i = 0; i < s.count; ++i)
    servers.push_back(start_server(self, s.scheduler_of(i)));
  s.begin(self);
  for (std::int64_t i = 0; i < s.count; ++i)
    spawn_at(self, s.scheduler_of(i), calls, each, servers[static_cast<std::size_t>(i)],
             self.self());
  co_await wait_for(self, s.count);
  s.end(self);
}

task<> call_behind(process& self, setting& s) {
  const erl::pid to = start_server(self, 0);
  for (std::int64_t i = 0; i < s.count; ++i)
    self.send(self.self(), erl::atom("waiting"));
  s.begin(self);
  for (std::int64_t i = 0; i < s.operations; ++i) {
    auto reply = co_await erl::call<std::int64_t>(self, to, std::int64_t{1});
    if (!reply)
      throw std::runtime_error(reply.error().message());
  }
  s.end(self);
}

task<> ring_member(process& self, erl::pid main) {
  auto first = co_await self.receive();
  const auto next = first.as<erl::pid>();
  for (;;) {
    auto m = co_await self.receive();
    const auto left = m.as<std::int64_t>();
    if (*left == 0) {
      self.send(main, done);
      co_return;
    }
    self.send(*next, *left - 1);
  }
}

task<> ring(process& self, setting& s) {
  std::vector<erl::pid> all;
  for (std::int64_t i = 0; i < s.count; ++i)
    all.push_back(self.spawn(ring_member, self.self()));
  for (std::size_t i = 0; i < all.size(); ++i)
    self.send(all[i], all[(i + 1) % all.size()]);
  s.begin(self);
  self.send(all[0], s.operations);
  co_await wait_for(self, 1);
  s.end(self);
}

struct idle_body final : erl::body {
  outcome run(process&) override { return outcome::waiting; }
};

task<> idle_coroutine(process& self) {
  auto first = co_await self.receive();
  auto second = co_await self.receive();
}

task<> spawn(process& self, setting& s) {
  const std::int64_t before = rss();
  s.begin(self);
  for (std::int64_t i = 0; i < s.operations; ++i) {
    self.spawn_body(erl::owned_body(new idle_body), {});
    co_await self.yield();
  }
  s.end(self);
  auto none = co_await self.receive(std::chrono::milliseconds(100)); // so that all have run
  s.bytes = (rss() - before) / s.operations;
}

task<> spawn_coroutine(process& self, setting& s) {
  const std::int64_t before = rss();
  const erl::term one(std::int64_t{1});
  s.begin(self);
  for (std::int64_t i = 0; i < s.operations; ++i) {
    self.send(self.spawn(idle_coroutine), one);
    co_await self.yield();
  }
  s.end(self);
  auto none = co_await self.receive(std::chrono::milliseconds(100)); // so that all have run
  s.bytes = (rss() - before) / s.operations;
}

task<> brief(process& self, erl::pid main) {
  auto m = co_await self.receive();
  self.send(main, done);
}

task<> spawn_exit(process& self, setting& s) {
  const erl::term one(std::int64_t{1});
  s.begin(self);
  for (std::int64_t i = 0; i < s.operations; ++i) {
    self.send(self.spawn(brief, self.self()), one);
    co_await self.yield();
  }
  co_await wait_for(self, s.operations);
  s.end(self);
}

task<> timers(process& self, setting& s) {
  std::vector<erl::reference> armed;
  s.begin(self);
  armed.reserve(static_cast<std::size_t>(s.operations));
  for (std::int64_t i = 0; i < s.operations; ++i)
    armed.push_back(
        self.send_after(std::chrono::milliseconds(1000 + i % 3'600'000), self.self(), i));
  for (const erl::reference& each : armed)
    self.cancel_timer(each);
  s.end(self);
  co_return;
}

struct mode {
  std::string_view name;
  task<> (*run)(process&, setting&);
};
constexpr mode modes[] = {{"tell", tell},
                          {"stream", stream},
                          {"pingpong", pingpong},
                          {"call", call},
                          {"call_behind", call_behind},
                          {"ring", ring},
                          {"spawn", spawn},
                          {"spawn_coroutine", spawn_coroutine},
                          {"spawn_exit", spawn_exit},
                          {"timers", timers}};

} // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: local_ours MODE OPERATIONS COUNT [SCHEDULERS]\n", stderr);
    return 2;
  }
  for (const mode& each : modes)
    if (each.name == argv[1]) {
      erl::node node({.schedulers = argc > 4 ? static_cast<unsigned>(std::atoi(argv[4])) : 0});
      setting s{.operations = std::atoll(argv[2]), .count = std::atoll(argv[3])};
      if (const auto started = node.start(); !started) {
        std::fprintf(stderr, "local_ours: %s\n", started.error().message.c_str());
        return 1;
      }
      s.schedulers = static_cast<int>(node.schedulers());
      const int result = node.run([&](process& self) { return each.run(self, s); });
      if (result != 0)
        return result;
      std::printf("ours,%s,%s,%s,%.2f,%s\n", argv[1], argv[3], argv[2],
                  s.time / static_cast<double>(s.operations),
                  s.bytes < 0 ? "" : std::to_string(s.bytes).c_str());
      return 0;
    }
  std::fprintf(stderr, "local_ours: there is no mode %s\n", argv[1]);
  return 2;
}
