// A node of ours with nothing to do, or with nothing but interval timers; idle_beam.escript is the
// same for the BEAM. Says `ready` and its process id, and then stays until it is killed.
//
//   idle_ours SCHEDULERS TIMERS
//
// Each timer sends ten messages a second.
#include <erl/erl.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace {

erl::task<> receive_ticks(erl::process& self, int timers) {
  for (int i = 0; i < timers; ++i)
    self.send_interval(std::chrono::milliseconds(100), self.self(), erl::atom("tick"));
  for (;;)
    auto m = co_await self.receive();
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: idle_ours SCHEDULERS TIMERS\n", stderr);
    return 2;
  }
  erl::node node({.schedulers = static_cast<unsigned>(std::atoi(argv[1]))});
  if (const auto started = node.start(); !started) {
    std::fprintf(stderr, "idle_ours: %s\n", started.error().message.c_str());
    return 1;
  }
  node.spawn(receive_ticks, std::atoi(argv[2]));
  std::printf("ready %d\n", static_cast<int>(::getpid()));
  std::fflush(stdout);
  ::pause();
}
