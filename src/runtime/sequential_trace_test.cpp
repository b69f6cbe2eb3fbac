#include "runtime/mailbox.hpp"
#include "runtime/sequential_trace.hpp"
#include "runtime/test_world.hpp"
#include <erl/etf/parse.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace erl;
using namespace erl::runtime;
using namespace std::chrono_literals;

namespace {

term parsed(const char* text) { return *parse_term(text); }

message with_token(const char* token) {
  mailbox box;
  box.push_traced(term(1), false, make_token(parsed(token)));
  return box.take({});
}

} // namespace

TEST_CASE("what a process sends has the token of what it has received, with serials of its own") {
  const pid self{atom("a@b"), 7, 0, 4};
  trace_state trace;
  CHECK_FALSE(trace.next(self));
  trace.received(with_token("{1, {some, label}, 5, other, 4}"));
  const auto first = trace.next(self);
  REQUIRE(first);
  CHECK(first->encode() ==
        term::tuple({term(1), parsed("{some, label}"), term(6), term(self), term(5)}));
  CHECK(trace.next(self)->encode().element(2).to_int64() == 7);
  trace.received(with_token("{1, x, 2, other, 1}")); // from one that is behind
  CHECK(trace.next(self)->encode() ==
        term::tuple({term(1), parsed("x"), term(8), term(self), term(2)}));
}

TEST_CASE("a message without a token ends the trace") {
  trace_state trace;
  trace.received(with_token("{1, label, 5, other, 4}"));
  trace.received(detail::make_message(term(2)));
  CHECK_FALSE(trace.next({}));
}

TEST_CASE("a token is not the message, and what is none is not taken for one") {
  const message m = with_token("{1, label, 5, other, 4}");
  CHECK(m.body() == term(1));
  CHECK(m.object<int>() == nullptr);
  for (const auto* wrong : {"[]", "{}", "{1, l, 5, p}", "{x, l, 5, p, 4}", "{1, l, 1.5, p, 4}"})
    CHECK_FALSE(make_token(parsed(wrong)));
}

namespace {

using test::world;

constexpr const char* a_token = "{1, label, 5, other, 4}";

/// What the process in `s.to` gets from afar.
void from_afar(world& w, signal s) {
  s.from = {atom("a@b"), 9, 0, 4};
  w.system.owner_of(s.to).route(std::move(s));
  w.settle();
}

/// Takes what goes to other nodes.
class outlet final : public distribution {
public:
  std::vector<signal> sent;
  void outgoing(signal&& s) override { sent.push_back(std::move(s)); }
  void too_many_relations(atom) override {}
  void keep_alive() override {}
};

/// The token of a message; `[]` if it has none.
term token_of(const message& m) {
  const auto* with = m.object<trace_token>();
  return with == nullptr ? term() : with->value;
}

term serials(const char* label, std::int64_t serial, const pid& from, std::int64_t last) {
  return term::tuple({term(1), term(atom(label)), term(serial), term(from), term(last)});
}

/// A process that keeps the tokens of all it gets, and traps exits.
struct witness {
  std::vector<term> tokens;
  std::vector<term> bodies;
  auto body() {
    return [this](process& self) -> task<> {
      [[maybe_unused]] const bool before = self.trap_exit(true);
      for (;;) {
        auto m = co_await self.receive();
        tokens.push_back(token_of(m));
        bodies.push_back(m.body());
      }
    };
  }
};

/// Takes a first message, which brings the trace, and does something.
template <class Function> auto after_first(Function what) {
  return [what](process& self) -> task<> {
    auto first = co_await self.receive();
    what(self);
  };
}

pid traced(world& w, std::size_t scheduler, auto what) {
  const pid p = w.spawn_on(scheduler, after_first(std::move(what)));
  from_afar(w, {.to = p, .body = term(1), .token = make_token(parsed(a_token))});
  return p;
}

} // namespace

TEST_CASE("an exit signal brings its token to the message that it becomes") {
  world w;
  witness seen;
  const pid p = w.spawn(seen.body());
  w.settle();
  from_afar(
      w,
      {.kind = signal_kind::exit, .to = p, .body = term(1), .token = make_token(parsed(a_token))});
  from_afar(w, {.kind = signal_kind::link, .to = p});
  from_afar(w, {.kind = signal_kind::link_exit,
                .to = p,
                .body = term(2),
                .token = make_token(parsed("{1, other, 7, x, 4}"))});
  from_afar(w, {.kind = signal_kind::exit, .to = p, .body = term(3)});
  REQUIRE(seen.tokens.size() == 3);
  CHECK(seen.tokens[0] == parsed(a_token));
  CHECK(seen.tokens[1] == parsed("{1, other, 7, x, 4}"));
  CHECK(seen.tokens[2] == term());
}

TEST_CASE("the links of a traced process hear of its end in its trace, and nobody else does") {
  for (const std::size_t scheduler : {0U, 1U}) {
    world w(2);
    witness linked;
    witness other_linked;
    witness watching;
    const pid one = w.spawn(linked.body());
    const pid two = w.spawn(other_linked.body());
    w.settle();
    const pid p = w.spawn_on(scheduler, after_first([&](process& self) {
                               self.link(one);
                               self.link(two);
                               self.exit(one, term(atom("by_exit")));
                               self.exit(term(atom("bye")));
                             }));
    w.spawn([&](process& self) -> task<> {
      [[maybe_unused]] const reference monitor = self.monitor(p);
      auto m = co_await self.receive();
      watching.tokens.push_back(token_of(m));
    });
    w.settle();
    from_afar(w, {.to = p, .body = term(1), .token = make_token(parsed(a_token))});
    CHECK(linked.tokens == std::vector<term>{term(), serials("label", 6, p, 5)});
    CHECK(other_linked.tokens == std::vector<term>{serials("label", 7, p, 5)});
    CHECK(watching.tokens == std::vector<term>{term()});
  }
}

TEST_CASE("an untraced process that ends by a traced exit does not pass the trace on") {
  world w;
  witness seen;
  const pid last = w.spawn(seen.body());
  w.settle();
  const pid p = w.spawn([&](process& self) -> task<> {
    const pid to = last;
    self.link(to);
    auto never = co_await self.receive();
  });
  w.settle();
  from_afar(w, {.kind = signal_kind::exit,
                .to = p,
                .body = term(atom("bye")),
                .token = make_token(parsed(a_token))});
  CHECK(seen.tokens == std::vector<term>{term()});
}

TEST_CASE("a process that a traced one starts is in its trace") {
  for (const int scheduler : {0, 1}) {
    world w(2);
    witness seen;
    const pid to = w.spawn(seen.body());
    pid child;
    const pid p = traced(w, 0, [&, scheduler](process& self) {
      const auto greet = [&to](process& own) -> task<> {
        const term hello(2);
        own.send(to, hello);
        co_return;
      };
      child = self.spawn_body(make_body(greet), {.scheduler = scheduler}).process;
      self.send(to, term(3));
    });
    w.settle();
    REQUIRE(seen.tokens.size() == 2);
    const std::size_t of_child = seen.bodies[0] == term(2) ? 0 : 1;
    CHECK(seen.tokens[of_child] == serials("label", 8, child, 6));
    CHECK(seen.tokens[1 - of_child] == serials("label", 7, p, 5));
  }
}

TEST_CASE("what is started from afar has the token of the request") {
  world w;
  witness seen;
  const pid to = w.spawn(seen.body());
  const pid p = w.system.at(0).reserve();
  from_afar(w, {.kind = signal_kind::spawn,
                .to = p,
                .what = make_body([to](process& self) -> task<> {
                  const term hello(2);
                  self.send(to, hello);
                  co_return;
                }),
                .token = make_token(parsed(a_token))});
  CHECK(seen.tokens == std::vector<term>{serials("label", 6, p, 5)});
}

TEST_CASE("the answer to a request has its token") {
  CHECK(reply_token(parsed("{1, label, 5, other, 3}"), term(atom("me"))) ==
        parsed("{1, label, 5, me, 4}"));
  world w;
  witness seen;
  reference request;
  const pid p = w.spawn([&](process& self) -> task<> {
    const reference asked = self.spawn_request(atom("a@b"), atom("m"), atom("f"), term(), {});
    request = asked;
    auto m = co_await self.receive();
    seen.tokens.push_back(token_of(m));
    seen.bodies.push_back(m.body());
  });
  outlet out;
  w.system.set_distribution(&out, {});
  w.settle();
  from_afar(w, {.kind = signal_kind::spawn_reply,
                .to = p,
                .ref = request,
                .token = make_token(parsed(a_token))});
  CHECK(seen.tokens == std::vector<term>{parsed(a_token)});
}

TEST_CASE("what goes to another node has tokens where OTP gives them") {
  world w;
  outlet out;
  w.system.set_distribution(&out, {});
  const pid there{atom("a@b"), 9, 0, 4};
  const pid p = traced(w, 0, [&](process& self) {
    self.link(there);
    self.monitor(there);
    self.spawn_request(atom("a@b"), atom("m"), atom("f"), term(), {});
    self.exit(there, term(1));
    self.send_object(there, std::string("text"));
    self.exit(term(atom("bye")));
  });
  const auto of = [&](signal_kind kind) {
    for (const signal& s : out.sent)
      if (s.kind == kind)
        return s.token ? s.token->encode() : term();
    return term(atom("nothing"));
  };
  CHECK(of(signal_kind::link) == term());
  CHECK(of(signal_kind::monitor) == term());
  CHECK(of(signal_kind::spawn_request) == serials("label", 7, p, 5));
  CHECK(of(signal_kind::exit) == term());
  CHECK(of(signal_kind::message) == serials("label", 8, p, 5));
  CHECK(of(signal_kind::link_exit) == serials("label", 9, p, 5));
}

TEST_CASE("urgent messages, and those that a full mailbox looks at, keep their tokens") {
  world w;
  witness seen;
  reference alias;
  const pid p = w.spawn([&](process& self) -> task<> {
    const mailbox_limit one{.messages = 1, .when_full = full_mailbox::drop_oldest};
    self.limit_mailbox(one);
    alias = self.alias(alias_mode::explicit_unalias, message_priority::high);
    auto stop = co_await self.receive([](term_ref m) { return m.is("stop"); });
    for (;;) {
      auto m = co_await self.receive();
      seen.tokens.push_back(token_of(m));
    }
  });
  w.settle();
  from_afar(w, {.to = p, .body = term(1)});
  from_afar(w, {.to = p, .body = term(2), .token = make_token(parsed(a_token))});
  from_afar(w, {.kind = signal_kind::alias_message,
                .to = p,
                .ref = alias,
                .body = term(3),
                .token = make_token(parsed("{1, urgent, 7, x, 4}")),
                .urgent = true});
  CHECK(seen.tokens.empty());
  from_afar(w, {.kind = signal_kind::alias_message,
                .to = p,
                .ref = alias,
                .body = term(atom("stop")),
                .urgent = true});
  CHECK(seen.tokens == std::vector<term>{parsed("{1, urgent, 7, x, 4}"), parsed(a_token)});
}

TEST_CASE("an object that a traced process sends is still an object") {
  for (const std::size_t scheduler : {0U, 1U}) {
    world w(2);
    std::optional<std::string> text;
    std::optional<std::string> decoded;
    std::vector<term> tokens;
    const pid to = w.spawn_on(scheduler, [&](process& self) -> task<> {
      const atom sink("sink");
      self.register_name(sink);
      for (;;) {
        auto m = co_await self.receive();
        tokens.push_back(token_of(m));
        if (const auto* here = m.object<std::string>())
          text = *here;
        else
          decoded = m.as<std::string>();
      }
    });
    w.settle();
    const pid p = traced(w, 0, [&](process& self) {
      self.send_object(to, std::string("text"));
      self.send_object("sink", std::string("text"));
    });
    CHECK(text == "text");
    CHECK_FALSE(decoded);
    CHECK(tokens == std::vector<term>{serials("label", 6, p, 5), serials("label", 7, p, 5)});
  }
}

TEST_CASE("the end of what is monitored, and a timer, leave the token as it is") {
  world w;
  witness seen;
  const pid to = w.spawn(seen.body());
  const pid other = w.spawn([](process& self) -> task<> { auto never = co_await self.receive(); });
  const pid p = w.spawn([&](process& self) -> task<> {
    [[maybe_unused]] const reference monitor = self.monitor(other);
    auto first = co_await self.receive();
    auto down = co_await self.receive();
    self.send(to, down.body());
    self.send_after(1ms, self.self(), term(2));
    auto timer = co_await self.receive();
    self.send(to, timer.body());
    auto plain = co_await self.receive();
    self.send(to, plain.body());
  });
  w.settle();
  from_afar(w, {.to = p, .body = term(1), .token = make_token(parsed(a_token))});
  from_afar(w, {.to = other, .body = term(1)});
  w.pass(1ms);
  w.settle();
  from_afar(w, {.to = p, .body = term(3)});
  CHECK(seen.tokens ==
        std::vector<term>{serials("label", 6, p, 5), serials("label", 7, p, 5), term()});
}

TEST_CASE("a traced sender waits for room like any other") {
  for (const int scheduler : {0, 1}) {
    world w(2);
    constexpr int enough = 100'000;
    int sent = 0;
    const pid p = w.spawn([&, scheduler](process& self) -> task<> {
      const auto idle = [](process& own) -> task<> {
        const auto never = co_await own.receive([](term_ref) { return false; });
      };
      const mailbox_limit mailbox{.messages = 10, .when_full = full_mailbox::block_sender};
      const pid to =
          self.spawn_body(make_body(idle), {.mailbox = mailbox, .scheduler = scheduler}).process;
      auto first = co_await self.receive();
      while (sent < enough) {
        self.send(to, ++sent);
        co_await self.yield();
      }
    });
    w.settle();
    from_afar(w, {.to = p, .body = term(1), .token = make_token(parsed(a_token))});
    CHECK(sent > 0);
    CHECK(sent < enough);
    CHECK(w.system.dead_letters == 0);
  }
}
