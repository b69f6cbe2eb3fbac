// Views: what is read in place is what a tree would hold.
#include "etf/view_rebuild.hpp"
#include "support/vectors.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/view.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace erl;
using erl::test::from_hex;

namespace {

struct add {
  std::int64_t a, b;
  using erl_shape = tagged_shape<"add">;
};

std::vector<std::byte> gen_call() {
  const pid client{atom("client@host"), 117, 3, 1700000001};
  const reference tag{atom("client@host"), 1700000001, 3, {1, 2, 3}};
  const std::tuple request{is<"$gen_call">(), std::tuple{client, tag}, add{1, -2}};
  return encode(request);
}

} // namespace

TEST_CASE("a call is matched on the wire") {
  const auto bytes = gen_call();
  view v(bytes);
  std::int64_t a = 0, b = 0;
  pid client;
  reference tag;
  REQUIRE(v.enter_tuple(3));
  REQUIRE(v.take_atom("$gen_call"));
  REQUIRE(v.enter_tuple(2));
  CHECK(v.take(client));
  CHECK(v.take(tag));
  CHECK(client.id == 117);
  CHECK(tag.words[2] == 3);
  REQUIRE(v.enter_tuple(3));
  CHECK(!v.take_atom("subtract"));
  CHECK(v.take_atom("add"));
  CHECK(v.take(a));
  CHECK(v.take(b));
  CHECK(a == 1);
  CHECK(b == -2);
  CHECK(v.consumed() == bytes.size());
  CHECK(v.error() == etf_errc::none);
}

TEST_CASE("what does not fit is left where it is, for the next alternative") {
  const auto bytes = encode(std::tuple{300, std::string("text")});
  view v(bytes);
  CHECK(!v.enter_tuple(3));
  CHECK(!v.enter_map());
  CHECK(!v.enter_list());
  REQUIRE(v.enter_tuple(2));
  std::uint8_t small = 0;
  std::int16_t right = 0;
  double number = 0;
  std::string_view text;
  CHECK(!v.take(small));
  CHECK(!v.take(number));
  CHECK(!v.take(text));
  CHECK(v.take(right));
  CHECK(right == 300);
  const view bookmark = v;
  CHECK(v.take(text));
  view again = bookmark;
  CHECK(again.skip());
  CHECK(again.consumed() == v.consumed());
  CHECK(v.error() == etf_errc::none);
}

TEST_CASE("every term of OTP reads the same through a view as from a tree") {
  for (const auto& vector : erl::test::load_vectors("etf.jsonl")) {
    const auto bytes = from_hex(std::string(vector.at("hex").as_string()));
    if (bytes[1] == std::byte{80})
      continue;
    INFO(std::string(vector.at("name").as_string()));
    const auto tree = decode_external(bytes);
    REQUIRE(tree.has_value());
    view v(bytes);
    CHECK(v.kind() == tree->kind());
    view whole = v;
    const auto rebuilt = erl::test::rebuild(v);
    REQUIRE(rebuilt.has_value());
    CHECK(exactly_equal(*rebuilt, *tree));
    CHECK(whole.skip());
    CHECK(whole.consumed() == v.consumed());
    CHECK(v.error() == etf_errc::none);
  }
}

TEST_CASE("bytes that are no term are an error of skip, and of no other verdict than a decoder's") {
  for (const auto& vector : erl::test::load_vectors("malformed.jsonl")) {
    if (vector.at("kind").as_string() != "etf" || !vector.at("hex").is_string())
      continue;
    const auto bytes = from_hex(std::string(vector.at("hex").as_string()));
    if (bytes.size() > 1 && bytes[1] == std::byte{80})
      continue;
    INFO(std::string(vector.at("name").as_string()));
    const auto tree = decode_external(bytes);
    view v(bytes);
    const bool skipped = v.skip();
    // Repeated keys and fields are for those who build maps and records.
    const auto code = tree ? etf_errc::none : tree.error().code;
    if (code != etf_errc::duplicate_key && code != etf_errc::bad_record)
      CHECK(skipped == tree.has_value());
    CHECK(skipped == (v.error() == etf_errc::none));
    if (!skipped) {
      CHECK(!v.kind());
      CHECK(!v.skip());
    }
  }
}

TEST_CASE("lists in compact form and lists without elements read like any other") {
  const auto compact = from_hex("836b000201ff");
  view v(compact);
  CHECK(v.kind() == term_kind::list);
  REQUIRE(v.enter_list() == 2);
  int element = 0;
  std::span<const std::byte> bytes;
  CHECK(!v.take_bytes(bytes));
  CHECK(v.take(element));
  CHECK(v.skip());
  CHECK(v.kind() == term_kind::nil);
  CHECK(v.take_nil());
  CHECK(!v.kind());

  const auto empty = from_hex("836c000000006c000000006105");
  view w(empty);
  CHECK(w.kind() == term_kind::integer);
  CHECK(w.take(element));
  CHECK(element == 5);
}

TEST_CASE("names are read without making atoms") {
  const auto bytes = from_hex("8368037709756e6b6e6f776e313277026f6b7302e56b");
  view v(bytes);
  REQUIRE(v.enter_tuple(3));
  const auto before = atom_count();
  atom value;
  std::string_view name;
  CHECK(!v.take(value));
  CHECK(v.take_name(name));
  CHECK(name == "unknown12");
  CHECK(v.take(value));
  CHECK(value == atoms::ok);
  // "åk" in Latin-1: matched, but not to be had as a name.
  CHECK(!v.take_name(name));
  CHECK(v.error() == etf_errc::none);
  CHECK(v.take_atom("åk"));
  CHECK(atom_count() == before);
}

TEST_CASE("a part is passed on as its bytes") {
  const auto bytes = gen_call();
  view v(bytes);
  REQUIRE(v.enter_tuple(3));
  REQUIRE(v.skip());
  REQUIRE(v.skip());
  std::span<const std::byte> request;
  REQUIRE(v.take_bytes(request));
  view inner = view::bare(request);
  CHECK(inner.enter_tuple(3));
  CHECK(inner.take_atom("add"));
}

TEST_CASE("atoms of a distribution header are read by their references") {
  const atom refs[] = {"ok", "client@host"};
  const auto bytes = from_hex("680252005852010000000100000002000000036105");
  view v = view::bare(bytes, refs);
  pid process;
  REQUIRE(v.enter_tuple(2));
  CHECK(v.take_atom("ok"));
  CHECK(v.take(process));
  CHECK(process == pid{refs[1], 1, 2, 3});
  const auto wrong = from_hex("5202");
  view w = view::bare(wrong, refs);
  CHECK(!w.take_atom("ok"));
  CHECK(w.error() != etf_errc::none);
}

TEST_CASE("a view of something else than a term takes nothing") {
  for (const char* hex : {"", "82", "83", "8350000000", "83ff"}) {
    INFO(hex);
    const auto bytes = from_hex(hex);
    view v(bytes);
    int number = 0;
    CHECK(!v.kind());
    CHECK(!v.take(number));
    CHECK(!v.enter_tuple());
    CHECK(!v.skip());
    CHECK(v.error() != etf_errc::none);
  }
}

TEST_CASE("an integer that is too large is called so") {
  std::vector<std::byte> bytes = from_hex("836f0009000000");
  bytes.resize(bytes.size() + 0x90000, std::byte{1});
  view v(bytes);
  std::int64_t value = 0;
  CHECK(!v.take(value));
  CHECK(v.error() == etf_errc::integer_too_large);
}
