/// This library against Erlang's own epmd and erl. Both programs must be installed.
#include "epmd/test_support.hpp"
#include "epmd/wire.hpp"
#include <erl/epmd/client.hpp>
#include <erl/epmd/daemon.hpp>

#include <catch2/catch_test_macros.hpp>

#include <csignal>
#include <optional>
#include <regex>

using namespace erl::epmd;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

bool answers(std::uint16_t port) { return names("127.0.0.1", {.port = port}).has_value(); }

/// Erlang's daemon, in the foreground.
class real_epmd {
public:
  explicit real_epmd(std::uint16_t port, bool relaxed = false)
      : process_(relaxed ? std::vector{"epmd"s, "-port"s, std::to_string(port),
                                       "-relaxed_command_check"s}
                         : std::vector{"epmd"s, "-port"s, std::to_string(port)}) {
    REQUIRE(eventually([&] { return answers(port); }));
  }

private:
  child process_;
};

/// Ours, likewise.
erl::epmd::daemon our_epmd(std::uint16_t port, bool relaxed = false) {
  erl::epmd::daemon served({.port = port, .relaxed = relaxed});
  REQUIRE(served.start());
  return served;
}

std::vector<std::string> erl_command(const std::string& name, const std::string& code) {
  return {"erl",         "-noshell", "-name",      name + "@127.0.0.1",
          "-start_epmd", "false",    "-setcookie", "epmd_interop",
          "-eval",       code};
}

std::vector<std::string> variables(std::uint16_t port) {
  return {"ERL_EPMD_PORT=" + std::to_string(port), "ERL_CRASH_DUMP=/dev/null"};
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Connection numbers, and the time in creations, are each daemon's own.
std::string without_accidents(std::string answer) {
  if (answer.size() == 6 && answer.starts_with("\x76\x00"s))
    answer.resize(2);
  if (answer.size() == 4 && answer.starts_with("\x79\x00"s))
    answer.resize(2);
  return std::regex_replace(answer, std::regex("fd = [0-9]+"), "fd = N");
}

/// One client's connection after another: what each got, and how it ended.
class transcript {
public:
  explicit transcript(std::uint16_t port) : port_(port) {}

  void say(std::string_view segment, std::size_t kept_answer = 0) {
    raw_client client(port_);
    client.send(segment);
    if (kept_answer == 0) {
      lines.push_back(without_accidents(client.receive_all()) + " then closed");
      return;
    }
    auto line = without_accidents(client.receive(kept_answer));
    line += client.ends_within(30ms) ? " then closed" : " then open";
    lines.push_back(std::move(line));
    kept_.push_back(std::move(client));
  }

  void say_to_last(std::string_view bytes) {
    kept_.back().send(bytes);
    lines.emplace_back(kept_.back().ends_within(5s) ? "closed" : "open");
  }

  std::vector<std::string> lines;

private:
  std::uint16_t port_;
  std::vector<raw_client> kept_;
};

std::string register_bytes(wire::register_request what) { return wire::encode(what); }

std::string emoji(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += "😀";
  return text;
}

std::vector<std::string> conversation(std::uint16_t port) {
  transcript with(port);
  const auto broken = [](std::string bytes, std::size_t at, char value) {
    bytes[at] = value;
    return bytes;
  };
  with.say(register_bytes({.port = 1234, .name = "foo", .extra = "ex"}), 6);
  with.say(register_bytes({.port = 1, .name = "foo"}), 6);
  with.say(register_bytes({.port = 1, .highest = 5, .lowest = 5, .name = "foo"}), 4);
  with.say(register_bytes({.port = 2, .highest = 5, .lowest = 5, .name = "old"}), 4);
  with.say(register_bytes({.port = 0, .type = 72, .name = "zero"}), 6);
  with.say(register_bytes({.port = 3, .name = "", .extra = "x"}), 6);
  with.say(register_bytes({.port = 3, .name = ""}));
  with.say(register_bytes({.port = 4, .name = "a\nb at port 5"}), 6);
  with.say(register_bytes({.port = 5, .name = "\xff"}), 6);
  with.say(register_bytes({.port = 5, .name = "\xc0\x80"}), 6);
  with.say(register_bytes({.port = 5, .name = "\xed\xa0\x80"}), 6);
  with.say(register_bytes({.port = 5, .name = "\xf4\x90\x80\x80"}), 6);
  with.say(register_bytes({.port = 6, .name = std::string(256, 'a')}), 6);
  with.say(register_bytes({.port = 7, .name = emoji(255)}), 6);
  with.say(register_bytes({.port = 8, .name = emoji(256)}), 6);
  with.say(register_bytes({.port = 9, .name = "e1020", .extra = std::string(1020, 'x')}), 6);
  with.say(register_bytes({.port = 9, .name = "e1021", .extra = std::string(1021, 'x')}), 6);
  with.say(register_bytes({.port = 10, .name = std::string_view("n\0l", 3)}));
  with.say(broken(register_bytes({.port = 11, .name = "foo"}), 12, 9));
  with.say(broken(register_bytes({.port = 11, .name = "foo"}), 17, 9));
  for (const auto& body : {"zfoo"s,
                           "zfoo\0"s,
                           "zfoo\0\0"s,
                           "zf\0o"s,
                           "z"s,
                           "z\0"s,
                           "zfo"s,
                           "zfoo@host"s,
                           "zzero"s,
                           "z\xff"s,
                           "z" + std::string(256, 'a'),
                           "n"s,
                           "nn"s,
                           "d"s,
                           "q"s,
                           "x"s,
                           "s"s,
                           "snone"s,
                           "s\0"s,
                           "sold"s,
                           "sold\0"s,
                           "n"s,
                           "d"s,
                           "z" + std::string(3056, 'z')})
    with.say(framed(body));
  for (const auto& bytes : {"\x00\x00"s, "\x0b\xf2zzz"s, "\x00\x01nn"s, "\xff\xff"s})
    with.say(bytes);
  with.say_to_last("x");
  with.say(framed("k"));
  return with.lines;
}

} // namespace

TEST_CASE("each answer of our daemon is that of Erlang's, byte for byte", "[interop]") {
  for (const bool relaxed : {false, true}) {
    const auto port = closed_port(); // the same for both, as it is told in the answers
    std::vector<std::string> theirs, ours;
    {
      const real_epmd served(port, relaxed);
      theirs = conversation(port);
    }
    {
      const auto served = our_epmd(port, relaxed);
      ours = conversation(port);
    }
    REQUIRE(ours.size() == theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      INFO("step " << i << (relaxed ? ", relaxed" : ""));
      CHECK(ours[i] == theirs[i]);
    }
  }
}

TEST_CASE("our client registers with Erlang's daemon, and finds what is there", "[interop]") {
  const auto port = closed_port();
  const real_epmd served(port);
  const auto foo = registration::open({.name = "foo", .port = 4711, .epmd_port = port});
  REQUIRE(foo);
  CHECK(foo->creation() >= 4);
  const auto found = lookup("127.0.0.1", "foo", {.port = port});
  REQUIRE(found);
  CHECK(*found == node_info{.name = "foo", .port = 4711, .address = "127.0.0.1"});
  CHECK(names("127.0.0.1", {.port = port}) == std::vector<listed_node>{{"foo", 4711}});
  const auto twin = registration::open({.name = "foo", .port = 1, .epmd_port = port});
  REQUIRE_FALSE(twin);
  CHECK(twin.error().code == errc::name_taken);
  CHECK(lookup("127.0.0.1", "bar", {.port = port}).error().code == errc::not_registered);
}

TEST_CASE("our client returns to Erlang's daemon after its restart, with the old creation",
          "[interop]") {
  const auto port = closed_port();
  std::optional<real_epmd> served(std::in_place, port);
  const auto foo =
      registration::open({.name = "foo", .port = 4711, .epmd_port = port, .retry = 100ms});
  REQUIRE(foo);
  const auto creation = foo->creation();
  served.reset();
  CHECK(eventually([&] { return !foo->registered(); }));
  served.emplace(port);
  CHECK(eventually([&] { return foo->registered(); }));
  CHECK(lookup("127.0.0.1", "foo", {.port = port})->port == 4711);
  CHECK(foo->creation() == creation);
}

TEST_CASE("embedding leaves Erlang's daemon alone", "[interop]") {
  const auto port = closed_port();
  const real_epmd served(port);
  const auto mine = embed_if_absent(port);
  REQUIRE(mine);
  CHECK_FALSE(*mine);
}

TEST_CASE("Erlang's daemon finds its place taken by ours, and ends without complaint",
          "[interop]") {
  const auto port = closed_port();
  const auto served = our_epmd(port);
  child second({"epmd", "-port", std::to_string(port)});
  CHECK(second.wait() == 0);
}

TEST_CASE("Erlang's epmd tool lists, stops and kills through our daemon", "[interop]") {
  const auto port = closed_port();
  const auto served = our_epmd(port, true);
  const auto foo = registration::open({.name = "foo", .port = 4711, .epmd_port = port});
  REQUIRE(foo);
  const auto tool = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"epmd", "-port", std::to_string(port)});
    child run(arguments);
    run.wait();
    return run.output();
  };
  CHECK(has(tool({"-names"}), "name foo at port 4711"));
  CHECK(has(tool({"-stop", "foo"}), "STOPPED"));
  CHECK(has(tool({"-kill"}), "Killed"));
  CHECK(eventually([&] { return !served.running(); }));
}

TEST_CASE("an Erlang node registers with our daemon, lists and looks up", "[interop]") {
  const auto port = closed_port();
  const auto served = our_epmd(port);
  const auto foo = registration::open({.name = "foo", .port = 4711, .epmd_port = port});
  REQUIRE(foo);
  child node(erl_command("interop_x", R"(
      {ok, Names} = net_adm:names(),
      {port, 4711, 6} = erl_epmd:port_please("foo", "127.0.0.1"),
      noport = erl_epmd:port_please("nobody", "127.0.0.1"),
      {port, Mine, 6} = erl_epmd:port_please("interop_x", "127.0.0.1"),
      [{"foo", 4711}, {"interop_x", Mine}] = lists:sort(Names),
      io:format("registered as ~p~n", [node()]),
      receive never -> ok end.)"),
             variables(port));
  const bool there =
      eventually([&] { return has(node.output(), "registered as 'interop_x@127.0.0.1'"); }, 30s);
  INFO(node.output());
  REQUIRE(there);
  CHECK(lookup("127.0.0.1", "interop_x", {.port = port})->speaks_version_6());
  node.kill(SIGKILL);
  CHECK(eventually([&] { return !lookup("127.0.0.1", "interop_x", {.port = port}); }));
}

TEST_CASE("two Erlang nodes meet through our daemon, also after its restart", "[interop]") {
  const auto port = closed_port();
  std::optional<erl::epmd::daemon> served(our_epmd(port));
  child first(erl_command("interop_a", "receive never -> ok end."), variables(port));
  CHECK(eventually([&] { return lookup("127.0.0.1", "interop_a", {.port = port}).has_value(); },
                   30s));
  const auto ping = [&](const std::string& from) {
    child node(erl_command(from, R"(
        io:format("~p~n", [net_adm:ping('interop_a@127.0.0.1')]), halt().)"),
               variables(port));
    const int status = node.wait();
    return std::to_string(status) + " " + node.output();
  };
  CHECK(ping("interop_b") == "0 pong\n");

  served.reset();
  served.emplace(our_epmd(port));
  CHECK(eventually([&] { return lookup("127.0.0.1", "interop_a", {.port = port}).has_value(); },
                   30s));
  CHECK(ping("interop_c") == "0 pong\n");
}

TEST_CASE("an Erlang node refuses to start under a name that our daemon has given away",
          "[interop]") {
  const auto port = closed_port();
  const auto served = our_epmd(port);
  const auto taken = registration::open({.name = "interop_d", .port = 4711, .epmd_port = port});
  REQUIRE(taken);
  child node(erl_command("interop_d", "halt(0)."), variables(port));
  CHECK(node.wait() > 0);
  INFO(node.output());
  CHECK(has(node.output(), "interop_d"));
}
