#include "etf/typed_test.hpp"
#include <erl/etf/std_map.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

using namespace typed_test;
using erl::etf_errc;

namespace {

struct nest {
  std::vector<nest> inside;
};

struct wide {
  int a = 0;
  std::array<std::string, 8> texts;
};

std::vector<std::byte> repeat(std::string_view head, std::string_view part, std::size_t times,
                              std::string_view tail) {
  std::string hex(head);
  for (std::size_t i = 0; i < times; ++i)
    hex += part;
  hex += tail;
  return bytes(hex);
}

using anything = std::variant<int, double, bool, std::string, erl::pid, erl::reference, erl::port,
                              erl::bigint, std::tuple<erl::atom, int>, std::vector<erl::term>,
                              std::map<int, erl::term>, erl::term>;

} // namespace

template <> inline constexpr auto erl::shape<nest> = erl::plain_tuple;
template <> inline constexpr auto erl::shape<wide> = erl::map_shape;

TEST_CASE("a type that contains itself is not followed for ever", "[typed]") {
  std::string hex = "83";
  for (int i = 0; i < 200; ++i)
    hex += "68016c00000001";
  hex += "68016a";
  for (int i = 0; i < 200; ++i)
    hex += "6a";
  CHECK(erl::decode<nest>(bytes(hex)).has_value());
  const auto deep = repeat("83", "68016c00000001", 100000, "68016a");
  CHECK(erl::decode<nest>(deep).error().code == etf_errc::too_deep);
  erl::decode_options options;
  options.limits.depth = 2;
  CHECK(erl::decode<nest>(bytes("8368016c0000000168016a6a"), options).error().code ==
        etf_errc::too_deep);
}

TEST_CASE("a list's claim reserves no more than the input can hold", "[typed]") {
  CHECK(erl::decode<std::vector<wide>>(bytes("836cffffffff6a")).error().code ==
        etf_errc::length_beyond_input);
  CHECK(erl::decode<std::vector<int>>(bytes("836c7fffffff61016a")).error().code ==
        etf_errc::length_beyond_input);
  CHECK(erl::decode<std::map<int, int>>(bytes("8374ffffffff61016101")).error().code ==
        etf_errc::length_beyond_input);
  CHECK(erl::decode<wide>(bytes("8374ffffffff61016101")).error().code ==
        etf_errc::length_beyond_input);
  const auto padded = repeat("836c00001000", "00", 4096, "");
  CHECK(erl::decode<std::vector<wide>>(padded).error().code == etf_errc::length_beyond_input);
}

TEST_CASE("nested claims cannot each take the whole rest", "[typed]") {
  const auto claims = repeat("83", "68016c00000800", 400, std::string(2 * 4096, '0'));
  CHECK(erl::decode<nest>(claims).error().code == etf_errc::length_beyond_input);
}

TEST_CASE("input that ends anywhere inside is an error, whatever the target", "[typed]") {
  const std::vector<erl::term> values{tree("836803770361646461016e0a0001000000000000000000"),
                                      tree("835877036140620000000500000006"
                                           "00000007"),
                                      tree("835a000377036140620000000700000001000000020000000"
                                           "3"),
                                      tree("836d00000003616263"),
                                      tree("83463ff8000000000000"),
                                      erl::to_term(std::map<int, std::string>{{1, "a"}, {2, "b"}}),
                                      erl::to_term(std::vector<int>{1, 2, 3}),
                                      erl::to_term(std::vector<int>{1, 200, 300})};
  for (const erl::term& value : values) {
    const auto whole = erl::encode(value);
    CHECK(erl::decode<anything>(whole).has_value());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::vector<std::byte> part(whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(erl::decode<anything>(part).has_value());
      CHECK_FALSE(erl::decode<wide>(part).has_value());
      CHECK_FALSE(erl::decode<std::vector<std::tuple<erl::pid, double>>>(part).has_value());
    }
  }
}

TEST_CASE("bytes that are changed anywhere give what their term gives", "[typed]") {
  const auto whole = erl::encode(
      std::tuple(erl::atom("add"), 1, 2.5, std::string("text"), std::vector<int>{1, 2, 300},
                 std::map<int, bool>{{1, true}}, erl::pid{"a@b", 1, 2, 3}, wide{}));
  using target = std::tuple<erl::atom, int, double, std::string, std::vector<int>,
                            std::map<int, bool>, erl::pid, wide>;
  REQUIRE(erl::decode<target>(whole).has_value());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (unsigned value = 0; value < 256; ++value) {
      auto changed = whole;
      changed[at] = static_cast<std::byte>(value);
      INFO(erl::test::to_hex(changed));
      const auto from_bytes = erl::decode<target>(changed);
      const auto tree = erl::decode_external(changed);
      const bool from_tree = tree && erl::decode<target>(*tree).has_value();
      if (from_bytes.has_value() != from_tree)
        FAIL();
      refused += from_tree ? 0 : 1;
    }
  CHECK(refused > 1000);
}

TEST_CASE("every malformed term of the golden vectors is survived by every kind of target",
          "[typed]") {
  std::size_t seen = 0;
  for (const auto& line : erl::test::load_vectors("malformed.jsonl")) {
    if (line.at("kind").as_string() != "etf" || !line.at("hex").is_string())
      continue;
    const auto input = erl::test::from_hex(line.at("hex").as_string());
    const auto tree_result = erl::decode_external(input);
    const auto typed = erl::decode<erl::term>(input);
    INFO(line.at("hex").as_string());
    CHECK(typed.has_value() == tree_result.has_value());
    (void)erl::decode<anything>(input);
    (void)erl::decode<std::vector<std::vector<int>>>(input);
    (void)erl::decode<wide>(input);
    (void)erl::decode<std::tuple<erl::atom, erl::atom>>(input);
    ++seen;
  }
  CHECK(seen > 50);
}

TEST_CASE("without the version byte there is no term", "[typed]") {
  CHECK(erl::decode<int>(bytes("")).error().code == etf_errc::truncated);
  CHECK(erl::decode<int>(bytes("82"
                               "6105"))
            .error()
            .code == etf_errc::bad_version);
  CHECK(erl::decode<int>(bytes("83")).error().code == etf_errc::truncated);
  CHECK(erl::decode<int>(bytes("6105"), {.framing = erl::framing::bare}).value() == 5);
}

TEST_CASE("errors name the offset of the wrong part, also beyond the head of a malformed one",
          "[typed]") {
  const auto cut = erl::decode<std::tuple<int, int>>(bytes("836802610"
                                                           "177056f6b"));
  CHECK(cut.error().path == "[1]");
  CHECK(cut.error().offset >= 5);
  const auto long_one = erl::decode<std::tuple<int, int>>(
      erl::encode(std::tuple(1, std::vector<std::string>(100, "some text"))));
  CHECK(long_one.error().detail.starts_with("expected integer, got a list of "));
}
