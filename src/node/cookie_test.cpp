#include "node/cookie.hpp"
#include "node/node_name.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace erl;
namespace fs = std::filesystem;

namespace {

/// A home folder of its own, and an environment without cookies.
struct home {
  home() {
    std::string pattern = (fs::temp_directory_path() / "erlpp-cookie-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
    if (const char* value = std::getenv("HOME"))
      old = value;
    setenv("HOME", pattern.c_str(), 1);
    unsetenv("ERLPP_COOKIE");
    unsetenv("XDG_CONFIG_HOME");
  }
  ~home() {
    setenv("HOME", old.c_str(), 1);
    unsetenv("ERLPP_COOKIE");
    fs::remove_all(path);
  }
  void write(const std::string& text, mode_t mode) const {
    std::ofstream(path / ".erlang.cookie") << text;
    chmod((path / ".erlang.cookie").c_str(), mode);
  }
  fs::path path;
  std::string old;
};

node_errc code_of(const std::expected<std::string, node_error>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

} // namespace

TEST_CASE("the cookie is the option's, else the environment's, else the file's") {
  const home h;
  h.write("\nFROMFILE\n", 0400);
  CHECK(find_cookie({}) == "FROMFILE");
  setenv("ERLPP_COOKIE", "FROMENV", 1);
  CHECK(find_cookie({}) == "FROMENV");
  CHECK(find_cookie({.cookie = "FROMOPTION"}) == "FROMOPTION");
}

TEST_CASE("a cookie file that others can read is refused, and its cookie is not in the message") {
  const home h;
  h.write("SECRETSECRET", 0440);
  const auto result = find_cookie({});
  CHECK(code_of(result) == node_errc::unsafe_cookie);
  CHECK(result.error().message.find("chmod 600") != std::string::npos);
  CHECK(result.error().message.find("SECRET") == std::string::npos);
}

TEST_CASE("a cookie file that is a link or a folder is refused") {
  const home h;
  SECTION("link") {
    fs::create_symlink("/etc/hostname", h.path / ".erlang.cookie");
    CHECK(code_of(find_cookie({})) == node_errc::unsafe_cookie);
  }
  SECTION("folder") {
    fs::create_directory(h.path / ".erlang.cookie");
    chmod((h.path / ".erlang.cookie").c_str(), 0700);
    CHECK(code_of(find_cookie({})) == node_errc::unsafe_cookie);
  }
}

TEST_CASE("without any cookie one is made, strong and private, and found again") {
  const home h;
  const auto made = find_cookie({});
  REQUIRE(made);
  CHECK(made->size() == 64);
  CHECK((fs::status(h.path / ".erlang.cookie").permissions() & fs::perms::all) ==
        fs::perms::owner_read);
  CHECK(find_cookie({}) == *made);
}

TEST_CASE("an empty, unprintable or endless cookie is refused") {
  const home h;
  h.write("", 0400);
  CHECK(code_of(find_cookie({})) == node_errc::no_cookie);
  CHECK(code_of(find_cookie({.cookie = "a\tb"})) == node_errc::no_cookie);
  CHECK(code_of(find_cookie({.cookie = std::string(300, 'x')})) == node_errc::no_cookie);
}

TEST_CASE("node names: two parts and one @") {
  const auto name = parse_node_name("demo@127.0.0.1");
  REQUIRE(name);
  CHECK(name->name == "demo");
  CHECK(name->host == "127.0.0.1");
  for (const char* bad : {"", "demo", "@host", "demo@", "a@b@c", "a b@c", "a@b\n", "\xff@host"})
    CHECK_FALSE(parse_node_name(bad));
  CHECK_FALSE(parse_node_name(std::string(250, 'a') + "@example"));
  const auto completed = complete_node_name("demo");
  REQUIRE(completed);
  CHECK(completed->full().starts_with("demo@"));
}
