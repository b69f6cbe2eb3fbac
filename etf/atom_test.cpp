#include <erl/etf/atom.hpp>
#include <erl/etf/atoms.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace erl;

TEST_CASE("the same text gives the same atom, and keeps its text") {
  atom a("an_atom");
  CHECK(a == atom(std::string_view("an_atom")));
  CHECK(a.text() == "an_atom");
  CHECK(atom::from_index(a.index()) == a);
  CHECK(a != atom("another"));
}

TEST_CASE("the empty atom has index 0 and is the default") {
  CHECK(atom().text().empty());
  CHECK(atom("").index() == 0);
}

TEST_CASE("predefined atoms are constants with their own text") {
  static_assert(atoms::normal != atoms::kill);
  CHECK(atoms::normal.text() == "normal");
  CHECK(atoms::exit_signal == atom("EXIT"));
  CHECK(atoms::gen_call == atom("$gen_call"));
  std::set<std::string_view> all(std::begin(detail::predefined_atoms),
                                 std::end(detail::predefined_atoms));
  CHECK(all.size() == std::size(detail::predefined_atoms));
}

TEST_CASE("a literal with a NUL inside is an atom of its whole length") {
  CHECK(atom("a\0b").text() == std::string_view("a\0b", 3));
}

TEST_CASE("255 characters are legal and 256 are not, whatever their size in bytes") {
  std::string wide;
  for (int i = 0; i < 255; ++i)
    wide += "\xf0\x9f\x98\x80";
  CHECK(atom::intern(wide));
  CHECK(atom::intern(std::string(255, 'x')));
  CHECK(atom::intern(wide + "x").error() == etf_errc::atom_too_long);
  CHECK_THROWS_AS(atom(std::string(256, 'x')), std::invalid_argument);
}

TEST_CASE("text that is not UTF-8 is no atom") {
  for (std::string_view text :
       {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xff", "a\xe4\xb8", "12345678\xff"})
    CHECK(atom::intern(text).error() == etf_errc::bad_utf8);
}

TEST_CASE("find does not add to the table") {
  CHECK_FALSE(atom::find("nobody_has_made_this_atom"));
  auto before = atom_count();
  CHECK_FALSE(atom::find("nobody_has_made_this_atom"));
  CHECK(atom_count() == before);
  CHECK(atom::find("normal") == atoms::normal);
}

TEST_CASE("atoms are ordered by their characters, a prefix first") {
  const char* sorted[] = {"",  "A", "a", "aa", "aaaaaaaaaa", "aaaaaaaaab",
                          "b", "z", "ä", "å",  "中",         "😀"};
  for (std::size_t i = 0; i + 1 < std::size(sorted); ++i) {
    CHECK(compare(atom(std::string_view(sorted[i])), atom(std::string_view(sorted[i + 1]))) < 0);
    CHECK(compare(atom(std::string_view(sorted[i + 1])), atom(std::string_view(sorted[i]))) > 0);
  }
  CHECK(compare(atom("a"), atom("a")) == 0);
  CHECK(compare(atom("a"), atom("a\0")) < 0);
}

TEST_CASE("at the limit a new atom is refused and old ones are still found") {
  auto count = atom_count();
  set_atom_limit(count);
  CHECK(atom::intern("one_over_the_limit").error() == etf_errc::atom_table_full);
  CHECK_THROWS_AS(atom("one_over_the_limit"), std::length_error);
  CHECK(atom::intern("normal") == atoms::normal);
  set_atom_limit(1U << 20);
  CHECK(atom::intern("one_over_the_limit"));
}

TEST_CASE("threads that add the same atoms at once agree on them") {
  constexpr int count = 20000;
  std::vector<std::vector<std::uint32_t>> seen(4);
  {
    std::vector<std::jthread> threads;
    threads.reserve(seen.size());
    for (auto& mine : seen)
      threads.emplace_back([&mine] {
        for (int i = 0; i < count; ++i)
          mine.push_back(atom::intern("t" + std::to_string(i))->index());
      });
  }
  CHECK(seen[0] == seen[1]);
  CHECK(seen[0] == seen[2]);
  CHECK(seen[0] == seen[3]);
  CHECK(std::set<std::uint32_t>(seen[0].begin(), seen[0].end()).size() == count);
  for (int i = 0; i < count; ++i)
    REQUIRE(atom::from_index(seen[0][static_cast<std::size_t>(i)]).text() ==
            "t" + std::to_string(i));
}
