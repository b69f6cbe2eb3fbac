#include <erl/etf/builder.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace erl;

TEST_CASE("floats print as Erlang prints them") {
  const std::pair<double, const char*> floats[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {100.0, "100.0"},
      {1000.0, "1.0e3"},
      {1e4, "1.0e4"},
      {12345.0, "12345.0"},
      {1e5, "1.0e5"},
      {123456.0, "123456.0"},
      {123456.7, "123456.7"},
      {0.1, "0.1"},
      {0.01, "0.01"},
      {0.001, "0.001"},
      {1e-4, "0.0001"},
      {1e-5, "1.0e-5"},
      {1.2e-4, "1.2e-4"},
      {1.2345e-4, "1.2345e-4"},
      {0.00123, "0.00123"},
      {1e10, "1.0e10"},
      {1.2e10, "1.2e10"},
      {12345678.0, "12345678.0"},
      {1e15, "1.0e15"},
      {1234567890123456.0, "1234567890123456.0"},
      {9007199254740992.0, "9.007199254740992e15"},
      {5e-324, "5.0e-324"},
      {1.7976931348623157e308, "1.7976931348623157e308"},
      {-2.5, "-2.5"},
  };
  for (auto [value, text] : floats)
    CHECK(to_string(term(value)) == text);
}

TEST_CASE("atoms are quoted where Erlang needs it") {
  const std::pair<const char*, const char*> all[] = {
      {"ok", "ok"},
      {"a_B@1", "a_B@1"},
      {"\xc3\xa5", "\xc3\xa5"},
      {"", "''"},
      {"A", "'A'"},
      {"_a", "'_a'"},
      {"1a", "'1a'"},
      {"a b", "'a b'"},
      {"it's", "'it\\'s'"},
      {"a\\b", "'a\\\\b'"},
      {"\n\x7f\x01", R"('\n\d\001')"},
      {"\xc2\x85", "'\\205'"},
      {"case", "'case'"},
      {"maybe", "'maybe'"},
      {"query", "query"},
      {"\xc3\xb7", "'\xc3\xb7'"},
      {"Elixir.Foo", "'Elixir.Foo'"},
      {"\xe4\xb8\xad", "'\xe4\xb8\xad'"},
  };
  for (auto [name, text] : all)
    CHECK(to_string(term(atom(std::string_view(name)))) == text);
  CHECK(to_string(term(atom("\xe4\xb8\xad")), print_style::plain_latin1) == "'\\x{4E2D}'");
}

TEST_CASE("lists of characters print as strings only where asked to") {
  term text = list_of(104, 105, 10);
  CHECK(to_string(text) == "\"hi\\n\"");
  CHECK(to_string(text, print_style::plain) == "[104,105,10]");
  CHECK(to_string(list_of(1, 2)) == "[1,2]");
  CHECK(to_string(list_of(104, 256)) == "[104,256]");
  CHECK(to_string(list_of('"' + 0, '\\' + 0, '\'' + 0)) == R"("\"\\'")");
  term h(104);
  CHECK(to_string(term::list(std::vector<term_ref>{h}, atoms::ok)) == "[104|ok]");
}

TEST_CASE("binaries print as text where every byte is printable") {
  CHECK(to_string(term::text("abc")) == "<<\"abc\">>");
  CHECK(to_string(term::text("abc"), print_style::plain) == "<<97,98,99>>");
  CHECK(to_string(term::text("")) == "<<>>");
  CHECK(to_string(term::text("\xc3\xa5")) == "<<\"\xc3\xa5\"/utf8>>");
  CHECK(to_string(term::text("\xe5")) == "<<\"\xc3\xa5\">>");
  CHECK(to_string(term::text(std::string_view("\0", 1))) == "<<0>>");
  std::vector<std::byte> bytes{std::byte{170}, std::byte{0xa0}};
  CHECK(to_string(term::bit_string(bytes, 11)) == "<<170,5:3>>");
  CHECK(to_string(term::bit_string(bytes, 3)) == "<<5:3>>");
}

TEST_CASE("containers nest without spaces but around the arrows of maps") {
  term key = tuple_of(1, list_of(2));
  term value = list_of(3, 300);
  term map = term::map({{key, value}, {atoms::ok, key}});
  CHECK(to_string(map) == "#{ok => {1,[2]},{1,[2]} => [3,300]}");
  CHECK(to_string(tuple_of(map, term())) == "{#{ok => {1,[2]},{1,[2]} => [3,300]},[]}");
  CHECK(to_string(term::map({})) == "#{}");
  CHECK(to_string(term::tuple({})) == "{}");
  term a(1);
  CHECK(to_string(term::list(std::vector<term_ref>{a}, key)) == "[1|{1,[2]}]");
}

TEST_CASE("identifiers print with 0 for the own node") {
  pid p{"a@b", 5, 6, 7};
  std::string index = std::to_string(atom("a@b").index());
  CHECK(to_string(term(p)) == "<" + index + ".5.6>");
  CHECK(to_string(term(p), print_options{.own_node = "a@b"}) == "<0.5.6>");
  CHECK(to_string(term(port{"a@b", 9, 1}), print_options{.own_node = "a@b"}) == "#Port<0.9>");
  reference r{"a@b", 1, 3, {1, 2, 3, 0, 0}};
  CHECK(to_string(term(r), print_options{.own_node = "a@b"}) == "#Ref<0.3.2.1>");
  CHECK(to_string(term(p), print_options{.own_node = "a@b", .node_names = true}) == "<a@b.5.6>");
  CHECK(to_string(term(port{"a@127.0.0.1", 9, 1}), print_options{.node_names = true}) ==
        "#Port<'a@127.0.0.1'.9>");
  CHECK(to_string(term(r), print_options{.node_names = true}) == "#Ref<a@b.3.2.1>");
  CHECK(to_string(term(external_fun{"m", "F", 2})) == "fun m:'F'/2");
}

TEST_CASE("native records print with their fields") {
  builder b;
  b.begin_record("m", "n", false, std::vector<atom>{"f", "G"});
  b.add(1);
  b.begin_tuple(1);
  b.add(2);
  CHECK(to_string(b.finish()) == "#m:n{f = 1,'G' = {2}}");
}

TEST_CASE("text is cut at the limit, at the border of a character") {
  std::string thousand(1000, 'x');
  term long_list = list_of(tuple_of(1, 2, 3), thousand.c_str(), 5);
  std::string cut = to_string(long_list, print_options{.max_bytes = 20});
  CHECK(cut == "[{1,2,3},<<\"xxxxx...");
  CHECK(to_string(tuple_of(1, 2), print_options{.max_bytes = 5}) == "{1,2}");
  term accents = term::text("\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5");
  for (std::size_t limit = 3; limit < 18; ++limit) {
    std::string text = to_string(accents, print_options{.max_bytes = limit});
    CHECK(text.size() <= limit);
    CHECK(atom::intern(text)); // valid UTF-8
  }
  std::vector<std::uint64_t> words(50000, ~std::uint64_t{0});
  term huge(bigint(true, words));
  CHECK(to_string(huge, print_options{.max_bytes = 100}).size() == 100);
}

TEST_CASE("text is appended to what is there") {
  std::string text = "got ";
  print(tuple_of(1), text);
  CHECK(text == "got {1}");
}
