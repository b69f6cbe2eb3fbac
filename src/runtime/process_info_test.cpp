#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/process_info.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>

using namespace erl;
using erl::test::world;

namespace {

task<> wait_for_ever(process& self) {
  auto none = false;
  auto m = co_await self.receive([&](term_ref) { return none; });
}

task<> watch_parent(process& self) {
  const pid parent = self.parent();
  self.monitor(parent);
  co_await wait_for_ever(self);
}

/// What a process learns that asks about `who`.
std::optional<process_info> ask(world& w, std::size_t scheduler, const pid& who) {
  std::optional<process_info> result;
  bool answered = false;
  w.spawn_on(scheduler, [&, who](process& self) -> task<> {
    self.send(self.self(), atom("not the answer"));
    auto answer = co_await info(self, who);
    result = std::move(answer);
    answered = true;
    auto left = co_await self.receive(duration::zero());
    CHECK(left.body().is(atom("not the answer")));
  });
  w.settle();
  CHECK(answered);
  return result;
}

} // namespace

TEST_CASE("info tells what a process is and has, also to another scheduler") {
  for (const std::size_t scheduler : {0U, 1U}) {
    world w(2);
    pid child, friendly, watched, watcher;
    const pid who = w.spawn([&](process& self) -> task<> {
      child = self.spawn_link(wait_for_ever);
      friendly = self.spawn(wait_for_ever);
      watched = self.spawn(wait_for_ever);
      self.link(friendly);
      self.unlink(friendly);
      self.monitor(watched);
      self.register_name(atom("curious"));
      self.register_name(atom("famous"), watched);
      self.monitor({atom("famous")});
      watcher = self.spawn(watch_parent);
      self.trap_exit(true);
      self.set_label(term::tuple({atom("worker"), term(7)}));
      self.put(term(1), term(2));
      self.send(self.self(), 1);
      self.send(self.self(), 2);
      co_await wait_for_ever(self);
    });
    w.settle();
    const auto seen = ask(w, scheduler, who);
    REQUIRE(seen);
    CHECK(seen->registered_name == atom("curious"));
    CHECK(seen->status == atom("waiting"));
    CHECK(seen->message_queue_len == 2);
    CHECK(seen->links == std::vector<pid>{child});
    REQUIRE(seen->monitors.size() == 2);
    CHECK(to_string(seen->monitors[0]) == to_string(term::tuple({atoms::process, term(watched)})));
    CHECK(to_string(seen->monitors[1]) == "{process,{famous,nonode@nohost}}");
    CHECK(seen->monitored_by == std::vector<pid>{watcher});
    CHECK(seen->trap_exit);
    CHECK_FALSE(seen->parent);
    REQUIRE(seen->label);
    CHECK(to_string(*seen->label) == "{worker,7}");
    REQUIRE(seen->dictionary.size() == 1);
    CHECK(seen->dictionary[0].first == term(1));
    CHECK(seen->dictionary[0].second == term(2));
    CHECK(seen->reductions >= 3);
    CHECK(seen->reductions < 100);
    CHECK(seen->memory > sizeof(runtime::process_block));

    const auto of_child = ask(w, scheduler, child);
    REQUIRE(of_child);
    CHECK(of_child->parent == who);
    CHECK_FALSE(of_child->registered_name);
    CHECK_FALSE(of_child->label);
    CHECK(of_child->links == std::vector<pid>{who});
  }
}

TEST_CASE("info of nobody is nothing") {
  world w(2);
  const pid ended = w.spawn([](process&) -> task<> { co_return; });
  w.settle();
  CHECK_FALSE(ask(w, 0, ended));
  CHECK_FALSE(ask(w, 1, ended));
  CHECK_FALSE(ask(w, 0, {atom("other@host"), 1, 2, 3}));
}

TEST_CASE("a process may ask about itself") {
  world w;
  bool asked = false;
  w.spawn([&](process& self) -> task<> {
    auto seen = co_await info(self, self.self());
    CHECK(seen.value().status == atom("running"));
    asked = true;
  });
  w.settle();
  CHECK(asked);
}

TEST_CASE("the process dictionary gives back what was there") {
  world w;
  bool done = false;
  w.spawn([&](process& self) -> task<> {
    const term key(atom("key"));
    CHECK_FALSE(self.get(key));
    CHECK_FALSE(self.erase(key));
    CHECK_FALSE(self.put(key, term(1)));
    CHECK(self.put(key, term(2)) == term(1));
    CHECK(self.get(key) == term(2));
    CHECK(self.erase(key) == term(2));
    CHECK_FALSE(self.get(key));
    done = true;
    co_return;
  });
  w.settle();
  CHECK(done);
}
