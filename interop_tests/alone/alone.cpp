/// Two C++ nodes and nothing else: no Erlang, and no EPMD but the one that the first node embeds.
///
/// Has a demo node started as `first@127.0.0.1`, and is `second@127.0.0.1` itself.
#include <erl/erl.hpp>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using erl::is;

int failures = 0;

void check(const char* name, bool right) {
  std::printf("%s %s\n", right ? "ok" : "FAILED", name);
  std::fflush(stdout);
  failures += right ? 0 : 1;
}

/// The other node: a process of the operating system, started as `run` says.
class other_node {
public:
  other_node() { start(); }

  /// Returns when it is ready.
  void start() {
    id_ = "first." + std::to_string(++lives_);
    std::ofstream(folder_ / "requests") << id_ + "||first@127.0.0.1 - visible own_cookie\n";
    while (content("log").find("READY") == std::string::npos)
      std::this_thread::sleep_for(10ms);
  }

  void kill() {
    ::kill(std::stoi(content("pid")), SIGKILL);
    while (content("status").empty())
      std::this_thread::sleep_for(10ms);
  }

private:
  std::string content(const char* kind) const {
    std::ifstream file(folder_ / (id_ + "." + kind));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_ = std::getenv("INTEROP");
  std::string id_;
  int lives_ = 0;
};

const erl::destination echo{"echo", "first@127.0.0.1"};
const erl::destination sink{"sink", "first@127.0.0.1"};
const erl::destination spawner{"spawner", "first@127.0.0.1"};
const erl::destination crasher{"crasher", "first@127.0.0.1"};

template <class What> auto question(What what) { return std::tuple(is<"echo">{}, std::move(what)); }

/// Has the puppet do something, and gives the result.
erl::task<erl::term> tell(erl::process& self, erl::pid puppet, erl::term command) {
  const auto tag = self.make_reference();
  const auto is_answer = [&](erl::term_ref m) {
    return m.is_tuple(2) && m.element(0).to_reference() == tag;
  };
  self.send(puppet, std::tuple(is<"do">{}, self.self(), tag, std::move(command)));
  auto answer = co_await self.receive(is_answer, 10s);
  co_return answer ? answer.body().share(answer.body().element(1))
                   : erl::term(erl::atom("no_answer"));
}

erl::task<erl::pid> puppet(erl::process& self) {
  const auto request = std::tuple(is<"spawn">{}, is<"plain">{});
  auto made = co_await erl::call<erl::pid>(self, spawner, request);
  co_return made.value_or(erl::pid{});
}

erl::task<> calls(erl::process& self) {
  const auto whoami = is<"whoami">{};
  const auto unknown = is<"nonsense">{};
  auto who = co_await erl::call<std::tuple<erl::pid, erl::atom>>(self, echo, whoami);
  check("a call by name is answered", who && std::get<1>(*who).text() == "first@127.0.0.1");
  if (!who)
    co_return;
  auto by_pid = co_await erl::call<std::int64_t>(self, std::get<0>(*who), question(42));
  check("a call by pid is answered", by_pid == 42);
  auto refused = co_await erl::call(self, echo, unknown);
  check("an unknown call is answered with an error",
        refused && refused->is_tuple(erl::atoms::error, 2));
  const erl::destination nobody{"nobody", "first@127.0.0.1"};
  auto none = co_await erl::call(self, nobody, unknown);
  check("a call to nobody ends with noproc", !none && none.error().reason.is(erl::atoms::noproc));
  const erl::destination nowhere{"nobody", "nowhere@127.0.0.1"};
  auto lost = co_await erl::call(self, nowhere, unknown);
  check("a call to no node ends with nodedown",
        !lost && lost.error().reason.is_tuple(erl::atoms::nodedown, 2));
  const auto slow = std::tuple(is<"delay">{}, 90, is<"late">{});
  auto late = co_await erl::call(self, echo, slow, 30ms);
  check("a call that times out says so", !late && late.error().reason.is(erl::atoms::timeout));
  auto leftover = co_await self.receive(150ms);
  check("and leaves nothing in the mailbox", !leftover);
  const auto die = std::tuple(is<"exit">{}, is<"some_reason">{});
  auto died = co_await erl::call(self, crasher, die);
  check("a call to a process that ends tells why",
        !died && died.error().reason.is(erl::atom("some_reason")));
}

erl::task<> many_calls(erl::process& self, erl::pid& parent, std::int64_t& number) {
  auto right = 0;
  using pair = std::tuple<std::int64_t, std::int64_t>;
  for (std::int64_t i = 0; i < 157; ++i) {
    const pair sent(number, i);
    auto got = co_await erl::call<pair>(self, echo, question(sent), 60s);
    right += got && *got == sent ? 1 : 0;
  }
  self.send(parent, std::tuple(is<"right">{}, right));
}

erl::task<> volume(erl::process& self) {
  using count = std::tuple<is<"right">, std::int64_t>;
  auto right = std::int64_t{0};
  for (std::int64_t i = 0; i < 64; ++i)
    self.spawn(many_calls, self.self(), i);
  for (int i = 0; i < 64; ++i) {
    auto done = co_await self.receive(erl::any_of<count>);
    right += std::get<1>(*done.as<count>());
  }
  check("10 000 calls by 64 callers are all answered", right == 64 * 157);

  for (std::int64_t i = 0; i < 100000; ++i)
    erl::cast(self, sink, std::tuple(is<"put">{}, is<"tag">{}, i));
  const auto take = std::tuple(is<"take">{}, is<"tag">{});
  auto taken = co_await erl::call<std::vector<std::int64_t>>(self, sink, take, 60s);
  auto expected = std::vector<std::int64_t>(100000);
  std::iota(expected.begin(), expected.end(), 0);
  check("100 000 messages arrive in order", taken && *taken == expected);

  const std::vector<std::byte> large(std::size_t{16} << 20U, std::byte{7});
  auto same = co_await erl::call<std::vector<std::byte>>(self, echo, question(large), 60s);
  check("16 MB come back unchanged", same && *same == large);
}

erl::task<> signals(erl::process& self) {
  const auto bye = erl::to_term(std::tuple(is<"exit">{}, is<"bye">{}));
  self.trap_exit(true);
  auto watched = co_await puppet(self);
  const auto monitor = self.monitor(watched);
  auto exited = co_await tell(self, watched, bye);
  auto end = co_await self.receive(erl::any_of<erl::down>, 5s);
  const auto how = end.as<erl::down>();
  check("a monitor tells the true reason",
        how && how->monitor == monitor && how->reason.is(erl::atom("bye")));

  auto linked = co_await puppet(self);
  self.link(linked);
  auto linked_exited = co_await tell(self, linked, bye);
  auto signal = co_await self.receive(erl::any_of<erl::exit_signal>, 5s);
  const auto why = signal.as<erl::exit_signal>();
  check("a link tells the true reason",
        why && why->from == linked && why->reason.is(erl::atom("bye")));

  self.link(linked);
  auto dead = co_await self.receive(erl::any_of<erl::exit_signal>, 5s);
  const auto noproc = dead.as<erl::exit_signal>();
  check("a link to a dead process gives noproc", noproc && noproc->reason.is(erl::atoms::noproc));

  auto unlinked = co_await puppet(self);
  self.link(unlinked);
  self.unlink(unlinked);
  auto unlinked_exited = co_await tell(self, unlinked, bye);
  auto nothing = co_await self.receive(100ms);
  check("after unlink no exit arrives", !nothing);

  auto back = co_await puppet(self);
  const auto link_back = erl::to_term(std::tuple(is<"link">{}, self.self()));
  auto did = co_await tell(self, back, link_back);
  self.exit(back, erl::atoms::kill);
  auto killed = co_await self.receive(erl::any_of<erl::exit_signal>, 5s);
  const auto reason = killed.as<erl::exit_signal>();
  check("a killed process tells its links so", reason && reason->reason.is(erl::atoms::killed));
}

erl::task<> loss(erl::process& self, other_node& other) {
  auto stale = co_await puppet(self);
  const auto is_down = erl::any_of<erl::down>;
  self.monitor_node("first@127.0.0.1");
  const auto monitor = self.monitor(stale);
  self.link(stale);
  other.kill();
  auto end = co_await self.receive(is_down, 5s);
  const auto down = end.as<erl::down>();
  check("a killed node's processes are down with noconnection",
        down && down->monitor == monitor && down->reason.is(erl::atoms::noconnection));
  auto exit = co_await self.receive(erl::any_of<erl::exit_signal>, 5s);
  const auto signal = exit.as<erl::exit_signal>();
  check("links to them break with noconnection",
        signal && signal->reason.is(erl::atoms::noconnection));
  auto lost = co_await self.receive(erl::any_of<erl::nodedown>, 5s);
  check("who watches the node is told", lost.as<erl::nodedown>().has_value());

  other.start();
  auto again = co_await erl::call<std::int64_t>(self, echo, question(1));
  check("a call connects to the node's next life", again == 1);
  const auto second = self.monitor(stale);
  auto gone = co_await self.receive(is_down, 5s);
  const auto noproc = gone.as<erl::down>();
  check("its old processes are nobody's",
        noproc && noproc->monitor == second && noproc->reason.is(erl::atoms::noproc));
}

} // namespace

int main() {
  other_node other;
  erl::node node({.name = "second@127.0.0.1"});
  const int result = node.run([&other](erl::process& self) -> erl::task<> {
    auto& peer = other;
    co_await calls(self);
    co_await volume(self);
    co_await signals(self);
    co_await loss(self, peer);
  });
  check("this node ends well", result == 0);
  return failures == 0 ? 0 : 1;
}
