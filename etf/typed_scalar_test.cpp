#include "etf/typed_test.hpp"
#include <erl/etf/bigint.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

using namespace typed_test;
using erl::etf_errc;

TEST_CASE("integers take the shortest form and come back", "[typed]") {
  check_both_ways<int>(0, "836100");
  check_both_ways<int>(255, "8361ff");
  check_both_ways<int>(256, "836200000100");
  check_both_ways<int>(-1, "8362ffffffff");
  check_both_ways<std::int32_t>(std::numeric_limits<std::int32_t>::min(), "836280000000");
  check_both_ways<std::int64_t>(2147483648, "836e040000000080");
  check_both_ways<std::int64_t>(std::numeric_limits<std::int64_t>::max(),
                                "836e0800ffffffffffffff7f");
  check_both_ways<std::int64_t>(std::numeric_limits<std::int64_t>::min(),
                                "836e08010000000000000080");
  check_both_ways<std::uint64_t>(std::numeric_limits<std::uint64_t>::max(),
                                 "836e0800ffffffffffffffff");
  check_both_ways<std::uint8_t>(200, "8361c8");
  check_both_ways<std::int8_t>(-128, "8362ffffff80");
  check_both_ways<short>(-300, "8362fffffed4");
}

TEST_CASE("an integer outside the range of its type is refused, not cut", "[typed]") {
  CHECK(check_refuses<std::uint8_t>("836200000100", etf_errc::out_of_range).detail ==
        "expected integer in 0..255, got 256");
  CHECK(check_refuses<std::int8_t>("836180", etf_errc::out_of_range).detail ==
        "expected integer in -128..127, got 128");
  CHECK(check_refuses<unsigned>("8362ffffffff", etf_errc::out_of_range).detail ==
        "expected integer in 0..4294967295, got -1");
  check_refuses<std::int64_t>("836e08000000000000000080", etf_errc::out_of_range);
  check_refuses<std::int64_t>("836e08010100000000000080", etf_errc::out_of_range);
  check_refuses<std::uint64_t>("836e0900000000000000000001", etf_errc::out_of_range);
  check_refuses<int>("8377026f6b", etf_errc::wrong_type);
  check_refuses<int>("83463ff0000000000000", etf_errc::wrong_type);
}

TEST_CASE("big integers with leading zeros or in the large form are normalised", "[typed]") {
  check_decodes<int>("836e0a0005000000000000000000", 5);
  check_decodes<int>("836f000000020105000000", -5);
  check_decodes<int>("836e0001", 0);
  check_decodes<unsigned>("836e0001", 0U);
}

TEST_CASE("floats come back bit by bit, and exact integers are accepted for them", "[typed]") {
  check_both_ways<double>(1.5, "83463ff8000000000000");
  check_both_ways<double>(-0.0, "83468000000000000000");
  check_decodes<double>("8361ff", 255.0);
  check_decodes<double>("8362ffffffff", -1.0);
  check_decodes<double>("836e07000000000000002000000000", 9007199254740992.0);
  check_decodes<double>("8363312e3530303030303030303030303030303030303030652b30300000000000", 1.5);
  CHECK(check_refuses<double>("836e0700010000000000200000", etf_errc::out_of_range).detail ==
        "expected float, got 9007199254740993");
  check_refuses<double>("8377026f6b", etf_errc::wrong_type);
  CHECK_THROWS_AS(erl::encode(std::numeric_limits<double>::quiet_NaN()), std::domain_error);
  CHECK_THROWS_AS(erl::to_term(std::numeric_limits<double>::infinity()), std::domain_error);
}

TEST_CASE("a float that is no number is refused from bytes", "[typed]") {
  CHECK(erl::decode<double>(bytes("83467ff8000000000000")).error().code == etf_errc::bad_float);
  CHECK(erl::decode<double>(bytes("83467ff0000000000000")).error().code == etf_errc::bad_float);
}

TEST_CASE("bool is true and false and nothing else", "[typed]") {
  check_both_ways(true, "83770474727565");
  check_both_ways(false, "83770566616c7365");
  CHECK(check_refuses<bool>("8377026f6b", etf_errc::wrong_type).detail ==
        "expected boolean, got ok");
  check_refuses<bool>("836101", etf_errc::wrong_type);
}

TEST_CASE("atoms are read in every form that OTP has written", "[typed]") {
  check_both_ways(erl::atom("reset"), "8377057265736574");
  check_both_ways(erl::atom("\xc3\xa5"), "837702c3a5");
  check_decodes("8376000472657374", erl::atom("rest"));
  check_decodes("8373047265"
                "7374",
                erl::atom("rest"));
  check_decodes("837301e5", erl::atom("\xc3\xa5"));
  check_decodes("83640001e5", erl::atom("\xc3\xa5"));
  CHECK(check_refuses<erl::atom>("836111", etf_errc::wrong_type).detail == "expected atom, got 17");
}

TEST_CASE("a literal atom is read from Latin-1 and UTF-8 alike", "[typed]") {
  check_both_ways(erl::is<"\xc3\xa5">{}, "837702c3a5");
  check_decodes("837301e5", erl::is<"\xc3\xa5">{});
  check_decodes("83640001e5", erl::is<"\xc3\xa5">{});
  CHECK(check_refuses<erl::is<"reset">>("837705"
                                        "7374617274",
                                        etf_errc::wrong_value)
            .detail == "expected reset, got start");
  check_refuses<erl::is<"\xc3\xa5">>("837301e4", etf_errc::wrong_value);
}

TEST_CASE("atoms may come as references into an atom cache", "[typed]") {
  const std::array<erl::atom, 2> atoms{erl::atom("true"), erl::atom("reset")};
  const erl::decode_options options{.framing = erl::framing::bare, .atom_refs = atoms};
  CHECK(erl::decode<bool>(bytes("5200"), options).value());
  CHECK(erl::decode<erl::atom>(bytes("5201"), options).value() == erl::atom("reset"));
  CHECK(erl::decode<erl::is<"reset">>(bytes("5201"), options).has_value());
  CHECK(erl::decode<erl::atom>(bytes("5202"), options).error().code ==
        etf_errc::bad_atom_reference);
  CHECK(erl::decode<std::vector<erl::atom>>(bytes("6c000000025200520"
                                                  "16a"),
                                            options)
            .value() == std::vector<erl::atom>{"true", "reset"});
}

TEST_CASE("new atoms are counted where they are limited", "[typed]") {
  erl::decode_options options;
  options.limits.new_atoms = 0;
  CHECK(erl::decode<erl::atom>(bytes("8377026f6b"), options).value() == erl::atoms::ok);
  CHECK(erl::decode<erl::atom>(bytes("83770a74797065645f6e657731"), options).error().code ==
        etf_errc::too_many_new_atoms);
  options.limits.new_atoms = 1;
  CHECK(erl::decode<std::vector<erl::atom>>(
            bytes("836c00000002770a74797065645f6e657732770a74797065645f6e6577336a"), options)
            .error()
            .code == etf_errc::too_many_new_atoms);
}

TEST_CASE("matching a literal atom adds nothing to the atom table", "[typed]") {
  const auto before = erl::atom_count();
  const auto input = bytes("836c00000001770974797065645f6e6f6e6a");
  erl::source from(input);
  from.quiet();
  std::vector<std::variant<erl::is<"ok">, bool>> value;
  CHECK_FALSE(erl::decoder<decltype(value)>::read(from, value));
  CHECK(erl::atom_count() == before);
}

TEST_CASE("text and bytes are binaries", "[typed]") {
  check_both_ways(std::string("abc"), "836d00000003616263");
  check_both_ways(std::string(), "836d00000000");
  check_both_ways(std::vector<std::byte>{std::byte{1}, std::byte{0xff}}, "836d0000000201ff");
  check_decodes("834d00000001084a", std::string("J"));
  CHECK(erl::test::to_hex(erl::encode("abc")) == "836d00000003616263");
  CHECK(erl::to_term("abc") == erl::term::text("abc"));
  CHECK(check_refuses<std::string>("836b0003616263", etf_errc::wrong_type).detail ==
        "expected binary, got \"abc\"");
  check_refuses<std::string>("8377026f6b", etf_errc::wrong_type);
  check_refuses<std::string>("834d00000001044f", etf_errc::wrong_type);
}

TEST_CASE("borrowed text lies in the input", "[typed]") {
  const auto input = bytes("836d00000003616263");
  const auto text = erl::decode<std::string_view>(input);
  REQUIRE(text.has_value());
  CHECK(*text == "abc");
  CHECK(static_cast<const void*>(text->data()) == input.data() + 6);
  const auto span = erl::decode<std::span<const std::byte>>(input);
  CHECK(span.value().data() == input.data() + 6);
  const erl::term owner = erl::term::text(std::string(300, 'x'));
  CHECK(erl::decode<std::string_view>(owner).value().data() == owner.to_text().value().data());
  CHECK(erl::test::to_hex(erl::encode(*text)) == "836d00000003616263");
  CHECK(erl::test::to_hex(erl::encode(*span)) == "836d00000003616263");
}

TEST_CASE("identifiers are read in their new and old forms", "[typed]") {
  const erl::pid who{"a@b", 5, 6, 7};
  check_both_ways(who, "8358770361406200000005000000060000000"
                       "7");
  check_decodes("8367770361406200000005000000060"
                "2",
                erl::pid{"a@b", 5, 6, 2});
  check_both_ways(erl::port{"a@b", 5, 7}, "837877036140620000000000000005000000"
                                          "07");
  check_decodes("83597703614062000000050000"
                "0007",
                erl::port{"a@b", 5, 7});
  check_both_ways(erl::reference{"a@b", 7, 3, {1, 2, 3}},
                  "835a00037703614062000000070000000100000002000000"
                  "03");
  check_decodes("837200027703614062"
                "010000000100000002",
                erl::reference{"a@b", 1, 2, {1, 2}});
  check_refuses<erl::pid>("8377026f6b", etf_errc::wrong_type);
  check_refuses<erl::port>("8358770361406200000005000000060000000"
                           "7",
                           etf_errc::wrong_type);
  check_refuses<erl::reference>("836a", etf_errc::wrong_type);
  CHECK(erl::decode<erl::reference>(bytes("835a0000770361406200000007")).error().code ==
        etf_errc::bad_identifier);
  CHECK(erl::decode<erl::pid>(bytes("83587703614062000000050000")).error().code ==
        etf_errc::truncated);
}

TEST_CASE("integers of any size are read as bigint", "[typed]") {
  const auto big = erl::bigint::parse("36893488147419103233").value();
  check_both_ways(big, "836e0900010000000000000002");
  check_decodes("836105", erl::bigint(std::int64_t{5}));
  check_refuses<erl::bigint>("8377026f6b", etf_errc::wrong_type);
}

TEST_CASE("any term is read as a term", "[typed]") {
  check_both_ways(erl::term(), "836a");
  check_both_ways(tree("836802770"
                       "26f6b6c0000000161016102"),
                  "83680277026f6b6c0000000161016102");
}

TEST_CASE("a term inside an owned term shares its memory, inside a borrowed one it is copied",
          "[typed]") {
  const erl::term owner = erl::to_term(std::tuple(1, std::string(50, 'x')));
  const auto shared = erl::decode<std::tuple<int, erl::term>>(owner);
  CHECK(std::get<1>(shared.value()).to_text()->data() == owner.element(1).to_text()->data());
  const auto copied = erl::decode<std::tuple<int, erl::term>>(static_cast<erl::term_ref>(owner));
  CHECK(std::get<1>(copied.value()).to_text()->data() != owner.element(1).to_text()->data());
  const auto borrowed = erl::decode<std::tuple<int, erl::term_ref>>(owner);
  CHECK(std::get<1>(borrowed.value()).raw() == owner.element(1).raw());
  CHECK(erl::decode<std::tuple<int, erl::term_ref>>(erl::encode(owner)).error().code ==
        etf_errc::wrong_type);
}

TEST_CASE("to_term of a term is the term itself", "[typed]") {
  const erl::term owner = erl::term::text(std::string(50, 'x'));
  CHECK(erl::to_term(owner).raw() == owner.raw());
}
