/// Visible nodes meet: global, pg and rex.
#include "support/log_capture.hpp"
#include <erl/call.hpp>
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/sim.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace erl;
using namespace std::chrono_literals;
using erl::test::silence;

task<> idle(process& self) {
  const auto dead = [](term_ref m) { return m.is(atom("stop")); };
  auto m = co_await self.receive(dead);
}

/// What a process that registers names does, from one of the nodes.
class registrar {
public:
  explicit registrar(sim::node& home) : probe_(home) {}

  /// Nothing if the node is not there.
  std::optional<term> try_to_ask(atom node, const term& request) {
    probe_.act([&](process& self) {
      const detail::outgoing_call sent(self, {atoms::global_name_server, node}, to_encode(request));
    });
    const term answer = probe_.next(60s);
    return answer.is_tuple(2) ? std::optional(answer.share(answer.element(1))) : std::nullopt;
  }
  term ask(atom node, const term& request) { return try_to_ask(node, request).value(); }
  bool set_lock(atom node) {
    return ask(node, term::tuple({atom("set_lock"), id()})).is(atoms::true_);
  }
  void delete_lock(atom node) { ask(node, term::tuple({atom("del_lock"), id()})); }
  /// On all of `nodes`, of which this one is one.
  void register_name(sim::world& world, const std::vector<sim::node*>& nodes, atom name,
                     const pid& who) {
    for (sim::node* each : nodes)
      while (!set_lock(each->name()))
        world.run_for(100ms);
    for (sim::node* each : nodes)
      ask(each->name(), term::tuple({atom("register"), name, term(who), method}));
    for (sim::node* each : nodes)
      delete_lock(each->name());
  }
  /// The same on all that `home` knows, unless somebody else holds a lock, or one is not there.
  void try_to_register(atom home, atom name, const pid& who) {
    std::vector<atom> nodes = known_by(home);
    nodes.push_back(home);
    const auto ask_all = [&](atom what, const term& of) {
      return std::ranges::count_if(nodes, [&](atom node) {
        const auto answer = try_to_ask(node, term::tuple({what, of}));
        return !answer || answer->is(atoms::true_);
      });
    };
    const bool locked = ask_all("set_lock", id()) == std::ssize(nodes);
    if (locked && std::ranges::all_of(known_by(home), [&](atom node) {
          return std::ranges::count(nodes, node) != 0;
        }))
      for (const atom node : nodes)
        try_to_ask(node, term::tuple({atom("register"), name, term(who), method}));
    ask_all("del_lock", id());
  }
  std::vector<atom> known_by(atom node) {
    std::vector<atom> result;
    const term answer = ask(node, term(atom("get_known")));
    for (const term_ref each : answer.items())
      result.push_back(*each.element(0).to_atom());
    return result;
  }

  term method = term(external_fun{"global", "random_exit_name", 3});

private:
  term id() const { return term::tuple({atom("global"), term(probe_.self())}); }
  sim::probe probe_;
};

void connect(sim::node& from, const sim::node& to) {
  const atom name = to.name();
  from.spawn([name](process& self) -> task<> {
    const atom server = atoms::net_kernel;
    self.send({server, name}, term(atom("hello")));
    co_return;
  });
}

std::vector<sim::node*> add_nodes(sim::world& world, std::size_t count,
                                  const sim::node_options& options = {.visible = true}) {
  std::vector<std::string> names{"a@sim", "b@sim", "c@sim", "d@sim", "e@sim"};
  for (std::size_t i = names.size(); i > 1; --i)
    std::swap(names[i - 1], names[world.random() % i]);
  std::vector<sim::node*> nodes;
  for (std::size_t i = 0; i < count; ++i)
    nodes.push_back(&world.add_node(names[i], options));
  return nodes;
}

/// Each is connected to each, and they know it.
bool are_together(const std::vector<sim::node*>& nodes) {
  return std::ranges::all_of(
      nodes, [&](const sim::node* each) { return each->connected().size() == nodes.size() - 1; });
}

bool all_find(const std::vector<sim::node*>& nodes, atom name, std::optional<pid> who) {
  return std::ranges::all_of(
      nodes, [&](const sim::node* each) { return each->global_whereis(name) == who; });
}

/// Nobody holds the lock any more.
void check_unlocked(sim::world& world, const std::vector<sim::node*>& nodes) {
  world.run_for(20s);
  registrar test(*nodes[0]);
  for (const sim::node* each : nodes) {
    CHECK(test.set_lock(each->name()));
    test.delete_lock(each->name());
  }
}

} // namespace

TEST_CASE("visible nodes that are connected in any order know each other and their names") {
  const silence quiet;
  sim::check({1, 150}, [](sim::world& world) {
    const auto nodes = add_nodes(world, 2 + world.random() % 4);
    std::vector<pid> holders;
    for (sim::node* each : nodes) {
      holders.push_back(each->spawn(idle));
      world.settle();
      registrar(*each).register_name(world, {each}, each->name(), holders.back());
    }
    // A tree, and connections beside it.
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      connect(*nodes[i], *nodes[world.random() % i]);
      connect(*nodes[world.random() % nodes.size()], *nodes[i]);
      if (world.random() % 2 == 0)
        world.run_for(std::chrono::milliseconds(world.random() % 2000));
    }
    REQUIRE(world.run_until(
        [&] {
          for (std::size_t i = 0; i < nodes.size(); ++i)
            if (!all_find(nodes, nodes[i]->name(), holders[i]))
              return false;
          return are_together(nodes);
        },
        120s));
    check_unlocked(world, nodes);
    for (sim::node* each : nodes)
      CHECK(registrar(*each).known_by(each->name()).size() == nodes.size() - 1);
  });
}

TEST_CASE("of two processes with one global name one stays when their nodes meet") {
  const silence quiet;
  sim::check({1, 100}, [](sim::world& world) {
    const auto nodes = add_nodes(world, 4);
    const std::vector<std::vector<sim::node*>> groups{{nodes[0], nodes[1]}, {nodes[2], nodes[3]}};
    std::vector<pid> holders;
    for (const auto& group : groups) {
      connect(*group[0], *group[1]);
      world.run_for(30s);
      holders.push_back(group[world.random() % 2]->spawn(idle));
      world.settle();
      registrar(*group[0]).register_name(world, group, "name", holders.back());
      REQUIRE(all_find(group, "name", holders.back()));
    }
    connect(*groups[0][world.random() % 2], *groups[1][world.random() % 2]);
    const bool first_stays = compare(holders[0].node, holders[1].node) < 0;
    const pid stays = first_stays ? holders[0] : holders[1];
    const pid goes = first_stays ? holders[1] : holders[0];
    REQUIRE(world.run_until([&] { return all_find(nodes, "name", stays) && are_together(nodes); },
                            120s));
    check_unlocked(world, nodes);
    CHECK(all_find(nodes, "name", stays));
    for (const sim::node* each : nodes) {
      CHECK_FALSE((each->name() == goes.node && each->is_alive(goes)));
      CHECK((each->name() != stays.node || each->is_alive(stays)));
    }
  });
}

TEST_CASE("a node that crashes takes its names and locks with it, and the others stay together") {
  const silence quiet;
  sim::check({1, 100}, [](sim::world& world) {
    auto nodes = add_nodes(world, 4);
    for (std::size_t i = 1; i < nodes.size(); ++i)
      connect(*nodes[i], *nodes[0]);
    world.run_for(60s);
    REQUIRE(are_together(nodes));
    const pid holder = nodes[3]->spawn(idle);
    const pid stays = nodes[0]->spawn(idle);
    world.settle();
    registrar test(*nodes[1]);
    test.register_name(world, nodes, "gone", holder);
    test.register_name(world, nodes, "stays", stays);
    {
      registrar dies(*nodes[3]);
      for (const sim::node* each : nodes)
        REQUIRE(dies.set_lock(each->name()));
      CHECK_FALSE(test.set_lock(nodes[0]->name()));
      nodes[3]->crash();
    }
    sim::node& crashed = *nodes.back();
    nodes.pop_back();
    REQUIRE(world.run_until([&] { return all_find(nodes, "gone", std::nullopt); }, 60s));
    check_unlocked(world, nodes);
    CHECK(are_together(nodes));
    CHECK(all_find(nodes, "stays", stays));
    // In its next life it is one of them again.
    crashed.restart();
    connect(crashed, *nodes[world.random() % nodes.size()]);
    nodes.push_back(&crashed);
    REQUIRE(world.run_until([&] { return are_together(nodes) && all_find(nodes, "stays", stays); },
                            60s));
  });
}

TEST_CASE(
    "when a connection is cut no two connected nodes see different clusters, unless allowed") {
  const silence quiet;
  sim::check({1, 100}, [](sim::world& world) {
    const bool prevent = world.random() % 2 == 0;
    const auto nodes = add_nodes(
        world, 4, {.visible = true, .global = {.prevent_overlapping_partitions = prevent}});
    for (std::size_t i = 1; i < nodes.size(); ++i)
      connect(*nodes[i], *nodes[0]);
    world.run_for(60s);
    REQUIRE(are_together(nodes));
    world.cut(*nodes[0], *nodes[1]);
    world.run_for(10s);
    const auto group_of = [](const sim::node* n) {
      auto names = n->connected();
      names.emplace_back(n->name().text());
      std::ranges::sort(names);
      return names;
    };
    for (const sim::node* one : nodes)
      for (const sim::node* other : nodes)
        if (prevent && std::ranges::count(one->connected(), std::string(other->name().text())) != 0)
          CHECK(group_of(one) == group_of(other));
    CHECK(nodes[2]->connected().size() == (prevent ? nodes[2]->connected().size() : 3));
    CHECK(nodes[0]->connected().size() <= 2);
    // Then all meet again.
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        connect(*nodes[i], *nodes[j]);
    REQUIRE(world.run_until([&] { return are_together(nodes); }, 60s));
    check_unlocked(world, nodes);
    CHECK(are_together(nodes));
  });
}

TEST_CASE("a visible node answers who looks for pg, and asks back once") {
  const silence quiet;
  for (const bool with_version : {false, true}) {
    sim::world world;
    auto& a = world.add_node("a@sim", {.visible = true});
    auto& b = world.add_node("b@sim", {.visible = true});
    sim::probe scope(b);
    const term me(scope.self());
    const term discover = with_version ? term::tuple({atom("discover"), me, term(1)})
                                       : term::tuple({atom("discover"), me});
    world.settle();
    const term theirs(*a.whereis("pg"));
    const term sync = term::tuple({atoms::gen_cast, term::tuple({atom("sync"), theirs, term()})});
    scope.send({"pg", "a@sim"}, discover);
    CHECK(scope.next() == sync);
    CHECK(scope.next() == term::tuple({atom("discover"), theirs}));
    scope.send({"pg", "a@sim"}, discover);
    CHECK(scope.next() == sync);
    scope.send({"pg", "a@sim"}, term::tuple({atom("join"), me, atom("group"), me}));
    scope.send({"pg", "a@sim"}, term::tuple({atom("discover"), atom("nonsense")}));
    scope.expect_nothing(10s);
    CHECK(a.is_alive(*theirs.to_pid()));
    CHECK(a.held().monitors == 1);
  }
}

TEST_CASE("rex says that it calls nothing, and passes messages on") {
  const silence quiet;
  sim::world world;
  auto& a = world.add_node("a@sim");
  auto& b = world.add_node("b@sim");
  sim::probe named(a);
  named.act([](process& self) { self.register_name("named"); });
  sim::probe test(b);
  const term me(test.self());
  const auto ask = [&](const term& request) {
    test.send({"rex", "a@sim"}, term::tuple({me, request}));
    return to_string(test.next());
  };
  CHECK(ask(term(atoms::features_request)) == "{features_reply,a@sim,[]}");
  CHECK(ask(term::tuple({atoms::call, atom("m"), atom("f"), term::list({term(1)}),
                         atom("user")})) == "{rex,{badrpc,{'EXIT',{undef,[{m,f,[1],[]}]}}}}");
  CHECK(ask(term::tuple({atom("sbcast"), atom("named"), term(7)})) == "{rex,a@sim,a@sim}");
  CHECK(named.expect<std::int64_t>() == 7);
  CHECK(ask(term::tuple({atom("sbcast"), atom("nobody"), term(7)})) ==
        "{rex,a@sim,{nonexisting_name,nobody}}");
  test.send({"rex", "a@sim"},
            term::tuple({me, term::tuple({atom("send"), atom("named"), term(8)})}));
  CHECK(named.next() == term::tuple({me, term(8)}));
  test.send({"rex", "a@sim"}, term::tuple({atoms::gen_cast, atom("nonsense")}));
  test.send({"rex", "a@sim"}, term::tuple({me, atom("nonsense")}));
  test.expect_nothing(1s);
}

TEST_CASE("a hidden node has no global names, and is not asked for any") {
  const silence quiet;
  sim::world world;
  auto& a = world.add_node("a@sim");
  auto& b = world.add_node("b@sim", {.visible = true});
  connect(a, b);
  world.run_for(60s);
  CHECK_FALSE(a.whereis(atoms::global_name_server));
  CHECK_FALSE(a.whereis(atoms::pg));
  CHECK(registrar(b).known_by("b@sim").empty());
}

TEST_CASE("whatever happened to visible nodes, they agree once they are connected again") {
  const silence quiet;
  sim::check({1, 300}, [](sim::world& world) {
    const bool prevent = world.random() % 2 == 0;
    const auto nodes =
        add_nodes(world, 2 + world.random() % 4,
                  {.visible = true, .global = {.prevent_overlapping_partitions = prevent}});
    std::vector<atom> names;
    const auto any = [&]() -> sim::node& { return *nodes[world.random() % nodes.size()]; };
    for (int i = 0; i < 30; ++i) {
      sim::node& one = any();
      sim::node& other = any();
      if (!one.running()) {
        one.restart();
      } else if (&one == &other) {
        if (world.random() % 3 == 0)
          one.crash();
      } else if (other.running()) {
        switch (world.random() % 4) {
        case 0:
          world.cut(one, other);
          break;
        case 1: {
          names.emplace_back("name" + std::to_string(world.random() % 5));
          registrar(one).try_to_register(one.name(), names.back(), one.spawn(idle));
          break;
        }
        default:
          connect(one, other);
        }
      }
      if (world.random() % 2 == 0)
        world.run_for(std::chrono::milliseconds(world.random() % 1500));
    }
    for (sim::node* each : nodes)
      if (!each->running())
        each->restart();
    // Those who part on purpose do so when they hear of a loss.
    const auto connect_all = [&] {
      for (std::size_t i = 0; i < nodes.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
          connect(*nodes[i], *nodes[j]);
      world.run_for(30s);
    };
    for (int i = 0; i < 5 && !(i > 0 && are_together(nodes)); ++i)
      connect_all();
    REQUIRE(are_together(nodes));
    check_unlocked(world, nodes);
    REQUIRE(are_together(nodes));
    // With overlapping partitions nobody promises that.
    for (const atom name : names)
      if (prevent)
        REQUIRE(all_find(nodes, name, nodes[0]->global_whereis(name)));
    for (sim::node* each : nodes)
      REQUIRE(registrar(*each).known_by(each->name()).size() == nodes.size() - 1);
  });
}

TEST_CASE("who hears that two nodes have lost each other parts from one of them, unless allowed") {
  const silence quiet;
  for (const bool prevent : {true, false}) {
    sim::world world;
    const auto nodes = add_nodes(
        world, 3, {.visible = true, .global = {.prevent_overlapping_partitions = prevent}});
    connect(*nodes[1], *nodes[0]);
    connect(*nodes[2], *nodes[0]);
    world.run_for(30s);
    REQUIRE(are_together(nodes));
    const auto loss = [&](std::int64_t life, std::int64_t number) {
      return term::tuple(
          {atom("lost_connection"), nodes[0]->name(), term(life), term(number), nodes[1]->name()});
    };
    // Of two lives at once, told to all: it ends.
    for (sim::node* each : nodes) {
      each->inject(atoms::global_name_server, loss(1, 5));
      each->inject(atoms::global_name_server, loss(2, 5));
    }
    world.settle();
    CHECK(nodes[2]->connected().size() == (prevent ? 1 : 2));
    CHECK(nodes[1]->connected().size() == (prevent ? 0 : 2));
    // What has been told before is no news.
    connect(*nodes[1], *nodes[0]);
    world.run_for(30s);
    REQUIRE(are_together(nodes));
    for (sim::node* each : nodes)
      each->inject(atoms::global_name_server, loss(2, 4));
    world.settle();
    CHECK(are_together(nodes));
  }
}

TEST_CASE("two nodes that have been told to part from each other do, though both have forgotten") {
  const silence quiet;
  sim::check({1, 50}, [](sim::world& world) {
    const auto nodes = add_nodes(world, 2);
    connect(*nodes[0], *nodes[1]);
    world.run_for(10s);
    for (std::size_t side = 0; side < 2; ++side)
      nodes[side]->inject(
          atoms::global_name_server,
          term::tuple({atom("lost_connection"), atom("c@sim"), term(std::int64_t{1}),
                       term(std::int64_t{1}), nodes[1 - side]->name()}));
    world.settle();
    REQUIRE(nodes[0]->connected().empty());
    connect(*nodes[0], *nodes[1]);
    world.run_for(10s);
    REQUIRE(registrar(*nodes[0]).known_by(nodes[0]->name()).size() == 1);
  });
}

TEST_CASE("two sides that begin their meeting anew at the same time meet in the end") {
  const silence quiet;
  sim::check({1, 300}, [](sim::world& world) {
    const auto nodes = add_nodes(world, 2);
    connect(*nodes[0], *nodes[1]);
    world.settle();
    for (std::uint64_t i = world.random() % 4; i < 4; ++i)
      for (std::size_t side = 0; side < 2; ++side)
        nodes[side]->inject(atoms::global_name_server,
                            term::tuple({atom("init_connect_ack"), nodes[1 - side]->name(),
                                         term(std::int64_t{0}), term(std::int64_t{0})}));
    world.settle();
    world.run_for(10s);
    REQUIRE(registrar(*nodes[0]).known_by(nodes[0]->name()).size() == 1);
    REQUIRE(registrar(*nodes[1]).known_by(nodes[1]->name()).size() == 1);
    check_unlocked(world, nodes);
  });
}
