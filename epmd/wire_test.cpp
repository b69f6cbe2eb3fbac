#include "epmd/wire.hpp"

#include <catch2/catch_test_macros.hpp>

#include <random>

using namespace erl::epmd;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string body(const std::string& request) { return request.substr(2); }

std::string register_body(std::string_view name, std::string_view extra = "") {
  return body(wire::encode(wire::register_request{.port = 1234, .name = name, .extra = extra}));
}

template <class T> T request_in(std::string_view bytes) {
  const auto decoded = wire::decode_request(bytes);
  REQUIRE(decoded);
  REQUIRE(std::holds_alternative<T>(*decoded));
  return std::get<T>(*decoded);
}

template <class Answer> std::string why(const wire::decoded<Answer>& answer) {
  return answer ? "not malformed" : answer.error().why;
}

} // namespace

TEST_CASE("a registration is encoded byte for byte as OTP's node sends it") {
  const auto bytes = wire::encode(wire::register_request{.port = 1234, .name = "foo"});
  CHECK(bytes == "\x00\x10\x78\x04\xd2\x4d\x00\x00\x06\x00\x06\x00\x03"
                 "foo\x00\x00"s);
}

TEST_CASE("a look-up has no length before its name") {
  CHECK(wire::encode(wire::lookup_request{"foo"}) == "\x00\x04zfoo"s);
}

TEST_CASE("a registration survives a round trip") {
  const auto bytes = body(wire::encode(wire::register_request{.port = 65535,
                                                              .type = 72,
                                                              .protocol = 1,
                                                              .highest = 7,
                                                              .lowest = 5,
                                                              .name = "näme",
                                                              .extra = "\x00\xff"sv}));
  const auto got = request_in<wire::register_request>(bytes);
  CHECK(got.port == 65535);
  CHECK(got.type == 72);
  CHECK(got.protocol == 1);
  CHECK(got.highest == 7);
  CHECK(got.lowest == 5);
  CHECK(got.name == "näme");
  CHECK(got.extra == "\x00\xff"sv);
}

TEST_CASE("a registration of 13 bytes is refused, one with an empty name and extra data is not") {
  CHECK_FALSE(wire::decode_request(register_body("")));
  CHECK(request_in<wire::register_request>(register_body("", "x")).name.empty());
}

TEST_CASE("a registration whose lengths exceed its bytes is refused") {
  auto long_name = register_body("foo");
  long_name[10] = 4;
  CHECK_FALSE(wire::decode_request(long_name));
  auto long_extra = register_body("foo");
  long_extra[15] = 1;
  CHECK_FALSE(wire::decode_request(long_extra));
}

TEST_CASE("bytes after a registration's extra data are ignored") {
  CHECK(request_in<wire::register_request>(register_body("foo") + "zz").name == "foo");
}

TEST_CASE("a name with a NUL makes a registration malformed") {
  CHECK_FALSE(wire::decode_request(register_body("a\0b"sv)));
}

TEST_CASE("one trailing NUL of a look-up is dropped, any other is malformed") {
  CHECK(request_in<wire::lookup_request>("zfoo\0"sv).name == "foo");
  CHECK_FALSE(wire::decode_request("zfoo\0\0"sv));
  CHECK_FALSE(wire::decode_request("zf\0o"sv));
  CHECK_FALSE(wire::decode_request("z\0"sv));
  CHECK_FALSE(wire::decode_request("z"));
}

TEST_CASE("a look-up of what can not be a name is malformed") {
  CHECK_FALSE(wire::decode_request("z\xff"));
  CHECK_FALSE(wire::decode_request("z" + std::string(256, 'a')));
  CHECK(wire::decode_request("z" + std::string(255, 'a')));
}

TEST_CASE("a stop needs a name, which ends at a NUL") {
  CHECK_FALSE(wire::decode_request("s"));
  CHECK(request_in<wire::stop_request>("sfoo\0x"sv).name == "foo");
}

TEST_CASE("requests of one byte are told apart, whatever follows it") {
  CHECK(std::holds_alternative<wire::names_request>(*wire::decode_request("nxx")));
  CHECK(std::holds_alternative<wire::dump_request>(*wire::decode_request("d")));
  CHECK(std::holds_alternative<wire::kill_request>(*wire::decode_request("kx")));
  CHECK_FALSE(wire::decode_request("q"));
  CHECK_FALSE(wire::decode_request(""));
}

TEST_CASE("a body is at most 3057 bytes") {
  CHECK(wire::decode_request("n" + std::string(wire::max_body - 1, 'x')));
  CHECK_FALSE(wire::decode_request("n" + std::string(wire::max_body, 'x')));
}

TEST_CASE("a name is UTF-8 of at most 255 code points") {
  std::string emoji;
  for (int i = 0; i < 255; ++i)
    emoji += "😀";
  CHECK(wire::is_name(emoji));
  CHECK_FALSE(wire::is_name(emoji + "x"));
  CHECK_FALSE(wire::is_name("\xc0\x80"));         // overlong
  CHECK_FALSE(wire::is_name("\xe0\x9f\xbf"));     // overlong
  CHECK_FALSE(wire::is_name("\xf0\x8f\xbf\xbf")); // overlong
  CHECK_FALSE(wire::is_name("\xed\xa0\x80"));     // surrogate
  CHECK_FALSE(wire::is_name("\xf4\x90\x80\x80")); // beyond U+10FFFF
  CHECK_FALSE(wire::is_name("\xe2\x82"));         // cut off
  CHECK_FALSE(wire::is_name("a\0"sv));
  CHECK(wire::is_name(""));
}

TEST_CASE("answers to registrations are encoded as the client's version wants") {
  CHECK(wire::encode_registered({true, 0x6b02201b}, 6) == "\x76\x00\x6b\x02\x20\x1b"s);
  CHECK(wire::encode_registered({true, 3}, 5) == "\x79\x00\x00\x01"s);
  CHECK(wire::encode_registered({true, 5}, 5) == "\x79\x00\x00\x03"s);
  CHECK(wire::encode_registered({false, 99}, 6) == "\x76\x01\x00\x00\x00\x63"s);
  CHECK(wire::encode_registered({false, 99}, 5) == "\x79\x01\x00\x63"s);
}

TEST_CASE("an answer to a registration is decoded when it is complete, in both forms") {
  const auto wide = "\x76\x00\x6b\x02\x20\x1b"s;
  for (std::size_t size = 0; size < wide.size(); ++size)
    CHECK_FALSE(wire::decode_registered(wide.substr(0, size)).value());
  CHECK(wire::decode_registered(wide).value()->creation == 0x6b02201b);
  CHECK(wire::decode_registered("\x79\x00\x00\x02"s).value()->creation == 2);
  CHECK_FALSE(wire::decode_registered("\x76\x01\x00\x00\x00\x63"s).value()->accepted);
}

TEST_CASE("lies in the answer to a registration are found") {
  CHECK(why(wire::decode_registered("HTTP")) == "is not one to a registration");
  CHECK(why(wire::decode_registered("\x76\x00\x00\x00\x00\x00"s)) ==
        "holds the impossible creation 0");
  CHECK(why(wire::decode_registered("\x76\x00\x00\x00\x00\x09\x00"s)) == "is too long");
}

TEST_CASE("an answer to a look-up survives a round trip, and no part of it decodes") {
  const node_info node{.name = "foo",
                       .port = 4711,
                       .type = 72,
                       .protocol = 0,
                       .highest = 6,
                       .lowest = 5,
                       .extra = "ex"};
  const auto bytes = wire::encode_found(node);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(wire::decode_lookup(bytes.substr(0, size)).value());
  CHECK(*wire::decode_lookup(bytes).value() == node);
  CHECK(why(wire::decode_lookup(bytes + "x")) == "is too long");
}

TEST_CASE("an unknown name is an answer with port 0") {
  CHECK(wire::decode_lookup(wire::encode_not_found()).value()->port == 0);
  CHECK_FALSE(wire::decode_lookup("\x77").value());
}

TEST_CASE("a found node with port 0 is a lie") {
  CHECK(why(wire::decode_lookup(wire::encode_found({.name = "foo", .port = 0}))) == "says port 0");
}

TEST_CASE("announced lengths are refused before their bytes arrive") {
  auto bytes = wire::encode_found({.name = "foo", .port = 1});
  bytes.resize(12);
  bytes[10] = '\xff';
  CHECK(why(wire::decode_lookup(bytes)) == "announces a name that is too long");
  auto extra = wire::encode_found({.name = "foo", .port = 1});
  extra[15] = '\x7f';
  CHECK(why(wire::decode_lookup(extra)) == "announces extra data that is too long");
}

TEST_CASE("a list of names ends with its connection") {
  const auto bytes = "\x00\x00\x11\x11name b at port 2\nname a at port 65535\n"s;
  CHECK_FALSE(wire::decode_names(bytes, false).value());
  const auto list = wire::decode_names(bytes, true).value().value();
  CHECK(list == std::vector<listed_node>{{"b", 2}, {"a", 65535}});
  CHECK(wire::decode_names("\x00\x00\x11\x11"sv, true).value()->empty());
}

TEST_CASE("a name may contain what separates names from ports") {
  const auto list =
      wire::decode_names("\x00\x00\x11\x11name x at port 5 at port 7\n"sv, true).value();
  CHECK(*list == std::vector<listed_node>{{"x at port 5", 7}});
}

TEST_CASE("a line of another form does not hide the others") {
  const auto list = wire::decode_names("\x00\x00\x11\x11name x\ny at port 5\nname a at port 70000\n"
                                       "name ok at port 8\n"sv,
                                       true)
                        .value();
  CHECK(*list == std::vector<listed_node>{{"ok", 8}});
}

TEST_CASE("another protocol's words are no list of names") {
  CHECK(why(wire::decode_names("HTTP/1.1 400", false)) == "does not begin with a port");
  CHECK(why(wire::decode_names("\x00\x00\x11\x11hello\n"sv, true)) == "is no list of nodes");
  CHECK(why(wire::decode_names("\x00\x00\x11"sv, true)) == "is cut off");
  CHECK(why(wire::decode_names("\x00\x00\x11\x11name a at po"sv, true)) == "is cut off");
}

TEST_CASE("random bytes neither throw nor are read beyond their end") {
  std::mt19937 random(20261122);
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random());
    if (!bytes.empty() && random() % 2 == 0)
      bytes[0] = "xzndksvyw"[random() % 9];
    bytes.shrink_to_fit();
    CHECK_NOTHROW(wire::decode_request(bytes));
    CHECK_NOTHROW(wire::decode_registered(bytes));
    CHECK_NOTHROW(wire::decode_lookup(bytes));
    CHECK_NOTHROW(wire::decode_names(bytes, true));
  }
}
