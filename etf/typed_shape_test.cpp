#include "etf/typed_test.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

using namespace typed_test;
using erl::etf_errc;

namespace {

struct add {
  std::int64_t a, b;
  bool operator==(const add&) const = default;
};

struct ping {
  bool operator==(const ping&) const = default;
};

struct point {
  int x = 0, y = 0;
  bool operator==(const point&) const = default;
};

struct options {
  bool verbose = false;
  std::optional<int> limit;
  std::vector<erl::atom> roles;
  bool operator==(const options&) const = default;
};

struct user {
  std::string name;
  std::optional<std::string> mail;
  int age = 0;
  bool operator==(const user&) const = default;
};

struct keywords {
  int class_ = 0, int_ = 0;
  bool operator==(const keywords&) const = default;
};

enum class color { red, green, class_ };

struct celsius {
  double degrees = 0;
  bool operator==(const celsius&) const = default;
};

struct tree_node {
  int value = 0;
  std::vector<tree_node> children;
  bool operator==(const tree_node&) const = default;
};

struct by_alias {
  int a = 0;
  using erl_shape = erl::tagged_shape<"alias">;
  bool operator==(const by_alias&) const = default;
};

struct by_member {
  int a = 0;
  static constexpr auto erl_shape = erl::tagged<"member">;
  bool operator==(const by_member&) const = default;
};

struct sixteen {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
  bool operator==(const sixteen&) const = default;
};

struct everything {
  erl::term any;
  erl::atom name;
  erl::pid who;
  erl::reference ref;
  std::string text;
  std::optional<std::string> maybe;
  std::variant<int, erl::atom> either;
  std::vector<int> list;
  std::array<int, 2> pair;
  std::tuple<int, std::string> tuple;
  std::expected<int, erl::atom> result;
  std::vector<std::byte> blob;
  erl::bigint big;
  point nested;
  erl::is<"end"> end;
  bool operator==(const everything&) const = default;
};

} // namespace

template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;
template <> inline constexpr auto erl::shape<ping> = erl::tagged<"ping">;
template <> inline constexpr auto erl::shape<point> = erl::plain_tuple;
template <> inline constexpr auto erl::shape<options> = erl::map_shape;
template <> inline constexpr auto erl::shape<user> = erl::elixir_struct<"Elixir.User">;
template <> inline constexpr auto erl::shape<keywords> = erl::map_shape;
template <>
inline constexpr auto erl::shape<color> = erl::enum_atoms<color::red, color::green, color::class_>;
template <> inline constexpr auto erl::shape<tree_node> = erl::record<"node">;
template <> inline constexpr auto erl::shape<sixteen> = erl::plain_tuple;
template <> inline constexpr auto erl::shape<everything> = erl::tagged<"everything">;
template <> struct erl::conversion<celsius> {
  using as = double;
  static std::optional<celsius> from(double degrees) {
    return degrees < -273.15 ? std::nullopt : std::optional(celsius{degrees});
  }
  static double to(const celsius& value) { return value.degrees; }
};

TEST_CASE("fields are counted and named", "[typed]") {
  using namespace erl::detail;
  STATIC_REQUIRE(field_count<ping> == 0);
  STATIC_REQUIRE(field_count<add> == 2);
  STATIC_REQUIRE(field_count<sixteen> == 16);
  STATIC_REQUIRE(field_count<everything> == 15);
  STATIC_REQUIRE(field_count<tree_node> == 2);
  STATIC_REQUIRE(field_names<add>[1] == "b");
  STATIC_REQUIRE(field_names<everything>[5] == "maybe");
  STATIC_REQUIRE(field_names<tree_node>[1] == "children");
  STATIC_REQUIRE(field_names<keywords>[0] == "class_");
  struct local {
    int inside = 0;
    std::optional<std::string> also = {};
  };
  STATIC_REQUIRE(field_names<local>[1] == "also");
  STATIC_REQUIRE(value_name<color::green>[0] == "green");
}

TEST_CASE("a tagged aggregate is {tag, fields...}", "[typed]") {
  check_both_ways(add{1, -2}, "8368037703616464610162fffffffe");
  check_both_ways(ping{}, "836801770470696e67");
  check_both_ways(by_alias{7}, "8368027705616c6961736107");
  check_both_ways(by_member{7}, "83680277066d656d6265726107");
  CHECK(check_refuses<add>("836803770373756261016102", etf_errc::wrong_value).detail ==
        "expected {add,_,_}, got {sub,1,2}");
  CHECK(check_refuses<add>("836802770361646461"
                           "01",
                           etf_errc::wrong_arity)
            .detail == "expected {add,_,_}, got {add,1}");
  CHECK(check_refuses<add>("8377036164"
                           "64",
                           etf_errc::wrong_type)
            .detail == "expected {add,_,_}, got add");
  CHECK(check_refuses<add>("83680377036164646101"
                           "6a",
                           etf_errc::wrong_type)
            .message()
            .starts_with(".b: expected integer, got []"));
}

TEST_CASE("a plain tuple has no tag", "[typed]") {
  check_both_ways(point{1, 2}, "836802610161"
                               "02");
  check_both_ways(sixteen{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                  "836810610161026103610461056106610761086109610a610b610c610d610e610f6110");
}

TEST_CASE("all kinds of fields are counted, visited and named", "[typed]") {
  const everything value{.any = erl::term::text("t"),
                         .name = "n",
                         .who = {"a@b", 1, 2, 3},
                         .ref = {"a@b", 7, 3, {1, 2, 3}},
                         .text = "text",
                         .maybe = std::nullopt,
                         .either = erl::atom("x"),
                         .list = {1, 2},
                         .pair = {3, 4},
                         .tuple = {5, "six"},
                         .result = std::unexpected(erl::atom("bad")),
                         .blob = {std::byte{9}},
                         .big = erl::bigint::parse("36893488147419103233").value(),
                         .nested = {1, 2},
                         .end = {}};
  check_both_ways(value, erl::test::to_hex(erl::encode(value)));
}

TEST_CASE("a map shape has the names of the fields as keys", "[typed]") {
  check_both_ways(options{true, 5, {"a"}},
                  "83740000000377056c696d697461057705726f6c65736c000000017701616a"
                  "770776657262"
                  "6f7365770474727565");
  check_both_ways(keywords{1, 2}, "8374000000027705636c6173736101"
                                  "7703696e746102");
}

TEST_CASE("map keys come in any order, unknown ones are passed over, optional ones may be missing",
          "[typed]") {
  check_decodes(
      "8374000000037705726f6c65736a7707766572626f73657704747275656d000000016174000000016a6a",
      options{true, std::nullopt, {}});
  const auto error = check_refuses<options>("8374000000017705726f6c65736a", etf_errc::missing_key);
  CHECK(error.detail == "no key verbose");
  const auto nested = check_refuses<options>("837400000002"
                                             "7707766572626f7365770474727565"
                                             "7705726f6c65736c0000000377016177016261116a",
                                             etf_errc::wrong_type);
  CHECK(nested.message().starts_with(".roles[2]: expected atom, got 17"));
  check_refuses<options>("836a", etf_errc::wrong_type);
}

TEST_CASE("a key that comes twice in a shaped map is refused", "[typed]") {
  CHECK(erl::decode<keywords>(bytes("8374000000037705636c61737361017705636c6173736101"
                                    "7703696e746102"))
            .error()
            .code == etf_errc::duplicate_key);
}

TEST_CASE("an Elixir struct is a map with __struct__, and nothing is nil in it", "[typed]") {
  const std::string_view anna = "837400000004770a5f5f7374727563745f5f770b456c697869722e55736572"
                                "77036167656105"
                                "77046d61696c77036e696c"
                                "77046e616d656d00000004416e6e61";
  check_both_ways(user{"Anna", std::nullopt, 5}, anna);
  CHECK(check_refuses<user>("837400000003"
                            "77036167656105"
                            "77046d61696c77036e696c"
                            "77046e616d656d00000004416e6e61",
                            etf_errc::missing_key)
            .detail == "no key __struct__");
  const auto error = check_refuses<user>(
      "837400000001770a5f5f7374727563745f5f770a456c697869722e446f67", etf_errc::wrong_value);
  CHECK(error.path == ".__struct__");
  CHECK(error.detail == "expected Elixir.User, got 'Elixir.Dog'");
}

TEST_CASE("a variant tells shapes apart by tag, arity and struct", "[typed]") {
  using value = std::variant<add, ping, user, options, color, point>;
  check_both_ways(value(add{1, 2}), "836803770361646461016102");
  check_both_ways(value(ping{}), "836801770470696e67");
  check_both_ways(value(user{}), erl::test::to_hex(erl::encode(user{})));
  check_both_ways(value(options{}), erl::test::to_hex(erl::encode(options{})));
  check_both_ways(value(color::green), "837705677265656e");
  check_both_ways(value(point{1, 2}), "83680261016102");
  CHECK(check_refuses<value>("836a", etf_errc::wrong_type).detail ==
        "expected {add,_,_} or {ping} or map with __struct__ Elixir.User or map or red or green or "
        "class or {_,_}, "
        "got []");
}

TEST_CASE("an enum is the atoms of its enumerators", "[typed]") {
  check_both_ways(color::red, "8377037265"
                              "64");
  check_both_ways(color::class_, "837705636c617373");
  CHECK(check_refuses<color>("837704626c7565", etf_errc::wrong_value).detail ==
        "expected red or green or class, got blue");
  check_refuses<color>("836101", etf_errc::wrong_value);
  CHECK_THROWS_AS(erl::encode(static_cast<color>(77)), std::invalid_argument);
}

TEST_CASE("a conversion makes a type travel as another and may refuse values", "[typed]") {
  check_both_ways(celsius{1.5}, "83463ff8000000000000");
  check_both_ways(std::vector<celsius>{{1.5}}, "836c00000001463ff80000000000006a");
  const auto error = check_refuses<std::vector<celsius>>("836c000000016"
                                                         "2fffffe006a",
                                                         etf_errc::wrong_value);
  CHECK(error.path == "[0]");
  CHECK(error.detail == "expected a legal value, got -512");
}

TEST_CASE("a type may contain a vector of itself", "[typed]") {
  check_both_ways(tree_node{1, {{2, {}}, {3, {{4, {}}}}}},
                  "83680377046e6f646561016c00000002680377046e6f646561026a"
                  "680377046e6f646561036c00000001680377046e6f646561046a6a6a");
  const auto error = check_refuses<tree_node>(
      "83680377046e6f646561016c00000001680377046e6f64656a6a6a", etf_errc::wrong_type);
  CHECK(error.path == ".children[0].value");
}

TEST_CASE("fits looks at the head, matches at all of it", "[typed]") {
  const erl::term bad = tree("83680377036164646101"
                             "6a");
  CHECK(erl::fits<add>(bad));
  CHECK_FALSE(erl::matches<add>(bad));
  CHECK_FALSE(erl::try_decode<add>(bad).has_value());
  CHECK(erl::try_decode<add>(erl::to_term(add{1, 2})) == add{1, 2});
  CHECK_FALSE(erl::fits<ping>(bad));
}
