#include "epmd/test_support.hpp"
#include "epmd/text.hpp"
#include <erl/epmd/client.hpp>
#include <erl/epmd/daemon.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace erl::epmd;

namespace {
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}
} // namespace

TEST_CASE("every message names the host and port, or the offending value") {
  for (int code = 0; code <= static_cast<int>(errc::cancelled); ++code) {
    const error e{.code = static_cast<errc>(code),
                  .host = "example.org",
                  .port = 4370,
                  .name = "foo",
                  .cause = "the cause"};
    INFO(e.message());
    CHECK(to_string(e.code) != "unknown");
    const bool local_mistake = e.code == errc::bad_name || e.code == errc::bad_port;
    if (local_mistake)
      CHECK(has(e.message(), "the cause"));
    else
      CHECK(has(e.message(), e.code == errc::unknown_host ? "example.org" : "example.org:4370"));
  }
}

TEST_CASE("a message says what to do about it") {
  const error nobody{.code = errc::not_listening, .host = "h", .port = 4369};
  CHECK(has(nobody.message(), "epmd -daemon"));
  CHECK(has(nobody.message(), "ERL_EPMD_PORT"));
  const error taken{.code = errc::name_taken, .host = "h", .port = 4369, .name = "foo"};
  CHECK(has(taken.message(), "'foo'"));
  CHECK(has(taken.message(), "choose another name"));
}

TEST_CASE("an IPv6 address is told apart from its port") {
  const error e{.code = errc::timed_out, .host = "::1", .port = 4369};
  CHECK(has(e.message(), "[::1]:4369"));
}

TEST_CASE("foreign bytes can not forge lines in a log") {
  const error e{.code = errc::not_registered, .host = "h\n", .port = 1, .name = "a\x1b[2J\nb"};
  for (const char byte : e.message())
    CHECK(static_cast<unsigned char>(byte) >= 0x20);
  CHECK(printable("a\x1b\n\xc3") == "a\\x1b\\x0a\\xc3");
  CHECK(printable(std::string(100, 'x')).size() == 63);
}

TEST_CASE("the port comes from ERL_EPMD_PORT, which must be one") {
  {
    const scoped_environment none("ERL_EPMD_PORT", nullptr);
    CHECK(default_port() == 4369);
  }
  {
    const scoped_environment empty("ERL_EPMD_PORT", "");
    CHECK(default_port() == 4369);
  }
  {
    const scoped_environment set("ERL_EPMD_PORT", "14999");
    CHECK(default_port() == 14999);
  }
  for (const char* bad : {"0", "65536", "-1", "4369x", " 4369", "epmd", "99999999999999999999"}) {
    const scoped_environment set("ERL_EPMD_PORT", bad);
    const auto port = default_port();
    REQUIRE_FALSE(port);
    CHECK(port.error().code == errc::bad_port);
    CHECK(has(port.error().message(), bad));
    CHECK(lookup("127.0.0.1", "foo").error().code == errc::bad_port);
  }
}

TEST_CASE("ERL_EPMD_ADDRESS is split at commas and spaces") {
  {
    const scoped_environment set("ERL_EPMD_ADDRESS", ", 10.0.0.1,::1 10.0.0.2,,");
    CHECK(addresses_from_environment() == std::vector<std::string>{"10.0.0.1", "::1", "10.0.0.2"});
  }
  const scoped_environment none("ERL_EPMD_ADDRESS", nullptr);
  CHECK(addresses_from_environment().empty());
}
