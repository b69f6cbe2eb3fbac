#include "settings.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace demo {
namespace {

template <class Number> bool parse_number(std::string_view text, Number& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size();
}

/// What follows `key` in a word.
std::optional<std::string_view> after(std::string_view key, std::string_view word) {
  if (!word.starts_with(key))
    return {};
  return word.substr(key.size());
}

/// Options for this project's own tests. False: it is none of them.
bool parse_for_tests(std::string_view word, settings& to) {
  if (word == "visible") {
    to.node.visible = true;
  } else if (word == "own_cookie") { // that of the environment or the file, like a node without one
    to.node.cookie.clear();
  } else if (word == "overlapping") {
    to.node.global.prevent_overlapping_partitions = false;
  } else if (const auto count = after("schedulers=", word)) {
    return parse_number(*count, to.node.schedulers);
  } else if (const auto namer = after("named_by=", word)) {
    to.node.named_by = *namer;
  } else if (const auto peer = after("connect=", word)) {
    to.peers.emplace_back(*peer);
  } else if (const auto address = after("listen=", word)) {
    to.node.listen_address = *address;
    to.node.insecure_tcp = true;
  } else if (const auto most = after("relations=", word)) {
    return parse_number(*most, to.node.limits.relations);
  } else if (const auto each = after("relations_of_process=", word)) {
    return parse_number(*each, to.node.limits.relations_of_process);
  } else {
    return false;
  }
  return true;
}

bool parse_word(std::string_view word, settings& to) {
  if (word == "hidden") {
    to.node.visible = false;
  } else if (const auto time = after("tick=", word)) {
    std::uint32_t seconds = 0;
    if (!parse_number(*time, seconds) || seconds == 0)
      return false;
    to.node.tick_time = std::chrono::seconds(seconds);
  } else {
    return parse_for_tests(word, to);
  }
  return true;
}

} // namespace

std::optional<settings> parse_settings(std::span<char*> words) {
  if (words.size() < 2 || std::string_view(words[1]).empty()) {
    std::fputs("usage: demo_node NAME COOKIE [hidden] [tick=SECONDS] [tls=DIR]\n", stderr);
    return {};
  }
  settings result{.node = {.name = words[0], .visible = true, .cookie = words[1]}};
  for (const std::string_view word : words.subspan(2)) {
    if (word.starts_with("tls=")) {
      std::fputs("demo_node: tls=DIR: distribution over TLS is not supported yet\n", stderr);
      return {};
    }
    if (!parse_word(word, result)) {
      std::fprintf(stderr, "demo_node: what is %.*s?\n", static_cast<int>(word.size()),
                   word.data());
      return {};
    }
  }
  return result;
}

} // namespace demo
