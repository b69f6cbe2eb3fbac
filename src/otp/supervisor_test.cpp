#include "runtime/test_world.hpp"
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/supervisor.hpp>

#include <catch2/catch_test_macros.hpp>

#include <stdexcept>
#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

std::vector<std::string> trace;

struct worker : gen_server<worker> {
  using calls = messages<is<"pid">>;
  using casts = messages<std::tuple<is<"exit">, atom>>;
  explicit worker(std::string label = "w") : label_(std::move(label)) {}
  void init() {
    self().trap_exit(true);
    trace.push_back("start " + label_);
  }
  pid handle_call(is<"pid">) { return self().self(); }
  void handle_cast(std::tuple<is<"exit">, atom> m) { stop_server(term(std::get<1>(m))); }
  void terminate(term_ref reason) { trace.push_back("stop " + label_ + " " + to_string(reason)); }
  std::string label_;
};

task<> stubborn(process& self) {
  const bool named = self.register_name("s");
  self.trap_exit(named);
  for (;;)
    auto ignored = co_await self.receive();
}

struct broken : gen_server<broken> {
  void init() { throw std::runtime_error("no"); }
};

/// A world with one top supervisor, whose parent the test plays.
struct fixture {
  explicit fixture(supervisor what) {
    trace.clear();
    parent = w.spawn(
        [this](process& self, supervisor& top) -> task<> {
          const reference tag = self.alias(alias_mode::reply_demonitor);
          self.trap_exit(true);
          auto started =
              co_await detail::start_linked(self, detail::make_supervisor(top, "top", {tag}), tag);
          result = started ? "started" : to_string(started.error());
          for (;;) {
            auto m = co_await self.receive();
            if (m.body().is(atom("stop")) && started)
              self.exit(*started, atoms::shutdown);
            else
              ended = to_string(m.body().element(2));
          }
        },
        std::move(what));
    w.settle();
  }
  void cast_to(atom name, atom reason) {
    w.spawn([=](process& self) -> task<> {
      const auto message = std::tuple{is<"exit">{}, reason};
      cast(self, name, message);
      co_return;
    });
    w.settle();
  }
  void stop() {
    w.system.at(0).send({}, parent, term(atom("stop")));
    w.settle();
  }
  std::string ask(const char* request) {
    std::string answer;
    w.spawn([&](process& self) -> task<> {
      auto reply = co_await call(self, "top", atom(std::string_view(request)));
      answer = reply ? to_string(*reply) : reply.error().message();
    });
    w.settle();
    return answer;
  }

  world w;
  pid parent;
  std::string result;
  std::string ended;
};

} // namespace

TEST_CASE("children start in order and stop in reverse order") {
  fixture f(supervisor{one_for_one,
                       {},
                       child<worker>("a", {}, std::string("a")),
                       child<worker>("b", {}, std::string("b")),
                       child<worker>("c", {}, std::string("c"))});
  CHECK(f.result == "started");
  f.stop();
  CHECK(trace == std::vector<std::string>{"start a", "start b", "start c", "stop c shutdown",
                                          "stop b shutdown", "stop a shutdown"});
  CHECK(f.ended == "shutdown");
  CHECK(f.w.system.process_count == 1);
}

TEST_CASE("one_for_one restarts the child that ended, and no other") {
  fixture f(supervisor{one_for_one,
                       {.intensity = 3},
                       child<worker>("a", {}, std::string("a")),
                       child<worker>("b", {}, std::string("b"))});
  const auto before = f.w.system.whereis("a");
  const auto other = f.w.system.whereis("b");
  f.cast_to("a", "oops");
  CHECK(f.w.system.whereis("a"));
  CHECK(f.w.system.whereis("a") != before);
  CHECK(f.w.system.whereis("b") == other);
  CHECK(trace == std::vector<std::string>{"start a", "start b", "stop a oops", "start a"});
}

TEST_CASE("permanent, transient and temporary children are restarted as they say") {
  fixture f(supervisor{one_for_one,
                       {.intensity = 100},
                       child<worker>("permanent", {.restart = permanent}),
                       child<worker>("transient", {.restart = transient}),
                       child<worker>("temporary", {.restart = temporary})});
  for (const char* name : {"permanent", "transient", "temporary"})
    f.cast_to(atom(std::string_view(name)), atoms::normal);
  CHECK(f.w.system.whereis("permanent"));
  CHECK_FALSE(f.w.system.whereis("transient"));
  CHECK_FALSE(f.w.system.whereis("temporary"));

  fixture g(supervisor{one_for_one,
                       {.intensity = 100},
                       child<worker>("transient", {.restart = transient}),
                       child<worker>("temporary", {.restart = temporary})});
  g.cast_to("transient", "crash");
  g.cast_to("temporary", "crash");
  CHECK(g.w.system.whereis("transient"));
  CHECK_FALSE(g.w.system.whereis("temporary"));
}

TEST_CASE("too many restarts within the period end the supervisor; spread out they do not") {
  fixture f(supervisor{
      one_for_one, {.intensity = 2, .period = 1s}, child<worker>("a"), child<worker>("b")});
  for (int i = 0; i < 5; ++i) {
    f.cast_to("a", "oops");
    f.w.pass(600ms);
  }
  CHECK(f.ended.empty());
  f.w.pass(2s);
  for (int i = 0; i < 3; ++i)
    f.cast_to("a", "oops");
  CHECK(f.ended == "shutdown");
  CHECK(trace.back() == "stop w shutdown");
  CHECK(f.w.system.process_count == 1);
}

TEST_CASE(
    "a child that cannot start fails the supervisor's start, after the earlier ones have stopped") {
  fixture f(
      supervisor{one_for_one, {}, child<worker>("a", {}, std::string("a")), child<broken>("bad")});
  CHECK(f.result == R"({shutdown,{failed_to_start_child,bad,{'std::runtime_error',<<"no">>}}})");
  CHECK(trace == std::vector<std::string>{"start a", "stop a shutdown"});
  CHECK(f.w.system.process_count == 1);
}

TEST_CASE("a child that does not stop in time is killed") {
  fixture f(supervisor{one_for_one, {}, child("s", {.shutdown = 200ms}, stubborn)});
  f.stop();
  CHECK(f.w.system.whereis("s"));
  f.w.pass(199ms);
  CHECK(f.w.system.whereis("s"));
  f.w.pass(1ms);
  CHECK_FALSE(f.w.system.whereis("s"));
  CHECK(f.ended == "shutdown");
}

TEST_CASE("a supervisor can be the child of another, and a coroutine can be a child") {
  fixture f(supervisor{
      one_for_one,
      {.intensity = 5},
      child("inner", supervisor{one_for_one, {}, child<worker>("leaf", {}, std::string("leaf"))}),
      child("loop", {}, [](process& self) -> task<> {
        self.register_name("looping");
        auto m = co_await self.receive();
      })});
  CHECK(f.w.system.whereis("leaf"));
  CHECK(f.w.system.whereis("looping"));
  f.w.system.at(0).send({}, "looping", term(1));
  f.w.settle();
  CHECK(f.w.system.whereis("looping"));
  f.stop();
  CHECK(f.ended == "shutdown");
  CHECK(f.w.system.process_count == 1);
}

TEST_CASE("which_children and count_children answer as OTP's supervisors do") {
  fixture f(
      supervisor{one_for_one, {}, child<worker>("a"), child("inner", supervisor{one_for_one, {}})});
  CHECK(f.ask("count_children") == "[{specs,2},{active,2},{supervisors,1},{workers,1}]");
  const std::string list = f.ask("which_children");
  CHECK(list.starts_with("[{inner,<"));
  CHECK(list.ends_with(",worker,[a]}]"));
  CHECK(f.ask("something") == "{error,{unknown_call,something}}");
}

TEST_CASE("a supervisor that is killed takes its children along") {
  fixture f(supervisor{one_for_one, {}, child("loop", {}, [](process& self) -> task<> {
                         self.register_name("looping");
                         auto m = co_await self.receive();
                       })});
  f.w.spawn([](process& self) -> task<> {
    const pid top = self.whereis("top").value();
    self.exit(top, atoms::kill);
    co_return;
  });
  f.w.settle();
  CHECK_FALSE(f.w.system.whereis("looping"));
  CHECK(f.ended == "killed");
}
