/// bench/dist, our side: a node with a process `bench`, and a client that drives one.
///
///     dist_ours serve NAME [unmonitored]
///     dist_ours drive NAME NODE CLIENT SERVER SECONDS TEST...
///
/// The cookie comes from ERLPP_COOKIE. `drive` prints what client_beam.erl prints.
#include <erl/erl.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace {

using erl::is;
using erl::process;
using erl::tagged_shape;
using erl::task;
using std::chrono::steady_clock;

struct add {
  std::int64_t a, b;
  using erl_shape = tagged_shape<"add">;
};
struct echo {
  erl::term what;
  using erl_shape = tagged_shape<"echo">;
};
struct sync {
  erl::pid from;
  erl::reference tag;
  using erl_shape = tagged_shape<"sync">;
};
struct binary {
  std::span<const std::byte> bytes;
  using erl_shape = tagged_shape<"bin">;
};

struct bench : erl::gen_server<bench> {
  using calls = erl::messages<add, echo>;
  using infos = erl::messages<sync, binary>;

  std::int64_t handle_call(add q) { return q.a + q.b; }
  erl::term handle_call(echo q) { return std::move(q.what); }
  void handle_info(sync m) {
    self().send(m.from, std::tuple(m.tag, count, bytes));
    count = bytes = 0;
  }
  void handle_info(binary m) {
    ++count;
    bytes += static_cast<std::int64_t>(m.bytes.size());
  }
  void handle_info(erl::term_ref) { ++count; }

  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

struct work {
  erl::destination to;
  steady_clock::time_point end;
  std::int64_t batch = 0;
  erl::pid parent;
};
struct did {
  std::int64_t count;
  using erl_shape = tagged_shape<"did">;
};

task<> call_again(process& self, work& job) {
  std::int64_t count = 0;
  while (steady_clock::now() < job.end) {
    const auto sum = co_await erl::call<std::int64_t>(self, job.to, add{1, 2});
    count += sum ? 1 : 0;
  }
  self.send(job.parent, did{count});
}

task<> send_again(process& self, work& job) {
  const erl::term message = erl::to_term(std::tuple(is<"msg">{}, 1, is<"ok">{}));
  while (steady_clock::now() < job.end)
    for (std::int64_t i = 0; i < job.batch; ++i) {
      self.send(job.to, message);
      co_await self.yield();
    }
  self.send(job.parent, did{0});
}

struct settings {
  std::string node;
  std::string client;
  std::string server;
  double seconds = 1;
  std::vector<std::string> tests;
};

task<std::int64_t> counted(process& self, erl::destination to) {
  const erl::reference tag = self.make_reference();
  self.send(to, sync{self.self(), tag});
  const auto is_answer = [tag](erl::term_ref m) {
    return m.is_tuple(3) && m.element(0).to_reference() == tag;
  };
  const auto answer = co_await self.receive(is_answer);
  co_return answer.body().element(1).to_int64().value();
}

task<> drive(process& self, settings& s) {
  const erl::destination to(erl::atom("bench"), erl::atom(std::string_view(s.node)));
  for (const std::string& test : s.tests) {
    const bool calls = test.starts_with("call_");
    const std::string number = test.substr(test.find('_') + 1);
    int workers = 0;
    std::from_chars(number.data(), number.data() + number.size(), workers);
    [[maybe_unused]] const auto before = co_await counted(self, to); // sets it to 0
    const auto begin = steady_clock::now();
    const work job{to,
                   begin + std::chrono::duration_cast<steady_clock::duration>(
                               std::chrono::duration<double>(s.seconds)),
                   1000, self.self()};
    for (int i = 0; i < workers; ++i) {
      if (calls)
        self.spawn(call_again, job);
      else
        self.spawn(send_again, job);
    }
    std::int64_t count = 0;
    for (int i = 0; i < workers; ++i) {
      const auto m = co_await self.receive(erl::any_of<did>);
      count += m.as<did>()->count;
    }
    const auto arrived = co_await counted(self, to);
    const std::chrono::duration<double> time = steady_clock::now() - begin;
    std::printf("%s,%s,%s,%.1f,,\n", s.client.c_str(), s.server.c_str(), test.c_str(),
                static_cast<double>(calls ? count : arrived) / time.count());
    std::fflush(stdout);
  }
}

} // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  const bool unmonitored = arguments.size() == 3 && arguments[2] == "unmonitored";
  if ((arguments.size() == 2 || unmonitored) && arguments[0] == "serve") {
    erl::node node({.name = arguments[1], .monitored = !unmonitored});
    if (!node.start(erl::supervisor{erl::one_for_one, {}, erl::child<bench>("bench")}))
      return 1;
    std::puts("READY");
    std::fflush(stdout);
    return node.run();
  }
  if (arguments.size() < 7 || arguments[0] != "drive") {
    std::fputs("usage: dist_ours serve NAME [unmonitored]\n"
               "       dist_ours drive NAME NODE CLIENT SERVER SECONDS TEST...\n",
               stderr);
    return 2;
  }
  settings s{.node = arguments[2],
             .client = arguments[3],
             .server = arguments[4],
             .seconds = std::stod(arguments[5]),
             .tests = {arguments.begin() + 6, arguments.end()}};
  erl::node node({.name = arguments[1]});
  if (const auto started = node.start(); !started) {
    std::fprintf(stderr, "dist_ours: %s\n", started.error().message.c_str());
    return 1;
  }
  if (const auto connected = node.connect(s.node); !connected) {
    std::fprintf(stderr, "dist_ours: %s\n", connected.error().message.c_str());
    return 1;
  }
  return node.run([&](process& self) { return drive(self, s); });
}
