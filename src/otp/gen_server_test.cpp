#include "runtime/test_world.hpp"
#include "support/log_capture.hpp"
#include <erl/blocking.hpp>
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/gen_server.hpp>
#include <erl/log.hpp>
#include <erl/process_info.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

struct add {
  std::int64_t a, b;
};
struct later {
  std::int64_t value;
};
struct sleepy {
  std::int64_t value;
};
struct fail_with {
  atom reason;
};
struct put {
  std::string text;
};

} // namespace

template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;
template <> inline constexpr auto erl::shape<later> = erl::tagged<"later">;
template <> inline constexpr auto erl::shape<sleepy> = erl::tagged<"sleepy">;
template <> inline constexpr auto erl::shape<fail_with> = erl::tagged<"fail_with">;
template <> inline constexpr auto erl::shape<put> = erl::tagged<"put">;

namespace {

using log_lines = std::vector<std::string>;
std::vector<std::string> trace;

struct server : gen_server<server> {
  using calls = messages<add, later, sleepy, fail_with, is<"forget">, is<"raise">, is<"nothing">>;
  using casts = messages<put, is<"stop">>;

  void init() { self().trap_exit(true); }
  std::int64_t handle_call(add q) { return q.a + q.b; }
  void handle_call(later q, caller from) {
    waiting.emplace(std::move(from));
    self().send_after(10ms, self().self(), q.value);
  }
  task<std::int64_t> handle_call(sleepy q) {
    const auto never = [](term_ref) { return false; };
    auto m = co_await self().receive(never, 20ms);
    co_return q.value;
  }
  void handle_call(fail_with q) { self().exit(term(q.reason)); }
  void handle_call(is<"forget">, caller) {}
  void handle_call(is<"raise">) { throw std::runtime_error("raised"); }
  void handle_call(is<"nothing">) {}
  void handle_cast(put p) { trace.push_back("put " + p.text); }
  void handle_cast(is<"stop">) { stop_server(term(atoms::normal)); }
  void handle_info(const exit_signal& e) { trace.push_back("exit " + to_string(e.reason)); }
  void handle_info(term_ref message) {
    if (waiting)
      waiting->reply(term(message.to_int64().value()));
  }
  void terminate(term_ref reason) { trace.push_back("terminate " + to_string(reason)); }

  std::optional<caller> waiting;
};

/// Runs `client` in a process of its own, beside a server named `s` on the other scheduler or the
/// same.
template <class Client> void with_server(std::size_t there, Client client, duration time = 100ms) {
  trace.clear();
  world w(2);
  w.spawn_on(there, [](process& self) -> task<> {
    auto started = co_await start_link<server>(self, {.name = "s"});
    REQUIRE(started);
    self.trap_exit(true);
    auto m = co_await self.receive();
  });
  w.settle();
  bool done = false;
  w.spawn([&](process& self) -> task<> {
    auto finished = client(self);
    co_await std::move(finished);
    done = true;
  });
  for (duration t{}; t < time; t += 1ms)
    w.pass(1ms);
  CHECK(done);
}

} // namespace

TEST_CASE("a call returns what the handler returns") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    auto sum = co_await call<std::int64_t>(self, "s", add{1, 2});
    CHECK(sum.value() == 3);
    auto nothing = co_await call<atom>(self, "s", is<"nothing">{});
    CHECK(nothing.value() == atoms::ok);
  });
}

TEST_CASE("a caller that is kept can be answered later, while the server serves others") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    const pid me = self.self();
    self.spawn([me](process& other) -> task<> {
      auto late = co_await call<std::int64_t>(other, "s", later{7});
      other.send(me, late.value());
    });
    auto pause = co_await self.receive(2ms);
    CHECK_FALSE(pause);
    auto sum = co_await call<std::int64_t>(self, "s", add{1, 2});
    CHECK(sum.value() == 3);
    auto m = co_await self.receive();
    CHECK(m.body().to_int64() == 7);
  });
}

TEST_CASE("a handler that is a coroutine holds the next message back until it has ended") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    const pid me = self.self();
    self.spawn([me](process& other) -> task<> {
      auto slow = co_await call<std::int64_t>(other, "s", sleepy{1});
      other.send(me, slow.value());
    });
    auto pause = co_await self.receive(2ms);
    auto sum = co_await call<std::int64_t>(self, "s", add{1, 1});
    CHECK(sum.value() == 2);
    auto m = co_await self.receive(0ms);
    REQUIRE(m);
    CHECK(m.body().to_int64() == 1);
  });
}

TEST_CASE("a call that times out leaves nothing in the mailbox") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    auto late = co_await call(self, "s", sleepy{1}, 5ms);
    REQUIRE_FALSE(late);
    CHECK(late.error().reason == term(atoms::timeout));
    auto m = co_await self.receive(50ms);
    CHECK_FALSE(m);
  });
}

TEST_CASE("a call to nobody fails at once with noproc") {
  with_server(0, [](process& self) -> task<> {
    const time_point before = self.now();
    auto reply = co_await call(self, "nobody", add{1, 2});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().reason == term(atoms::noproc));
    CHECK(reply.error().message() == "call to nobody: there is no such process");
    CHECK(self.now() == before);
  });
}

TEST_CASE("a call whose server ends with noconnection names the server's node") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    auto reply = co_await call(self, "s", fail_with{"noconnection"});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().reason == term::tuple({atom("nodedown"), term(self.node())}));
  });
}

TEST_CASE("a call to oneself, by pid or by name, fails at once") {
  with_server(0, [](process& self) -> task<> {
    self.register_name("caller");
    const time_point before = self.now();
    const std::vector<destination> itself{self.self(), "caller", {atom("caller"), self.node()}};
    for (const destination& server : itself) {
      auto reply = co_await call(self, server, add{1, 2});
      REQUIRE_FALSE(reply);
      CHECK(reply.error().reason == term(atom("calling_self")));
      CHECK(reply.error().message().ends_with(": a process cannot answer itself"));
    }
    CHECK(self.now() == before);
    auto m = co_await self.receive(0ms);
    CHECK_FALSE(m);
  });
}

TEST_CASE("a call that the server does not survive fails with its exit reason") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    auto reply = co_await call(self, "s", fail_with{"broken"});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().reason == term(atom("broken")));
    CHECK(trace == std::vector<std::string>{"terminate broken"});
  });
}

TEST_CASE("an exception in a handler is the exit reason, after terminate") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    auto reply = co_await call(self, "s", is<"raise">{});
    REQUIRE_FALSE(reply);
    CHECK(to_string(reply.error().reason) == R"({'std::runtime_error',<<"raised">>})");
    CHECK(trace.size() == 1);
  });
}

TEST_CASE("a caller that is dropped answers no_reply; an unknown call is answered as such") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    auto forgotten = co_await call(self, "s", is<"forget">{});
    CHECK(to_string(forgotten.value()) == "{error,no_reply}");
    auto unknown = co_await call(self, "s", std::tuple{atom("add"), std::string("one")});
    CHECK(to_string(unknown.value()) == R"({error,{unknown_call,{add,<<"one">>}}})");
    auto wrong_type = co_await call<std::string>(self, "s", add{1, 2});
    REQUIRE_FALSE(wrong_type);
    CHECK(wrong_type.error().reason.is_tuple(atom("bad_reply"), 2));
  });
}

TEST_CASE("callers that are dropped again and again are not all logged") {
  const erl::test::log_capture log;
  with_server(0, [](process& self) -> task<> {
    for (int i = 0; i < 20; ++i)
      auto forgotten = co_await call(self, "s", is<"forget">{});
  });
  CHECK(std::ranges::count_if(log.lines(), [](const std::string& line) {
          return line.find("forgotten without a reply") != std::string::npos;
        }) <= 5); // of all in this program
}

TEST_CASE("casts are handled in order; a stop runs terminate") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    cast(self, "s", put{"a"});
    cast(self, "s", put{"b"});
    cast(self, "s", is<"stop">{});
    auto pause = co_await self.receive(5ms);
    CHECK(trace == std::vector<std::string>{"put a", "put b", "terminate normal"});
  });
}

TEST_CASE("an exit signal of a stranger reaches handle_info; the parent's ends the server") {
  with_server(0, [](process& self) -> task<> {
    const pid server = self.whereis("s").value();
    self.exit(server, atom("from_a_stranger"));
    auto sum = co_await call<std::int64_t>(self, "s", add{1, 2});
    CHECK(sum.value() == 3);
    CHECK(trace == std::vector<std::string>{"exit from_a_stranger"});
  });
  trace.clear();
  world w;
  const pid parent = w.spawn([](process& self) -> task<> {
    auto started = co_await start_link<server>(self, {.name = "s"});
    auto m = co_await self.receive();
  });
  w.settle();
  w.system.at(0).send({}, parent, term(1));
  w.settle();
  CHECK(trace == std::vector<std::string>{"terminate normal"});
  CHECK_FALSE(w.system.whereis("s"));
}

TEST_CASE("start_link reports a name that is taken, and a failing init") {
  struct broken : gen_server<broken> {
    void init() { throw std::runtime_error("cannot open the device"); }
  };
  with_server(0, [](process& self) -> task<> {
    const pid holder = self.whereis("s").value();
    auto second = co_await start_link<server>(self, {.name = "s"});
    REQUIRE_FALSE(second);
    CHECK(second.error() == term::tuple({atom("already_started"), term(holder)}));
    auto failed = co_await start_link<broken>(self, {});
    REQUIRE_FALSE(failed);
    CHECK(to_string(failed.error()) == R"({'std::runtime_error',<<"cannot open the device">>})");
    auto nothing = co_await self.receive(1ms);
    CHECK_FALSE(nothing);
  });
}

TEST_CASE("the reply goes to the alias in the tag, and the tag comes back unchanged") {
  with_server(GENERATE(0U, 1U), [](process& self) -> task<> {
    const reference alias = self.alias();
    const term_ref head[] = {atoms::alias};
    const term plain = term::list(head, term(alias));
    const term nested = term::list({plain, term(1)});
    for (const term& tag : {plain, nested, term(self.make_reference())}) {
      self.send("s", term::tuple({atoms::gen_call, term::tuple({term(self.self()), tag}),
                                  to_term(add{1, 2})}));
      auto m = co_await self.receive(5ms);
      REQUIRE(m);
      CHECK(m.body() == term::tuple({tag, term(3)}));
    }
  });
}

TEST_CASE("a huge unknown message is logged in brief") {
  static std::string logged;
  logged.clear();
  log::set_sink([](const log::line& l, void*) { logged += l.text; });
  with_server(0, [](process& self) -> task<> {
    const term huge = term::text(std::string(1'000'000, 'x'));
    auto unknown = co_await call(self, "s", huge);
    CHECK(unknown);
  });
  log::set_sink(nullptr);
  CHECK(logged.find("unknown call") != std::string::npos);
  CHECK(logged.size() < 2000);
}

namespace {
struct by_reference : gen_server<by_reference> {
  using calls = messages<put>;
  task<std::string> handle_call(const put& p) {
    const auto never = [](term_ref) { return false; };
    auto m = co_await self().receive(never, 5ms);
    co_return p.text;
  }
};
} // namespace

TEST_CASE("a coroutine handler may take its message by reference") {
  world w;
  std::string answer;
  w.spawn([&](process& self) -> task<> {
    auto started = co_await start_link<by_reference>(self, {.name = "r"});
    const put request{std::string(100, 'x')};
    auto reply = co_await call<std::string>(self, "r", request);
    answer = reply.value();
  });
  w.pass(10ms);
  CHECK(answer == std::string(100, 'x'));
}

TEST_CASE("a call answered to the pid leaves no monitor behind") {
  world w;
  log_lines got;
  const pid plain = w.spawn([](process& self) -> task<> {
    auto m = co_await self.receive();
    const term from = m.body().share(m.body().element(1));
    self.send(from.element(0).to_pid().value(), term::tuple({from.element(1), atom("direct")}));
    auto stop = co_await self.receive();
  });
  w.spawn([&, plain](process& self) -> task<> {
    auto reply = co_await call<atom>(self, plain, atom("question"));
    got.push_back(to_string(reply.value()));
    self.send(plain, atom("stop"));
    auto m = co_await self.receive(10ms);
    got.push_back(m ? to_string(m.body()) : "nothing");
  });
  w.pass(20ms);
  CHECK(got == log_lines{"direct", "nothing"});
}

TEST_CASE("a constructor that throws is a failed start") {
  struct broken : gen_server<broken> {
    broken() { throw std::runtime_error("no device"); }
  };
  world w;
  std::string failure;
  w.spawn([&](process& self) -> task<> {
    auto started = co_await start_link<broken>(self, {});
    failure = to_string(started.error());
  });
  w.settle();
  CHECK(failure == R"({'std::runtime_error',<<"no device">>})");
}

TEST_CASE("an exit signal that comes during start_link ends a process that does not trap exits") {
  struct slow : gen_server<slow> {
    task<> init() {
      const auto never = [](term_ref) { return false; };
      auto m = co_await self().receive(never, 10ms);
    }
  };
  world w;
  const pid parent = w.spawn([](process& self) -> task<> {
    auto started = co_await start_link<slow>(self, {});
    auto forever = co_await self.receive();
  });
  w.settle();
  w.spawn([parent](process& self) -> task<> {
    const term reason(atom("stop_it"));
    self.exit(parent, reason);
    co_return;
  });
  w.pass(20ms);
  CHECK_FALSE(w.alive(parent));
}

namespace {
struct divider : gen_server<divider> {
  using calls = messages<double>;
  void handle_call(double by, caller from) {
    try {
      from.reply(by == 0 ? std::numeric_limits<double>::infinity() : 1 / by);
    } catch (const std::domain_error&) { // infinity is no term
      from.reply(atom("no_number"));
    }
  }
};
} // namespace

TEST_CASE("a reply that cannot be encoded may be followed by another") {
  world w;
  log_lines out;
  w.spawn([&out](process& self) -> task<> {
    const auto server = self.spawn_body(owned_body(new divider), {});
    for (const double by : {2.0, 0.0}) {
      auto reply = co_await call(self, server.process, by, 1s);
      out.push_back(to_string(reply.value()));
    }
  });
  w.pass(1s);
  CHECK(out == log_lines{"0.5", "no_number"});
}

TEST_CASE("a request that cannot be encoded leaves no monitor behind") {
  world w;
  bool thrown = false;
  w.spawn([&thrown](process& self) -> task<> {
    const auto server = self.spawn_body(owned_body(new divider), {});
    const double infinite = std::numeric_limits<double>::infinity();
    try {
      auto reply = co_await call(self, server.process, infinite, 1s);
    } catch (const std::domain_error&) {
      thrown = true;
    }
    auto seen = co_await info(self, self.self());
    CHECK(seen->monitors.empty());
  });
  w.settle();
  CHECK(thrown);
}

namespace {

struct slow_adder : gen_server<slow_adder> {
  using calls = messages<add>;
  task<> init() {
    const auto open = [] { return 1000; };
    offset = co_await blocking(self(), open);
  }
  task<std::int64_t> handle_call(add q) {
    const auto sum = [q] { return q.a + q.b; };
    auto result = co_await blocking(self(), sum);
    if (result > 100)
      throw std::runtime_error("too much");
    co_return result + offset;
  }
  std::int64_t offset = 0;
};

} // namespace

TEST_CASE("a server's handlers and init may make blocking calls") {
  world w;
  w.system.set_blocking(std::make_unique<runtime::run_in_place>());
  log_lines out;
  w.spawn([&out](process& self) -> task<> {
    auto started = co_await start_link<slow_adder>(self, {});
    self.trap_exit(true);
    for (std::int64_t i : {1, 2, 200}) {
      auto reply = co_await call<std::int64_t>(self, *started, add{i, i});
      out.push_back(reply ? std::to_string(*reply) : "failed");
    }
  });
  w.settle();
  CHECK(out == log_lines{"1002", "1004", "failed"});
}

TEST_CASE("a server knows its ancestors and its initial call, as OTP's tools look for them") {
  world w;
  std::vector<std::pair<term, term>> dictionary;
  std::string type;
  w.spawn([&](process& self) -> task<> {
    const server_options unnamed{};
    self.register_name("parent");
    auto started = co_await start_link<server>(self, unnamed);
    auto seen = co_await info(self, *started);
    dictionary = seen->dictionary;
    type = to_string(seen->initial_call);
  });
  w.settle();
  REQUIRE(dictionary.size() == 2);
  CHECK(to_string(dictionary[0].second) == "[parent]");
  CHECK(to_string(dictionary[1].second) == "{'(anonymous namespace)::server',init,1}");
  CHECK(type == "{'(anonymous namespace)::server',run,1}");
}

TEST_CASE("the ancestors of a server's child are the server and its ancestors") {
  world w;
  std::string ancestors;
  w.spawn([&](process& self) -> task<> {
    const server_options unnamed{};
    self.register_name("middle");
    self.put(term(atoms::ancestors), term::list({atom("top")}));
    auto started = co_await start_link<server>(self, unnamed);
    auto seen = co_await info(self, *started);
    ancestors = to_string(seen->dictionary[0].second);
  });
  w.settle();
  CHECK(ancestors == "[middle,top]");
}
