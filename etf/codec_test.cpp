#include "support/vectors.hpp"
#include <erl/etf/builder.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>
#include <erl/etf/writer.hpp>

#include <catch2/catch_test_macros.hpp>

#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using namespace erl;
using erl::test::from_hex;
using erl::test::to_hex;

namespace {

std::vector<std::byte> encoded(term_ref value) {
  std::vector<std::byte> bytes;
  encode_external(value, bytes);
  return bytes;
}

etf_errc error_of(const char* hex, const limits& limits = {}) {
  auto result = decode_external(from_hex(hex), limits);
  return result ? etf_errc::none : result.error().code;
}

} // namespace

TEST_CASE("several terms in one frame are taken one by one") {
  std::vector<std::byte> frame = from_hex("83610183680177026f6b83");
  auto first = decode_prefix(frame);
  REQUIRE(first);
  CHECK(first->value.to_int64() == 1);
  CHECK(first->consumed == 3);
  auto second = decode_prefix(std::span(frame).subspan(first->consumed));
  REQUIRE(second);
  CHECK(second->value.is_tuple(1));
  CHECK(second->consumed == 7);
}

TEST_CASE("bare terms take no version byte, and refuse one") {
  decode_options bare{.framing = framing::bare};
  auto result = decode_prefix(from_hex("6101"), bare);
  REQUIRE(result);
  CHECK(result->consumed == 2);
  CHECK(decode_prefix(from_hex("836101"), bare).error().code == etf_errc::bad_tag);
  CHECK(decode_prefix(from_hex("500000000278da4b64040000c50063"), bare).error().code ==
        etf_errc::bad_tag);
}

TEST_CASE("atom-cache references are looked up in the list that came with the message") {
  std::vector<atom> refs{"first", "second@node"};
  decode_options options{.framing = framing::bare, .atom_refs = refs};
  auto tuple = decode_prefix(from_hex("680252005852010000000100000002000000035200"), options);
  REQUIRE(tuple);
  CHECK(tuple->value.element(0).is("first"));
  CHECK(tuple->value.element(1).to_pid() == pid{"second@node", 1, 2, 3});
  CHECK(decode_prefix(from_hex("5202"), options).error().code == etf_errc::bad_atom_reference);
}

TEST_CASE("an encoder with an atom cache writes the references that the cache gives") {
  struct cache final : atom_cache_writer {
    int reference(atom value) override { return value == atom("second@node") ? 7 : -1; }
  } cache;
  std::vector<std::byte> bytes;
  encode(tuple_of(atoms::ok, pid{"second@node", 1, 2, 3}), bytes,
         {.framing = framing::bare, .atom_cache = &cache});
  CHECK(to_hex(bytes) == "680277026f6b585207000000010000000200000003");
}

TEST_CASE("the end of the bytes is noticed at every place") {
  std::vector<std::byte> whole =
      encoded(tuple_of(list_of(atoms::ok, 1000), 1.5, pid{"a@b", 1, 2, 3}, "text",
                       reference{"a@b", 1, 2, {1, 2, 0, 0, 0}}, external_fun{"m", "f", 1},
                       std::numeric_limits<std::uint64_t>::max(), port{"a@b", 1, 2}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    auto result = decode_external(std::span(whole).first(size));
    REQUIRE_FALSE(result);
    CHECK(result.error().offset <= size);
  }
  CHECK(decode_external(whole));
}

TEST_CASE("an error says where it is") {
  auto result = decode_external(from_hex("83680261016aff"));
  CHECK(result);
  result = decode_external(from_hex("8368026101ff"));
  REQUIRE_FALSE(result);
  CHECK(result.error() == decode_error{etf_errc::bad_tag, 5, {}, {}});
}

TEST_CASE("each limit is kept") {
  CHECK(error_of("8368016801610a", {.depth = 2}) == etf_errc::none);
  CHECK(error_of("8368016801610a", {.depth = 1}) == etf_errc::too_deep);
  CHECK(error_of("83680268006800", {.depth = 1}) == etf_errc::too_deep);
  CHECK(error_of("8374000000016101680161016a", {.depth = 1}) == etf_errc::too_deep);
  CHECK(error_of("83740000000161016a", {.depth = 1}) == etf_errc::none);
  CHECK(error_of("83680361016101610a", {.arity = 2}) == etf_errc::arity_too_large);
  CHECK(error_of("83740000000161016a", {.arity = 0}) == etf_errc::arity_too_large);
  CHECK(error_of("836b0003010203", {.bytes = 32}) == etf_errc::none);
  CHECK(error_of("836b0003010203", {.bytes = 24}) == etf_errc::too_large);
}

TEST_CASE("the limit on memory holds for every kind of term") {
  for (const auto& vector : erl::test::load_vectors("etf.jsonl")) {
    const auto bytes = erl::test::from_hex(std::string(vector.at("hex").as_string()));
    if (bytes[1] == std::byte{80})
      continue;
    INFO(std::string(vector.at("name").as_string()));
    for (const std::size_t most : {8U, 16U, 40U, 100U, 1000U, 10000U}) {
      const auto skipped = skip_term(std::span(bytes).subspan(1), {.limits = {.bytes = most}});
      const auto decoded = decode_external(bytes, {.bytes = most});
      CHECK(decoded.has_value() == skipped.has_value());
    }
  }
}

TEST_CASE("the tail of a list is no deeper than the list") {
  CHECK(error_of("836c0000000161016c0000000161026c0000000161036a", {.depth = 1}) == etf_errc::none);
}

TEST_CASE("new atoms are counted, known ones are not") {
  std::string hex = "83680377026f6b770a6e6577315f61746f6d73770a6e6577325f61746f6d73";
  CHECK(error_of(hex.c_str(), {.new_atoms = 0}) == etf_errc::too_many_new_atoms);
  CHECK_FALSE(atom::find("new1_atoms"));
  CHECK(error_of(hex.c_str(), {.new_atoms = 1}) == etf_errc::too_many_new_atoms);
  CHECK(error_of(hex.c_str(), {.new_atoms = 2}) == etf_errc::none);
  CHECK(error_of(hex.c_str(), {.new_atoms = 0}) == etf_errc::none);
}

TEST_CASE("bytes that fail the check leave no atoms behind") {
  auto before = atom_count();
  CHECK(error_of("836802770b6c6566745f626568696e64ff") == etf_errc::bad_tag);
  CHECK(atom_count() == before);
}

TEST_CASE("binaries share the owner of the input where they are large") {
  std::vector<std::byte> bytes = encoded(list_of(std::string(1000, 'x').c_str(), "small"));
  term value;
  const std::byte* place = nullptr;
  {
    shared_bytes owner = shared_bytes::copy(bytes);
    auto result = decode_prefix(owner.bytes(), {.owner = &owner});
    REQUIRE(result);
    value = result->value;
    place = value.head().to_binary()->data();
    CHECK((place >= owner.bytes().data() && place < owner.bytes().data() + bytes.size()));
  }
  CHECK(value.head().to_text() == std::string(1000, 'x'));
  CHECK(value.tail().head().to_text() == "small");
}

TEST_CASE("compressed terms expand to the announced size and no other") {
  term value = term::text(std::string(100000, 'z'));
  std::vector<std::byte> bytes = encode_compressed(value);
  CHECK(bytes.size() < 1000);
  auto result = decode_prefix(bytes);
  REQUIRE(result);
  CHECK(result->value == value);
  CHECK(result->consumed == bytes.size());
  for (int step : {-1, 1}) {
    std::vector<std::byte> wrong = bytes;
    wrong[5] = static_cast<std::byte>(std::to_integer<int>(wrong[5]) + step);
    CHECK(decode_external(wrong).error().code == etf_errc::bad_compression);
  }
  bytes.resize(bytes.size() - 5);
  CHECK(decode_external(bytes).error().code == etf_errc::bad_compression);
}

TEST_CASE("compressed terms are bounded by size and by ratio") {
  std::vector<std::byte> bytes = encode_compressed(term::text(std::string(1000000, 'z')));
  CHECK(decode_external(bytes));
  CHECK(decode_external(bytes, {.inflated = 100000}).error().code == etf_errc::too_large);
  CHECK(decode_external(bytes, {.inflate_ratio = 100}).error().code == etf_errc::too_large);
  // Announces 4 GB in a few bytes.
  CHECK(error_of("8350ffffffff78da4b64040000c50063", {.inflated = 1ULL << 40}) ==
        etf_errc::too_large);
}

TEST_CASE("what does not compress stays plain") {
  CHECK(encode_compressed(term(1)) == encoded(term(1)));
}

TEST_CASE("a skipped term is as long as a decoded one") {
  std::vector<std::byte> bytes = from_hex("6c00000002610174000000016101770161ff6a00");
  CHECK_FALSE(skip_term(bytes));
  bytes = from_hex("6c000000026101740000000161017701616aff");
  CHECK(skip_term(bytes) == bytes.size() - 1);
}

TEST_CASE("the writer gives the bytes of the encoder") {
  std::vector<std::byte> bytes;
  etf::writer w(bytes);
  pid p{"a@b", 1, 2, 3};
  reference r{"a@b", 3, 3, {1, 2, 3, 0, 0}};
  w.version();
  w.tuple(14);
  w.atom(atoms::ok);
  w.boolean(true);
  w.integer(-1);
  w.unsigned_integer(std::numeric_limits<std::uint64_t>::max());
  w.floating(1.5);
  w.text("text");
  w.bit_string(from_hex("ff"), 3);
  w.pid(p);
  w.reference(r);
  w.port({"a@b", 9, 1});
  w.external_fun("m", "f", 3);
  w.list(1);
  w.integer(300);
  w.nil();
  w.byte_list(from_hex("0102"));
  w.map(1);
  w.integer(1);
  w.big_integer(*bigint::parse("-18446744073709551616"));
  term bits = term::bit_string(from_hex("e0"), 3);
  term one(1);
  term large(*bigint::parse("-18446744073709551616"));
  term same = tuple_of(atoms::ok, true, -1, std::numeric_limits<std::uint64_t>::max(), 1.5, "text",
                       bits, p, r, port{"a@b", 9, 1}, external_fun{"m", "f", 3}, list_of(300),
                       list_of(1, 2), term::map({{one, large}}));
  CHECK(to_hex(bytes) == to_hex(encoded(same)));
  CHECK_THROWS_AS(w.floating(std::numeric_limits<double>::infinity()), std::domain_error);
}

TEST_CASE("lists of bytes are strings up to 65535, joined or not") {
  builder b;
  b.begin_list_with_tail(2);
  b.add(1);
  b.add(2);
  b.begin_list(1);
  b.add(3);
  CHECK(to_hex(encoded(b.finish())) == "836b0003010203");
  CHECK(to_hex(encoded(list_of(255, 0))) == "836b0002ff00");
  CHECK(to_hex(encoded(list_of(256, 0))) == "836c000000026200000100"
                                            "61006a");
  CHECK(to_hex(encoded(list_of(-1))) == "836c0000000162ffffffff6a");
  term one(1);
  CHECK(to_hex(encoded(term::list(std::vector<term_ref>{one}, atoms::ok))) ==
        "836c00000001610177026f6b");
}

TEST_CASE("the size of a closure is computed anew") {
  // Announced as 5, and with an old pid inside.
  auto fun =
      decode_external(from_hex("8370000000050101010101010101010101010101010101000000000000000177"
                               "016d61016200000001677703614062000000010000000000"
                               "616c"));
  REQUIRE(fun);
  std::vector<std::byte> bytes = encoded(*fun);
  REQUIRE(bytes.size() > 6);
  CHECK(std::to_integer<std::size_t>(bytes[5]) == bytes.size() - 2);
  CHECK(decode_external(bytes) == *fun);
}

TEST_CASE("floats in text form are read as OTP reads them") {
  auto read = [](std::string text) -> std::optional<double> {
    text.resize(31, '\0');
    std::vector<std::byte> bytes = from_hex("8363");
    for (char c : text)
      bytes.push_back(static_cast<std::byte>(c));
    auto result = decode_external(bytes);
    return result ? result->to_double() : std::nullopt;
  };
  CHECK(read("1.50000000000000000000e+00") == 1.5);
  CHECK(read("+1.5E3") == 1500.0);
  CHECK(read("01.5") == 1.5);
  CHECK(read("4.94e-324") == 5e-324);
  CHECK(read("1.0e-400") == 0.0);
  for (const char* text : {"", "1", "1.", ".5", "1.5e", "1.5e+", "1.0e400", "1.5 ", " 1.5", "1,5",
                           "+-1.5", "nan", "inf", "0x1.8p0", "1.5e5."})
    CHECK_FALSE(read(text));
}

TEST_CASE("a source may add as many atoms as its budget has, over all of its inputs") {
  atom_budget budget{.left = 3};
  const auto add = [&](const std::vector<std::string>& names) {
    std::vector<std::byte> bytes = {std::byte{131}, std::byte{104},
                                    static_cast<std::byte>(names.size())};
    for (const std::string& name : names) {
      bytes.push_back(std::byte{119});
      bytes.push_back(static_cast<std::byte>(name.size()));
      for (const char c : name)
        bytes.push_back(static_cast<std::byte>(c));
    }
    const auto result = decode_prefix(bytes, {.budget = &budget});
    return result ? etf_errc::none : result.error().code;
  };
  CHECK(add({"budget_a", "budget_b"}) == etf_errc::none);
  CHECK(budget.left == 1);
  CHECK(add({"budget_a", "budget_b", "ok"}) == etf_errc::none);
  CHECK(budget.left == 1);
  CHECK(add({"budget_c", "budget_d"}) == etf_errc::too_many_new_atoms);
  CHECK(budget.left == 0);
  CHECK_FALSE(atom::find("budget_d"));
  CHECK(add({"budget_a"}) == etf_errc::none);
}
