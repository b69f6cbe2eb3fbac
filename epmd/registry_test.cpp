#include "epmd/registry.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace erl::epmd;
using namespace std::string_literals;

namespace {
wire::register_request node(std::string_view name, std::uint16_t port = 1234) {
  return {.port = port, .name = name};
}
constexpr std::uint32_t now = 1'795'000'000;
} // namespace

TEST_CASE("a new name's creation is the time plus one, in seconds") {
  registry names;
  CHECK(names.add(node("a"), 5, now) == now + 1);
}

TEST_CASE("a creation is never below 4") {
  registry names;
  CHECK(names.add(node("a"), 5, 0) == 4);
  registry wrapped;
  CHECK(wrapped.add(node("a"), 5, 0xffffffff) == 4);
}

TEST_CASE("a name that comes back counts on from its last creation") {
  registry names;
  names.add(node("a"), 5, now);
  names.remove(5);
  CHECK(names.add(node("a"), 6, now + 1000) == now + 2);
}

TEST_CASE("a live name is refused, until its connection ends") {
  registry names;
  names.add(node("a"), 5, now);
  CHECK_FALSE(names.add(node("a"), 6, now));
  names.remove(6);
  CHECK(names.find("a") != nullptr);
  names.remove(5);
  CHECK(names.find("a") == nullptr);
  CHECK(names.add(node("a"), 6, now));
}

TEST_CASE("what is no name, or has too much extra data, is refused") {
  registry names;
  CHECK_FALSE(names.add(node("a\xff"), 5, now));
  CHECK_FALSE(names.add(node(std::string(256, 'a')), 5, now));
  CHECK(names.add({.port = 1, .name = "e", .extra = std::string(1020, 'x')}, 5, now));
  CHECK_FALSE(names.add({.port = 1, .name = "f", .extra = std::string(1021, 'x')}, 6, now));
}

TEST_CASE("names are found byte for byte") {
  registry names;
  names.add(node("foo", 4711), 5, now);
  CHECK(names.find("foo")->port == 4711);
  CHECK(names.holder("foo") == 5);
  CHECK(names.find("foo@host") == nullptr);
  CHECK(names.find("FOO") == nullptr);
  CHECK_FALSE(names.holder("fo"));
}

TEST_CASE("the list of names is OTP's text, newest first") {
  registry names;
  CHECK(names.names_text().empty());
  names.add(node("a", 1), 5, now);
  names.add(node("b", 2), 6, now);
  CHECK(names.names_text() == "name b at port 2\nname a at port 1\n");
}

TEST_CASE("the dump is OTP's text with a NUL after each line: live ones newest first, old ones "
          "oldest first") {
  registry names;
  names.add(node("a", 1), 5, now);
  names.add(node("b", 2), 6, now);
  names.add(node("c", 3), 7, now);
  names.add(node("d", 4), 8, now);
  names.remove(6);
  names.remove(5);
  CHECK(names.dump_text() == "active name     <d> at port 4, fd = 8\n\0"
                             "active name     <c> at port 3, fd = 7\n\0"
                             "old/unused name <b>, port = 2, fd = 6 \n\0"
                             "old/unused name <a>, port = 1, fd = 5 \n\0"s);
}

TEST_CASE("beyond 1000 remembered names the oldest is recycled and forgets its creation") {
  registry names;
  for (int i = 0; i <= 1000; ++i) {
    names.add(node("n" + std::to_string(i)), 5, now);
    names.remove(5);
  }
  CHECK(names.remembered() == 1001);
  names.add(node("one more"), 5, now + 7);
  CHECK(names.remembered() == 1000);
  CHECK(names.add(node("n0"), 6, now + 100) == now + 101);
  CHECK(names.add(node("n2"), 7, now + 100) == now + 2);
}
