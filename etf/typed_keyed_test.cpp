#include "etf/typed_test.hpp"
#include <erl/etf/other_keys.hpp>
#include <erl/etf/parse.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

using namespace typed_test;
using erl::etf_errc;

namespace {

struct listener {
  std::string host;
  std::uint16_t port = 0;
  bool debug = false;
  std::optional<int> backlog;
  bool operator==(const listener&) const = default;
};

struct properties {
  std::string host;
  std::uint16_t port = 0;
  bool debug = false;
  std::optional<int> backlog;
  bool operator==(const properties&) const = default;
};

struct flags {
  bool verbose = true;
  std::variant<bool, erl::atom> mode = false;
  bool operator==(const flags&) const = default;
};

struct pair_record {
  int a = 0;
  erl::atom b;
  bool operator==(const pair_record&) const = default;
};

struct local_record {
  int a = 0;
  erl::atom b;
  bool operator==(const local_record&) const = default;
};

struct empty_record {
  bool operator==(const empty_record&) const = default;
};

struct strict_map {
  int a = 0;
  std::optional<int> b;
  bool operator==(const strict_map&) const = default;
};

struct strict_struct {
  int a = 0;
  bool operator==(const strict_struct&) const = default;
};

struct strict_list {
  int a = 0, b = 0;
  bool operator==(const strict_list&) const = default;
};

struct strict_properties {
  int a = 0;
  bool b = false;
  bool operator==(const strict_properties&) const = default;
};

struct strict_record {
  int a = 0;
  bool operator==(const strict_record&) const = default;
};

struct open_map {
  int port = 0;
  erl::other_keys rest;
  std::string host;
  bool operator==(const open_map&) const = default;
};

struct open_struct {
  erl::other_keys rest;
  int a = 0;
  bool operator==(const open_struct&) const = default;
};

struct open_list {
  int a = 0;
  erl::other_keys rest;
  bool operator==(const open_list&) const = default;
};

struct open_properties {
  bool a = false;
  erl::other_keys rest;
  bool operator==(const open_properties&) const = default;
};

struct open_record {
  int a = 0;
  erl::other_keys rest;
  bool operator==(const open_record&) const = default;
};

struct defaults {
  int retries = 3;
  std::string host = "localhost";
  bool operator==(const defaults&) const = default;
};

erl::term text(std::string_view erlang) { return erl::parse_term(erlang).value(); }

std::string hex_of(std::string_view erlang) { return erl::test::to_hex(erl::encode(text(erlang))); }

template <class T> void check_text(const T& value, std::string_view erlang) {
  INFO(erlang);
  check_both_ways(value, hex_of(erlang));
}

template <class T> void check_text_decodes(std::string_view erlang, const T& value) {
  INFO(erlang);
  check_decodes(hex_of(erlang), value);
}

template <class T> std::string refusal(std::string_view erlang, etf_errc code) {
  INFO(erlang);
  const auto error = check_refuses<T>(hex_of(erlang), code);
  return error.path + ": " + error.detail;
}

} // namespace

template <> inline constexpr auto erl::shape<listener> = erl::keyword_list;
template <> inline constexpr auto erl::shape<properties> = erl::proplist;
template <> inline constexpr auto erl::shape<flags> = erl::proplist;
template <> inline constexpr auto erl::shape<pair_record> = erl::native_record<"foo", "bar">;
template <>
inline constexpr auto erl::shape<local_record> = erl::native_record<"foo", "bar">.local();
template <> inline constexpr auto erl::shape<empty_record> = erl::native_record<"foo", "bar">;
template <> inline constexpr auto erl::shape<strict_map> = erl::map_shape.refusing_unknown();
template <>
inline constexpr auto erl::shape<strict_struct> = erl::elixir_struct<"Elixir.S">.refusing_unknown();
template <> inline constexpr auto erl::shape<strict_list> = erl::keyword_list.refusing_unknown();
template <> inline constexpr auto erl::shape<strict_properties> = erl::proplist.refusing_unknown();
template <>
inline constexpr auto erl::shape<strict_record> =
    erl::native_record<"foo", "bar">.local().refusing_unknown();
template <> inline constexpr auto erl::shape<open_map> = erl::map_shape;
template <> inline constexpr auto erl::shape<open_struct> = erl::elixir_struct<"Elixir.S">;
template <> inline constexpr auto erl::shape<open_list> = erl::keyword_list;
template <> inline constexpr auto erl::shape<open_properties> = erl::proplist;
template <> inline constexpr auto erl::shape<open_record> = erl::native_record<"foo", "bar">;
template <>
inline constexpr auto erl::shape<defaults> = erl::map_shape.with_defaults().refusing_unknown();

TEST_CASE("a keyword list is pairs in any order, without those that are empty", "[typed]") {
  check_text(listener{"a", 80, true, 5}, R"([{host,<<"a">>},{port,80},{debug,true},{backlog,5}])");
  check_text(listener{"a", 80, false, std::nullopt}, R"([{host,<<"a">>},{port,80},{debug,false}])");
  check_text_decodes(R"([{debug,false},{backlog,undefined},{port,80},{host,<<"a">>}])",
                     listener{"a", 80, false, std::nullopt});
}

TEST_CASE("of a key that comes twice in a list the first counts, and unknown ones do not",
          "[typed]") {
  check_text_decodes(R"([{port,80},{host,<<"a">>},{port,<<"no">>},{colour,red},{debug,true}])",
                     listener{"a", 80, true, std::nullopt});
  check_text_decodes(R"([{port,80},debug,{host,<<"a">>},{debug,17},debug,{port,81}])",
                     properties{"a", 80, true, std::nullopt});
}

TEST_CASE("an atom alone is a property that is true", "[typed]") {
  check_text(properties{"a", 80, true, 5}, R"([{host,<<"a">>},{port,80},debug,{backlog,5}])");
  check_text(properties{"a", 80, false, std::nullopt},
             R"([{host,<<"a">>},{port,80},{debug,false}])");
  check_text_decodes(R"([{host,<<"a">>},{port,80}])", properties{"a", 80, false, std::nullopt});
  check_text_decodes(R"([{host,<<"a">>},{port,80},{debug,true}])",
                     properties{"a", 80, true, std::nullopt});
  check_text_decodes("[mode,verbose]", flags{true, true});
  check_text_decodes("[{mode,fast}]", flags{true, erl::atom("fast")});
  check_text(flags{false, erl::atom("x")}, "[{verbose,false},{mode,x}]");
}

TEST_CASE("what is no property is passed over like an unknown key", "[typed]") {
  check_text_decodes(R"([17,{host,<<"a">>},{1,2},{port,80},{x,y,z},compressed,"text"])",
                     properties{"a", 80, false, std::nullopt});
}

TEST_CASE("an error in a list names the key, or the place of what is no pair", "[typed]") {
  CHECK(
      refusal<listener>(R"([{host,<<"a">>},{port,65536},{debug,true}])", etf_errc::out_of_range) ==
      ".port: expected integer in 0..65535, got 65536");
  CHECK(refusal<listener>(R"([{host,<<"a">>},debug])", etf_errc::wrong_type) ==
        "[1]: expected {Key,Value}, got debug");
  CHECK(refusal<listener>(R"([{host,<<"a">>},{1,2}])", etf_errc::wrong_type) ==
        "[1]: expected {Key,Value}, got {1,2}");
  CHECK(refusal<listener>(R"([{port,1},{debug,true}])", etf_errc::missing_key) == ": no key host");
  CHECK(refusal<listener>("ok", etf_errc::wrong_type) == ": expected list, got ok");
  CHECK(erl::decode<listener>(text("[{port,1}|x]")).error().code == etf_errc::wrong_type);
  CHECK(erl::decode<listener>(bytes(hex_of("[{port,1}|x]"))).error().code == etf_errc::wrong_type);
  CHECK(refusal<properties>(R"([{host,<<"a">>},port])", etf_errc::wrong_type) ==
        "[1]: expected {port,_}, got port");
  CHECK(refusal<properties>(R"([{host,<<"a">>}])", etf_errc::missing_key) == ": no key port");
}

TEST_CASE("native records are as OTP 29 has them, exported or local", "[typed]") {
  check_both_ways(pair_record{1, "two"},
                  "834300000002017703666f6f77036261727701617701626101770374776f");
  check_both_ways(local_record{1, "two"},
                  "834300000002007703666f6f77036261727701617701626101770374776f");
  check_both_ways(empty_record{}, "834300000000017703666f6f7703626172");
  check_decodes("834300000002007703666f6f77036261727701617701626101770374776f",
                pair_record{1, "two"});
}

TEST_CASE("a native record's fields are found by name in any order", "[typed]") {
  const std::string_view turned = "834300000003017703666f6f770362617277016277017877016177"
                                  "0374776f6a6101";
  check_decodes(turned, pair_record{1, "two"});
  CHECK(
      check_refuses<pair_record>("834300000001017703666f6f77036261727701626a", etf_errc::wrong_type)
          .path == ".b");
  CHECK(check_refuses<pair_record>("834300000001017703666f6f7703626172770162770162",
                                   etf_errc::missing_key)
            .detail == "no key a");
  const auto other =
      check_refuses<pair_record>("834300000000017703666f6f770362617a", etf_errc::wrong_value);
  CHECK(other.detail == "expected #foo:bar{}, got #foo:baz{}");
  CHECK(check_refuses<pair_record>("836a", etf_errc::wrong_type).detail ==
        "expected #foo:bar{}, got []");
  CHECK(check_refuses<std::vector<int>>("834300000000017703666f6f770362617a", etf_errc::wrong_type)
            .detail == "expected list, got #foo:baz{}");
}

TEST_CASE("a native record that lies about itself is refused", "[typed]") {
  const auto code = [](std::string_view hex) {
    return erl::decode<pair_record>(bytes(hex)).error().code;
  };
  CHECK(code("8343ffffffff017703666f6f7703626172770161") == etf_errc::length_beyond_input);
  CHECK(code("834300000002027703666f6f77036261727701617701626101770374776f") ==
        etf_errc::bad_record);
  CHECK(code("834300000002017703666f6f77036261726101770162610177037477") == etf_errc::bad_record);
  CHECK(code("834300000002017703666f6f77036261727701617701616101770374776f") ==
        etf_errc::duplicate_key);
  const auto whole = bytes("834300000002017703666f6f77036261727701617701626101770374776f");
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(erl::decode<pair_record>(std::span(whole).first(size)).has_value());
}

TEST_CASE("a native record stands among other things, and in variants", "[typed]") {
  using either = std::variant<pair_record, int>;
  CHECK(erl::decode<either>(text("5")).value() == either(5));
  const std::vector<pair_record> two{{1, "x"}, {2, "y"}};
  check_both_ways(two, erl::test::to_hex(erl::encode(erl::to_term(two))));
  check_both_ways(std::pair(pair_record{1, "x"}, 5),
                  erl::test::to_hex(erl::encode(erl::to_term(std::pair(pair_record{1, "x"}, 5)))));
  CHECK(check_refuses<std::variant<pair_record, int>>("836a", etf_errc::wrong_type).detail ==
        "expected #foo:bar{} or integer, got []");
}

TEST_CASE("unknown keys are refused by name where the shape says so", "[typed]") {
  check_text(strict_map{1, 2}, "#{a => 1, b => 2}");
  CHECK(refusal<strict_map>("#{a => 1, c => 2}", etf_errc::unknown_key) ==
        ": unknown key c, expected a or b");
  CHECK(refusal<strict_map>("#{a => 1, <<\"b\">> => 2}", etf_errc::unknown_key) ==
        ": unknown key <<\"b\">>, expected a or b");
  check_text(strict_struct{1}, "#{'__struct__' => 'Elixir.S', a => 1}");
  CHECK(refusal<strict_struct>("#{'__struct__' => 'Elixir.S', a => 1, c => 2}",
                               etf_errc::unknown_key) == ": unknown key c, expected a");
  check_text(strict_list{1, 2}, "[{a,1},{b,2}]");
  CHECK(refusal<strict_list>("[{a,1},{c,2}]", etf_errc::unknown_key) ==
        "[1]: unknown key c, expected a or b");
  CHECK(refusal<strict_properties>("[{a,1},c]", etf_errc::unknown_key) ==
        "[1]: unknown key c, expected a or b");
  CHECK(refusal<strict_properties>("[{a,1},17]", etf_errc::unknown_key) ==
        "[1]: unknown key 17, expected a or b");
  CHECK(check_refuses<strict_record>("834300000002017703666f6f77036261727701617701626101770374776f",
                                     etf_errc::unknown_key)
            .detail == "unknown key b, expected a");
}

TEST_CASE("unknown keys are kept and written back where a field is for them", "[typed]") {
  const open_map map{80, {text("#{1 => 2, rest => x, <<\"k\">> => [1]}")}, "a"};
  check_text(map, R"(#{port => 80, host => <<"a">>, 1 => 2, rest => x, <<"k">> => [1]})");
  check_text(open_map{80, {}, "a"}, R"(#{port => 80, host => <<"a">>})");
  check_text(open_struct{{text("#{b => 2}")}, 1}, "#{'__struct__' => 'Elixir.S', a => 1, b => 2}");
  check_text(open_list{1, {text("[{b,2},{b,3},{rest,4}]")}}, "[{a,1},{b,2},{b,3},{rest,4}]");
  check_text_decodes("[{b,2},{a,1},{c,3},{a,5}]", open_list{1, {text("[{b,2},{c,3}]")}});
  check_text(open_properties{true, {text("[b,{c,1},17]")}}, "[a,b,{c,1},17]");
  check_both_ways(open_record{1, {text("#{b => two}")}},
                  "834300000002017703666f6f77036261727701617701626101770374776f");
}

TEST_CASE("a field wins over a kept key of its name", "[typed]") {
  const open_map map{80, {text("#{port => 1}")}, "a"};
  CHECK(erl::to_term(map) == text(R"(#{port => 80, host => <<"a">>})"));
  CHECK(erl::encode(map) == erl::encode(erl::to_term(map)));
  const open_record record{1, {text("#{a => 2, 5 => 6}")}};
  CHECK(erl::encode(record) == bytes("834300000001017703666f6f77036261727701616101"));
  CHECK(erl::encode(record) == erl::encode(erl::to_term(record)));
}

TEST_CASE("a kept key that comes twice is refused", "[typed]") {
  CHECK(erl::decode<open_map>(bytes("837400000004610161026101610277"
                                    "04706f727461507704686f73746d0000000161"))
            .error()
            .code == etf_errc::duplicate_key);
}

TEST_CASE("with defaults no key must be there", "[typed]") {
  check_text_decodes("#{}", defaults{});
  check_text_decodes("#{retries => 5}", defaults{5, "localhost"});
  CHECK(refusal<defaults>("#{retry => 5}", etf_errc::unknown_key) ==
        ": unknown key retry, expected retries or host");
}

TEST_CASE("a variant knows keyword lists by their kind", "[typed]") {
  using value = std::variant<listener, strict_map>;
  check_text(value(strict_map{1, 2}), "#{a => 1, b => 2}");
  CHECK(refusal<value>("ok", etf_errc::wrong_type) == ": expected keyword list or map, got ok");
  CHECK(refusal<std::variant<properties>>("ok", etf_errc::wrong_type) ==
        ": expected property list, got ok");
}
