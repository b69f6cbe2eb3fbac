#include "node/spawn_options.hpp"
#include <erl/etf/parse.hpp>

#include <catch2/catch_test_macros.hpp>

#include <expected>
#include <string>
#include <string_view>

using namespace erl;

namespace {

std::expected<spawn_wishes, atom> read(std::string_view text) {
  return read_spawn_options(parse_term(text).value());
}

} // namespace

TEST_CASE("options of a spawn say what is wished") {
  CHECK_FALSE(read("[]")->link);
  CHECK(read("[]")->priority == priority::normal);
  const auto wishes = read("[link, {priority, low}, monitor]");
  REQUIRE(wishes);
  CHECK(wishes->link);
  CHECK(wishes->monitor);
  CHECK(wishes->priority == priority::low);
  CHECK(read("[{link, [priority]}]")->link);
  CHECK(read("[{monitor, []}]")->monitor);
  CHECK(read("[{priority, low}, {priority, max}]")->priority == priority::high);
}

TEST_CASE("options that mean nothing here are accepted") {
  for (const auto* option :
       {"{fullsweep_after, 0}", "{min_heap_size, 1000}", "{min_bin_vheap_size, 1000}",
        "{max_heap_size, 100000}", "{max_heap_size, #{size => 0}}",
        "{max_heap_size, #{size => 9, kill => true, error_logger => false}}",
        "{message_queue_data, on_heap}", "{message_queue_data, off_heap}", "{async_dist, true}"}) {
    CAPTURE(option);
    CHECK(read(std::string("[") + option + "]"));
  }
}

TEST_CASE("options that do not exist, or have a wrong value, are badopt") {
  for (const auto* option : {"no_such_option",
                             "{no_such, option}",
                             "{priority, highest}",
                             "priority",
                             "fullsweep_after",
                             "{fullsweep_after, -1}",
                             "{fullsweep_after, x}",
                             "{fullsweep_after, 1180591620717411303424}",
                             "{min_heap_size, -1}",
                             "{min_bin_vheap_size, x}",
                             "{max_heap_size, x}",
                             "{max_heap_size, -1}",
                             "{max_heap_size, #{}}",
                             "{max_heap_size, #{size => x}}",
                             "{max_heap_size, #{size => 9, kill => 1}}",
                             "{message_queue_data, nowhere}",
                             "{async_dist, perhaps}",
                             "{link, true}",
                             "{link, [now]}",
                             "{monitor, [priority | x]}",
                             "7"}) {
    CAPTURE(option);
    const auto wishes = read(std::string("[") + option + "]");
    REQUIRE_FALSE(wishes);
    CHECK(wishes.error() == atom("badopt"));
  }
  CHECK_FALSE(read("[link | monitor]"));
  CHECK_FALSE(read("link"));
}
