#include "otp/global.hpp"
#include "runtime/test_world.hpp"
#include "support/log_capture.hpp"
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/parse.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::silence;
using erl::test::world;

namespace {

/// A process that makes the calls it is told to, as a registering process of some node would.
struct client {
  explicit client(world& w) : world_(w) {
    id = w.spawn([this](process& self) -> task<> {
      term request;
      for (;;) {
        auto m = co_await self.receive();
        if (m.body().is(atom("stop")))
          co_return;
        request = m.body();
        auto reply = co_await call(self, "global_name_server", request, 1s);
        answer = reply ? to_string(*reply) : reply.error().message();
      }
    });
  }
  std::string ask(const term& request) {
    answer = "nothing";
    send(request);
    return answer;
  }
  std::string set_lock(const char* requester) {
    return ask(term::tuple({atom("set_lock"), term::tuple({atom("global"), atom(requester)})}));
  }
  std::string delete_lock(const char* requester) {
    return ask(term::tuple({atom("del_lock"), term::tuple({atom("global"), atom(requester)})}));
  }
  std::string register_name(term name, const pid& who) {
    return ask(term::tuple({atom("register"), name, term(who), atom("method")}));
  }
  std::string unregister_name(term name) { return ask(term::tuple({atom("unregister"), name})); }
  void send(const term& request) {
    world_.system.at(0).send({}, id, request);
    world_.pass(2s);
  }
  void stop() { send(term(atom("stop"))); }

  pid id;
  std::string answer;

private:
  world& world_;
};

struct fixture {
  explicit fixture(std::uint32_t most_names = 1000) {
    w.system.at(0).spawn(
        make_global_name_server(w.system.names_everywhere(),
                                {.options = {.most_names = most_names}, .creation = 1}),
        pid{}, {.name = atoms::global_name_server});
    w.settle();
  }
  std::optional<pid> whereis(const term& name) { return w.system.names_everywhere().find(name); }
  std::size_t names() { return w.system.names_everywhere().size(); }

  world w;
};

} // namespace

TEST_CASE("a global name is known until it is unregistered or its process has ended") {
  fixture f;
  client registrar(f.w);
  client holder(f.w);
  client other(f.w);
  const term name = term::tuple({atom("any"), term::text("term")});
  CHECK_FALSE(f.whereis(name));
  CHECK(registrar.set_lock("r") == "true");
  CHECK(registrar.register_name(name, holder.id) == "yes");
  CHECK(f.whereis(name) == holder.id);
  CHECK(registrar.register_name(name, other.id) == "yes"); // as re_register_name
  CHECK(f.whereis(name) == other.id);
  holder.stop();
  CHECK(f.whereis(name) == other.id);
  other.stop();
  CHECK_FALSE(f.whereis(name));
  CHECK(registrar.register_name(name, registrar.id) == "yes");
  CHECK(registrar.unregister_name(name) == "ok");
  CHECK_FALSE(f.whereis(name));
  CHECK(registrar.unregister_name(name) == "ok");
  CHECK(f.names() == 0);
  CHECK(registrar.delete_lock("r") == "true");
}

TEST_CASE("a lock is granted to one requester, on behalf of any number of processes") {
  fixture f;
  client a(f.w);
  client b(f.w);
  CHECK(a.set_lock("one") == "true");
  CHECK(a.set_lock("one") == "true");
  CHECK(b.set_lock("two") == "false");
  CHECK(b.set_lock("one") == "true");
  CHECK(b.delete_lock("two") == "true"); // which is always the answer
  CHECK(a.delete_lock("one") == "true");
  CHECK(a.set_lock("two") == "false"); // b still holds it
  CHECK(b.delete_lock("one") == "true");
  CHECK(a.set_lock("two") == "true");
  // Of another resource nobody is kept.
  CHECK(b.ask(*parse_term("{set_lock, {resource, two}}")) == "true");
}

TEST_CASE("a lock goes with its holder, and who has lost it registers nothing") {
  fixture f;
  client a(f.w);
  client b(f.w);
  client holder(f.w);
  CHECK(a.set_lock("a") == "true");
  CHECK(b.register_name(term(atom("x")), holder.id) == "yes"); // the answer is always the same
  CHECK_FALSE(f.whereis(term(atom("x"))));
  CHECK(a.register_name(term(atom("x")), holder.id) == "yes");
  CHECK(f.whereis(term(atom("x"))) == holder.id);
  a.stop();
  // The one that died may have been in the middle of something.
  CHECK(b.register_name(term(atom("y")), holder.id) == "yes");
  CHECK_FALSE(f.whereis(term(atom("y"))));
  CHECK(b.set_lock("b") == "true");
  CHECK(b.register_name(term(atom("y")), holder.id) == "yes");
  CHECK(b.delete_lock("b") == "true");
  CHECK(f.whereis(term(atom("y"))) == holder.id);
  CHECK(f.names() == 2);
}

TEST_CASE("beyond the limit names are not kept, and locks are refused") {
  const silence quiet;
  fixture f(4);
  client a(f.w);
  CHECK(a.set_lock("a") == "true"); // counts as well
  for (std::int64_t i = 0; i < 6; ++i)
    CHECK(a.register_name(term(i), a.id) == "yes");
  CHECK(f.names() == 3);
  CHECK(f.whereis(term(2)));
  CHECK_FALSE(f.whereis(term(3)));
  CHECK(a.ask(*parse_term("{set_lock, {resource, a}}")) == "false");
  CHECK(a.unregister_name(term(0)) == "ok");
  CHECK(a.ask(*parse_term("{set_lock, {resource, a}}")) == "true");
  // Another process for a name that is there needs no room.
  client b(f.w);
  CHECK(a.register_name(term(1), b.id) == "yes");
  CHECK(f.whereis(term(1)) == b.id);
}

TEST_CASE("questions about global have OTP's answers, and nonsense has none") {
  const silence quiet;
  fixture f;
  client a(f.w);
  CHECK(a.ask(term(atom("get_protocol_version"))) == "8");
  CHECK(a.ask(term(atom("get_known"))) == "[]");
  CHECK(a.ask(term(atom("get_synced"))) == "[]");
  CHECK(a.ask(term(atom("get_names_ext"))) == "[]");
  const term external = *parse_term("{register_ext, port, pid, method, 'c@node'}");
  CHECK(a.ask(term::tuple({external.element(0), external.element(1), term(a.id),
                           external.element(3), external.element(4)})) == "yes");
  CHECK(a.ask(term(atom("get_names_ext"))) == "[{port," + to_string(term(a.id)) + ",c@node}]");
  for (const char* nonsense :
       {"nonsense", "{}", "[]", "{register, name, not_a_pid, method}", "{register, name}",
        "{set_lock, resource}", "{set_lock, {a}}", "{del_lock, 1}", "{register_ext, a, b, c, d}"})
    CHECK(a.ask(*parse_term(nonsense)).find("no reply in time") != std::string::npos);
  for (const char* nonsense : {"{'$gen_cast', init_connect}",
                               "{'$gen_cast', {init_connect, {8, 1}, x, y}}",
                               "{'$gen_cast', {init_connect, 8, 'a@b', {locker, a, b, c}}}",
                               "{'$gen_cast', {lock_set, a, true, [], 1}}",
                               "{'$gen_cast', {exchange, 1, 2, 3, 4}}",
                               "{'$gen_cast', {exchange, 'a@b', 2, 3, 4}}",
                               "{'$gen_cast', {resolved, 'a@b', [x|y], a, b, c, 1}}",
                               "{'$gen_cast', {new_nodes, 'a@b', x, [1], [{2}], y}}",
                               "{'$gen_cast', {new_nodes, 'a@b', [{insert, x}, {insert, {1, 2, "
                               "3}}, {delete}], [{a, b, c}], [], [{lock, x}]}}",
                               "{'$gen_cast', {in_sync, 'a@b', true}}",
                               "{'$gen_cast', {exchange_ops, 'a@b', 1, [], []}}",
                               "{'$gen_cast', {lock_is_set, 'a@b', 1, 2}}",
                               "{init_connect_ack, 'a@b', 1, 2}",
                               "{cancel_connect, 'a@b', 1}",
                               "{lost_connection, 'a@b', 1, 2, 'c@d'}",
                               "{lost_connection, 1, 2, 3, 4}",
                               "{remove_connection, 'a@b'}",
                               "{remove_connection, 1}",
                               "{whereis, a, b}",
                               "{whereis, a, {b, c}}",
                               "{nodeup, 1, 2}",
                               "{nodedown, 1}",
                               "{'DOWN', 1, process, 2, 3}",
                               "{'EXIT', 1, 2}",
                               "x"}) {
    INFO(nonsense);
    f.w.system.at(0).send({}, atoms::global_name_server, *parse_term(nonsense));
    f.w.settle();
    CHECK(f.w.system.whereis(atoms::global_name_server));
  }
  CHECK(a.ask(term(atom("get_known"))) == "[]");
  CHECK(a.set_lock("a") == "true");
  CHECK(a.register_name(term(1), a.id) == "yes");
  CHECK(f.whereis(term(1)) == a.id);
}
