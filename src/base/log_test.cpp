#include "base/log.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace log = erl::log;

namespace {

struct captured {
  log::level severity;
  std::string subsystem;
  std::string text;
};

// Catches the lines of its lifetime.
class capture {
public:
  capture() {
    log::set_sink(
        [](const log::line& l, void* self) {
          static_cast<capture*>(self)->lines.push_back(
              {l.severity, std::string{l.subsystem}, std::string{l.text}});
        },
        this);
  }
  capture(const capture&) = delete;
  capture& operator=(const capture&) = delete;
  ~capture() {
    log::set_sink(nullptr);
    log::set_level(log::level::info);
  }
  std::vector<captured> lines;
};

// Standard error is `fd` for its lifetime.
class stderr_is {
public:
  explicit stderr_is(int fd) : saved_(::dup(STDERR_FILENO)) { ::dup2(fd, STDERR_FILENO); }
  stderr_is(const stderr_is&) = delete;
  stderr_is& operator=(const stderr_is&) = delete;
  ~stderr_is() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }

private:
  int saved_;
};

std::string escaped(std::string_view raw) {
  log::text t;
  t.append(raw);
  return std::string{t.view()};
}

erl::time_point second(int s) { return erl::time_point{std::chrono::seconds{s}}; }

} // namespace

TEST_CASE("a line reaches the sink with its level, subsystem and joined text") {
  capture c;
  log::put(log::level::warning, "dist", "port ", 4369, " of ", std::string{"host"}, " ", -1);
  REQUIRE(c.lines.size() == 1);
  CHECK(c.lines[0].severity == log::level::warning);
  CHECK(c.lines[0].subsystem == "dist");
  CHECK(c.lines[0].text == "port 4369 of host -1");
}

TEST_CASE("lines below the level are dropped") {
  capture c;
  log::put(log::level::debug, "x", "no");
  log::put(log::level::info, "x", "yes");
  log::set_level(log::level::error);
  log::put(log::level::warning, "x", "no");
  log::put(log::level::error, "x", "yes");
  log::set_level(log::level::off);
  log::put(log::level::error, "x", "no");
  REQUIRE(c.lines.size() == 2);
  CHECK(c.lines[0].text == "yes");
  CHECK(c.lines[1].severity == log::level::error);
}

TEST_CASE("control characters and bytes that are not UTF-8 are escaped") {
  CHECK(escaped("a\nb\rc\td") == "a\\nb\\rc\\td");
  CHECK(escaped(std::string_view{"\0\x1b[31m\x7f", 7}) == "\\x00\\x1b[31m\\x7f");
  CHECK(escaped("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80") == "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
  CHECK(escaped("\xc2\x9b") == "\\xc2\\x9b");          // a control character above ASCII
  CHECK(escaped("\xc3") == "\\xc3");                   // cut off
  CHECK(escaped("\xc0\xaf") == "\\xc0\\xaf");          // overlong
  CHECK(escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80"); // surrogate
  CHECK(escaped("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(escaped("\xff") == "\\xff");
}

TEST_CASE("a long text is cut to 1 KB between characters and says so") {
  for (const std::string piece : {"x", "\xc3\xbc", "\n", "\x01"}) {
    std::string raw = "!";
    while (raw.size() < 100'000) {
      raw += piece;
    }
    const std::string out = escaped(raw);
    CHECK(out.size() <= log::max_text);
    CHECK(out.size() > log::max_text - 8);
    CHECK(out.ends_with("..."));
    CHECK((out.size() - 4) % escaped(piece).size() == 0);
  }
  log::text twice;
  twice.append(std::string(5000, 'x'));
  twice.append("more");
  CHECK(twice.view().ends_with("x..."));
}

TEST_CASE("standard error gets one line with the UTC time") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    const stderr_is piped{ends[1]};
    log::put(log::level::error, "epmd", "two\nlines");
  }
  std::string out(4096, '\0');
  out.resize(static_cast<std::size_t>(::read(ends[0], out.data(), out.size())));
  ::close(ends[0]);
  ::close(ends[1]);
  REQUIRE(out.size() > 25);
  CHECK(out.substr(24) == " error epmd: two\\nlines\n");
  CHECK(out[4] == '-');
  CHECK(out[10] == 'T');
  CHECK(out[19] == '.');
  CHECK(out[23] == 'Z');
}

TEST_CASE("a full disk loses lines, counts them and reports them when there is room again") {
  const auto before = log::lost();
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  {
    const stderr_is blocked{full};
    log::put(log::level::error, "x", "one");
    log::put(log::level::error, "x", "two");
  }
  ::close(full);
  CHECK(log::lost() == before + 2);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    const stderr_is piped{ends[1]};
    log::put(log::level::error, "x", "three");
  }
  std::string out(4096, '\0');
  out.resize(static_cast<std::size_t>(::read(ends[0], out.data(), out.size())));
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(out.find("log: 2 lines lost") != std::string::npos);
  CHECK(out.find("x: three") != std::string::npos);
  CHECK(log::lost() == before + 2);
}

TEST_CASE("a line logged from inside a sink is lost, not a deadlock") {
  const auto before = log::lost();
  log::set_sink([](const log::line&, void*) { log::put(log::level::error, "x", "inner"); });
  log::put(log::level::error, "x", "outer");
  log::set_sink(nullptr);
  CHECK(log::lost() == before + 1);
}

TEST_CASE("threads log at once and every line arrives whole") {
  capture c;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i) {
        log::put(log::level::info, "t", std::string(50, static_cast<char>('a' + t)));
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  REQUIRE(c.lines.size() == 2000);
  bool whole = true;
  for (const auto& l : c.lines) {
    whole = whole && l.text == std::string(50, l.text[0]);
  }
  CHECK(whole);
}

TEST_CASE("a limiter passes a burst for each key and then counts what it drops") {
  log::limiter limits{2, std::chrono::seconds{10}};
  CHECK(limits.pass("a", second(0)) == 0u);
  CHECK(limits.pass("a", second(1)) == 0u);
  CHECK_FALSE(limits.pass("a", second(2)));
  CHECK(limits.pass("b", second(2)) == 0u);
  CHECK_FALSE(limits.pass("a", second(9)));
  CHECK(limits.pass("a", second(10)) == 2u);
  CHECK(limits.pass("a", second(11)) == 0u);
  CHECK_FALSE(limits.pass("a", second(12)));
}

TEST_CASE("a limiter forgets the key that is longest out of use, and stays bounded") {
  log::limiter limits{1, std::chrono::seconds{1000}};
  for (int key = 0; key < 64; ++key) {
    CHECK(limits.pass(std::to_string(key), second(key)));
  }
  CHECK_FALSE(limits.pass("0", second(100)));
  CHECK(limits.pass("new", second(101)));
  CHECK_FALSE(limits.pass("0", second(102)));
  CHECK(limits.pass("1", second(103)));
}

TEST_CASE("limited lines tell how many were left out") {
  capture c;
  for (int i = 0; i < 100; ++i) {
    log::limited("test: same", log::level::warning, "x", "line ", i);
  }
  CHECK(c.lines.size() == 5);
}
