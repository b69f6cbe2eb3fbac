#include "runtime/test_world.hpp"
#include <erl/etf/atoms.hpp>

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace erl;
using namespace std::chrono_literals;
using erl::test::world;

namespace {

/// An object that counts what happens to it.
struct parcel {
  std::vector<std::int64_t> content;
  static inline int encoded = 0;
  parcel() = default;
  explicit parcel(std::vector<std::int64_t> what) : content(std::move(what)) {}
  parcel(parcel&&) noexcept = default;
  parcel& operator=(parcel&&) noexcept = default;
  parcel(const parcel&) = delete;
  parcel& operator=(const parcel&) = delete;
  ~parcel() = default;
};

struct plain_parcel {
  std::vector<std::int64_t> content;
  using erl_shape = tagged_shape<"parcel">;
};

} // namespace

template <> struct erl::conversion<parcel> {
  using as = plain_parcel;
  static plain_parcel to(const parcel& p) {
    ++parcel::encoded;
    return {p.content};
  }
  static parcel from(plain_parcel p) { return parcel(std::move(p.content)); }
};

TEST_CASE("an object goes to a process of this node as it is") {
  for (const std::size_t scheduler : {0U, 1U}) {
    parcel::encoded = 0;
    world w(2);
    const std::int64_t* sent = nullptr;
    const std::int64_t* arrived = nullptr;
    bool other_type = true;
    const pid receiver = w.spawn_on(scheduler, [&](process& self) -> task<> {
      auto m = co_await self.receive();
      other_type = m.object<std::string>() != nullptr;
      const auto got = m.take<parcel>();
      if (got)
        arrived = got->content.data();
    });
    w.spawn([&](process& self) -> task<> {
      parcel p({1, 2, 3});
      sent = p.content.data();
      self.send_object(receiver, std::move(p));
      co_return;
    });
    w.settle();
    CHECK(sent != nullptr);
    CHECK(arrived == sent);
    CHECK_FALSE(other_type);
    CHECK(parcel::encoded == 0);
  }
}

TEST_CASE("an object can be looked at as a term, and keeps its place among other messages") {
  world w;
  parcel::encoded = 0;
  std::vector<std::int64_t> seen;
  w.spawn([&](process& self) -> task<> {
    const auto is_parcel = [](term_ref m) { return m.is_tuple("parcel", 2); };
    self.register_name("me");
    self.send(self.self(), 1);
    self.send_object("me", parcel({2}));
    self.send(self.self(), 3);
    auto selected = co_await self.receive(is_parcel);
    seen.push_back(selected.object<parcel>()->content[0]);
    auto first = co_await self.receive();
    seen.push_back(*first.as<std::int64_t>());
    auto last = co_await self.receive();
    seen.push_back(*last.as<std::int64_t>());
    self.send(self.self(), plain_parcel{{4}}); // as it comes from another node
    auto encoded = co_await self.receive();
    seen.push_back(encoded.take<parcel>()->content[0]);
  });
  w.settle();
  CHECK(seen == std::vector<std::int64_t>{2, 1, 3, 4});
  CHECK(parcel::encoded == 1);
}

TEST_CASE("an object to an alias, to nobody or into a full mailbox becomes a term") {
  world w;
  std::vector<dead_letter> dead;
  std::optional<parcel> by_alias;
  w.spawn([&](process& self) -> task<> {
    const pid nobody = self.spawn([](process&) -> task<> { co_return; });
    self.watch_dead_letters(true);
    const reference alias = self.alias();
    self.send_object(alias, parcel({1}));
    auto m = co_await self.receive();
    by_alias = m.take<parcel>();
    self.send_object(nobody, parcel({2})); // it lives, and never looks at it
    auto nothing = co_await self.receive(1s);
    self.send_object(nobody, parcel({3}));
    self.send_object("nobody", parcel({4}));
    for (int i = 0; i < 2; ++i) {
      auto letter = co_await self.receive(1s);
      if (auto one = letter.as<dead_letter>())
        dead.push_back(std::move(*one));
    }
  });
  w.pass(5s);
  REQUIRE(by_alias);
  CHECK(by_alias->content == std::vector<std::int64_t>{1});
  REQUIRE(dead.size() == 2);
  CHECK(try_decode<plain_parcel>(dead[0].message)->content[0] == 3);
  CHECK(try_decode<plain_parcel>(dead[1].message)->content[0] == 4);
}

namespace {
/// Cannot be encoded.
struct secret {
  std::int64_t value = 0;
};
} // namespace

template <> struct erl::conversion<secret> {
  using as = std::int64_t;
  static std::int64_t to(const secret&) { throw std::domain_error("not to be told"); }
  static secret from(std::int64_t value) { return {value}; }
};

TEST_CASE("an object that cannot be encoded harms nobody when it finds no receiver") {
  for (const bool watched : {false, true})
    for (const std::size_t scheduler : {0U, 1U}) {
      world w(2);
      bool went_on = false;
      const pid nobody = w.spawn_on(scheduler, [](process&) -> task<> { co_return; });
      const pid busy = w.spawn_on(scheduler, [](process& self) -> task<> {
        const auto never = [](term_ref) { return false; };
        self.limit_mailbox({.messages = 1, .when_full = full_mailbox::drop_oldest});
        auto m = co_await self.receive(1h);
        auto next = co_await self.receive(never);
      });
      w.settle();
      w.spawn([&](process& self) -> task<> {
        self.watch_dead_letters(watched);
        self.send_object(nobody, secret{1});
        self.send_object("nobody", secret{2});
        for (int i = 0; i < 3; ++i)
          self.send(busy, i);
        for (int i = 0; i < 3; ++i)
          self.send_object(busy, secret{i});
        went_on = true;
        co_return;
      });
      w.settle();
      CHECK(went_on);
      CHECK(w.system.dead_letters >= 2);
    }
}

TEST_CASE("an object stays one in a mailbox that is watched") {
  world w;
  int objects = 0;
  const pid receiver = w.spawn([&](process& self) -> task<> {
    for (int i = 0; i < 5; ++i) {
      auto m = co_await self.receive(1s);
      objects += m.object<secret>() != nullptr ? 1 : 0;
    }
  });
  w.spawn([](process& self) -> task<> {
    self.watch_mailboxes(1, 0);
    auto m = co_await self.receive(10s);
  });
  w.spawn([&](process& self) -> task<> {
    auto soon = co_await self.receive(10ms);
    for (int i = 0; i < 5; ++i)
      self.send_object(receiver, secret{i});
  });
  w.pass(20ms);
  CHECK(objects == 5);
}
