#include "otp/global_locker.hpp"
#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace erl;

namespace {

const atom other("other@node");

/// A way to a node that takes messages and passes none on.
class full_way final : public runtime::distribution {
public:
  explicit full_way(runtime::system& system) : system_(system) {
    system.set_distribution(this);
    system.nodes().set_connected(other, true);
    system.nodes().set_busy(other, true);
  }
  full_way(const full_way&) = delete;
  full_way& operator=(const full_way&) = delete;
  ~full_way() { system_.set_distribution(nullptr); }

  void outgoing(runtime::signal&& s) override { sent.push_back(std::move(s.body)); }
  void too_many_relations(atom) override {}
  void keep_alive() override {}

  std::vector<term> sent;

private:
  runtime::system& system_;
};

/// A name server that grants all locks, and notes the locker's requests.
task<> grant(process& self, std::vector<std::string>* requests) {
  self.register_name(atoms::global_name_server);
  for (;;) {
    auto m = co_await self.receive();
    const term_ref request = m.body().element(m.body().arity() - 1);
    requests->emplace_back(request.element(0).to_atom()->text());
    if (m.body().is_tuple(atoms::gen_call, 3))
      self.send(*m.body().element(1).element(0).to_pid(),
                term::tuple({m.body().element(1).element(1), atoms::true_}));
  }
}

} // namespace

TEST_CASE("a peer that does not read cannot keep the locker from unlocking the others") {
  std::vector<std::string> requests;
  test::world w;
  full_way way(w.system);
  const pid server = w.spawn(grant, &requests);
  w.settle();
  const pid locker = w.system.at(0).spawn(make_global_locker(server, 1), pid{}).id();
  const pid his{.node = other, .id = 1, .serial = 0, .creation = 1};
  const term my_tag(1);
  const auto tell = [&](const term& message) {
    w.system.at(0).send({}, locker, message);
    w.settle();
  };
  tell(global_messages::peer_is_ready(other, his, my_tag, term(2)));
  tell(term::tuple({atom("lock_set"), term(his), atoms::true_, term(), my_tag}));
  CHECK(way.sent.size() == 1);
  CHECK(requests == std::vector<std::string>{"set_lock", "lock_is_set"});
  tell(global_messages::cancel(other, my_tag, {}, {}));
  CHECK(requests == std::vector<std::string>{"set_lock", "lock_is_set", "del_lock"});
}
