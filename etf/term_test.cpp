#include <erl/etf/builder.hpp>
#include <erl/etf/term.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <vector>

using namespace erl;

namespace {

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

const pid some_pid{"a@b", 7, 8, 9};
const reference some_reference{"a@b", 3, 3, {1, 2, 3, 0, 0}};

} // namespace

TEST_CASE("a term is 16 bytes, a look at one 8") {
  STATIC_CHECK(sizeof(term) == 16);
  STATIC_CHECK(sizeof(term_ref) == 8);
}

TEST_CASE("a new term is the empty list") {
  CHECK(term().is_nil());
  CHECK(term().kind() == term_kind::nil);
}

TEST_CASE("integers of every width come back as they went in") {
  using limits = std::numeric_limits<std::int64_t>;
  for (std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 59, std::int64_t{1} << 60,
        -(std::int64_t{1} << 60), -(std::int64_t{1} << 60) - 1, limits::max(), limits::min()}) {
    term t(value);
    CHECK(t.to_int64() == value);
    CHECK(t.kind() == term_kind::integer);
    CHECK(t.to_bigint() == bigint(value));
  }
  term large(std::numeric_limits<std::uint64_t>::max());
  CHECK(large.to_uint64() == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(large.to_int64());
  CHECK(large.kind() == term_kind::big_integer);
  CHECK_FALSE(term(-1).to_uint64());
  CHECK(term(std::uint8_t{7}).to_int64() == 7);
}

TEST_CASE("a bigint that fits becomes a small integer") {
  CHECK(term(bigint(std::int64_t{5})) == term(5));
  CHECK(term(*bigint::parse("18446744073709551616")).to_bigint()->to_string() ==
        "18446744073709551616");
}

TEST_CASE("atoms, booleans and floats are themselves") {
  CHECK(term(atoms::ok).to_atom() == atoms::ok);
  CHECK(term(atoms::ok).is(atoms::ok));
  CHECK(term(true).to_bool() == true);
  CHECK(term(false).is(atoms::false_));
  CHECK_FALSE(term(atoms::ok).to_bool());
  CHECK(term(1.5).to_double() == 1.5);
  CHECK_FALSE(term(1).to_double());
}

TEST_CASE("what Erlang does not have is refused") {
  CHECK_THROWS_AS(term(std::nan("")), std::domain_error);
  CHECK_THROWS_AS(term(std::numeric_limits<double>::infinity()), std::domain_error);
  CHECK_THROWS_AS(term(reference{}), std::invalid_argument);
  CHECK_THROWS_AS(term::bit_string(bytes("a"), 9), std::invalid_argument);
}

TEST_CASE("identifiers come back as they went in") {
  CHECK(term(some_pid).to_pid() == some_pid);
  CHECK(term(some_reference).to_reference() == some_reference);
  port p{"a@b", 1ULL << 40, 2};
  CHECK(term(p).to_port() == p);
  external_fun f{"m", "f", 255};
  CHECK(term(f).to_external_fun() == f);
  CHECK(term(f).is_fun());
}

TEST_CASE("binaries of any size come back as they went in") {
  for (std::size_t size : {0U, 1U, 7U, 8U, 9U, 256U, 257U, 100000U}) {
    std::string text(size, 'x');
    term t = term::text(text);
    CHECK(t.to_text() == text);
    CHECK(t.is_binary());
    CHECK(t.kind() == term_kind::bitstring);
    CHECK(term::copy(t) == t);
  }
}

TEST_CASE("a copy of a large binary shares its bytes") {
  term t = term::text(std::string(1000, 'x'));
  term copy = term::copy(t);
  CHECK(copy.to_binary()->data() == t.to_binary()->data());
  t = term();
  CHECK(copy.to_text() == std::string(1000, 'x'));
}

TEST_CASE("a slice keeps its owner alive") {
  term t;
  {
    shared_bytes owner = shared_bytes::copy(bytes(std::string(1000, 'y')));
    t = term::binary(owner, owner.bytes().subspan(100, 500));
    CHECK_FALSE(owner.unique());
  }
  CHECK(t.to_text() == std::string(500, 'y'));
}

TEST_CASE("shared bytes keep their values when they grow") {
  shared_bytes grown;
  for (std::size_t size = 1; size < 3'000'000; size *= 3) {
    const auto before = grown.bytes().size();
    grown.resize(size);
    REQUIRE(grown.bytes().size() == size);
    for (std::size_t i = before; i < size; ++i)
      grown.writable()[i] = static_cast<std::byte>(i % 251);
  }
  for (std::size_t i = 0; i < grown.bytes().size(); ++i)
    REQUIRE(grown.bytes()[i] == static_cast<std::byte>(i % 251));
  grown.resize(10);
  CHECK(grown.bytes().size() == 10);
}

TEST_CASE("a block for more than is needed is taken only where it is free") {
  constexpr std::size_t large = 5'000'000;
  const std::byte* freed = shared_bytes::allocate(large, large).bytes().data();
  shared_bytes growing = shared_bytes::allocate(10, large);
  CHECK(growing.bytes().size() == 10);
  const std::byte* const begin = growing.bytes().data();
  growing.resize(large);
  if (begin == freed) // not where a sanitizer keeps freed memory apart
    CHECK(growing.bytes().data() == begin);
  growing = shared_bytes::allocate(10, 100'000);
  growing.resize(large, 100'000); // more than was wanted
  std::ranges::fill(growing.writable(), std::byte{1});
  CHECK(growing.capacity() >= large);
  shared_bytes others[100];
  for (auto& each : others) // more than are kept free
    each = shared_bytes::allocate(large, large);
}

TEST_CASE("unused bits of a bit string are zero") {
  term t = term::bit_string(bytes("\xff\xff"), 11);
  auto bits = t.to_bits();
  REQUIRE(bits);
  CHECK(bits->size == 11);
  CHECK(bits->bytes[1] == std::byte{0xe0});
  CHECK_FALSE(t.to_binary());
  CHECK(term::bit_string(bytes("ab"), 8) == term::text("a"));
}

TEST_CASE("a tuple has its elements") {
  term t = tuple_of(atoms::ok, 1, "two", some_pid);
  REQUIRE(t.is_tuple(4));
  CHECK(t.is_tuple(atoms::ok, 4));
  CHECK_FALSE(t.is_tuple(atoms::error, 4));
  CHECK(t.element(1).to_int64() == 1);
  CHECK(t.element(2).to_text() == "two");
  CHECK(t.elements().size() == 4);
  CHECK(t.elements()[3].to_pid() == some_pid);
  CHECK(term::tuple({}).is_tuple(0));
  CHECK(term::tuple({t, term(1)}).element(0) == t);
}

TEST_CASE("a list is walked by head and tail and by range") {
  term t = list_of(1, 2, 3);
  CHECK(t.head().to_int64() == 1);
  CHECK(t.tail().tail().head().to_int64() == 3);
  CHECK(t.tail().tail().tail().is_nil());
  std::vector<std::int64_t> seen;
  for (term_ref element : t.items())
    seen.push_back(*element.to_int64());
  CHECK(seen == std::vector<std::int64_t>{1, 2, 3});
  CHECK(t.list_length() == 3);
  CHECK(term().list_length() == 0);
  for (term_ref element : term(1).items())
    FAIL(element.raw());
}

TEST_CASE("an improper list keeps its tail") {
  term t = term::list(std::vector<term_ref>{atoms::alias}, term(some_reference));
  CHECK(t.tail().to_reference() == some_reference);
  CHECK(t.list_tail().is_reference());
  CHECK_FALSE(t.list_length());
  CHECK(t.is_cons());
}

TEST_CASE("a list that continues another one is equal to the list in one piece") {
  term tail = list_of(2, 3);
  term in_two = term::list(std::vector<term_ref>{term_ref(atoms::ok)}, tail);
  term in_one = list_of(atoms::ok, 2, 3);
  CHECK(in_two == in_one);
  CHECK(hash(in_two) == hash(in_one));
  CHECK(in_two.list_length() == 3);
  CHECK(compare(in_two, in_one) == 0);
  CHECK(term::copy(in_two) == in_one);
}

TEST_CASE("a map is sorted and searched by exact key") {
  term one(1);
  term one_float(1.0);
  term t = term::map({{atoms::ok, one}, {one_float, atoms::error}, {one, atoms::nil}});
  REQUIRE(t.map_size() == 3);
  CHECK(t.map_key(0).to_int64() == 1);
  CHECK(t.map_key(1).to_double() == 1.0);
  CHECK(t.map_key(2).is(atoms::ok));
  CHECK(t.find(one)->is(atoms::nil));
  CHECK(t.find(one_float)->is(atoms::error));
  CHECK(t.find(atoms::ok)->to_int64() == 1);
  CHECK_FALSE(t.find(atoms::error));
  CHECK_FALSE(term(1).find(atoms::ok));
}

TEST_CASE("of equal keys the last one stays") {
  for (int size : {3, 40}) {
    builder b;
    b.begin_map(2 * static_cast<std::size_t>(size));
    for (int i = 0; i < 2 * size; ++i) {
      b.add(size - i % size);
      b.add(i);
    }
    term t = b.finish();
    CHECK(t.map_size() == static_cast<std::size_t>(size));
    CHECK(t.find(term(size))->to_int64() == size);
    CHECK(t.find(term(1))->to_int64() == 2 * size - 1);
  }
}

TEST_CASE("a large map finds each of its keys") {
  builder b;
  b.begin_map(1000);
  for (int i = 0; i < 1000; ++i) {
    b.text(std::to_string(i * 7919 % 1000));
    b.add(i);
  }
  term t = b.finish();
  for (int i = 0; i < 1000; ++i)
    REQUIRE(t.find(term::text(std::to_string(i * 7919 % 1000)))->to_int64() == i);
  CHECK_FALSE(t.find(term::text("x")));
}

TEST_CASE("a part that is shared outlives the whole") {
  term part;
  {
    term whole = tuple_of(atoms::ok, "some text");
    part = whole.share(whole.element(1));
  }
  CHECK(part.to_text() == "some text");
}

TEST_CASE("copies and moves of terms leave what they should") {
  term t = tuple_of(1, 2);
  term copy = t;
  term moved = std::move(t);
  CHECK(t.is_nil()); // NOLINT(bugprone-use-after-move)
  CHECK(copy == moved);
  copy = moved;
  CHECK(copy.element(1).to_int64() == 2);
}

TEST_CASE("the builder nests containers and closes them by itself") {
  builder b;
  b.begin_tuple(4);
  b.begin_list_with_tail(2);
  b.begin_map(1);
  b.add(atoms::ok);
  b.begin_tuple(0);
  b.nil();
  b.begin_list_with_tail(0);
  b.add(7);
  b.begin_map(0);
  b.begin_record("m", "n", true, std::vector<atom>{"f"});
  b.add(2.5);
  b.text("end");
  term t = b.finish();
  REQUIRE(t.is_tuple(4));
  term_ref list = t.element(0);
  CHECK(list.head().map_size() == 1);
  CHECK(list.head().map_value(0).is_tuple(0));
  CHECK(list.tail().head().is_nil());
  CHECK(list.list_tail().to_int64() == 7);
  CHECK(t.element(1).map_size() == 0);
  auto record = t.element(2).to_record();
  REQUIRE(record);
  CHECK(record->exported);
  CHECK(record->name == atom("n"));
  CHECK(record->fields[0].is("f"));
  CHECK(record->values[0].to_double() == 2.5);
  CHECK(t.element(3).to_text() == "end");
  CHECK(term::copy(t) == t);
  CHECK(hash(term::copy(t)) == hash(t));
}

TEST_CASE("the builder refuses one value too many, and one too few") {
  builder b;
  b.begin_tuple(1);
  CHECK_THROWS_AS(b.finish(), std::logic_error);
  b.add(1);
  CHECK_THROWS_AS(b.add(2), std::logic_error);
  CHECK(b.finish().is_tuple(1));
  b.add(3);
  CHECK(b.finish().to_int64() == 3);
}

TEST_CASE("a closure keeps all of its parts") {
  term five(5);
  closure_info info;
  info.module = "m";
  info.arity = 1;
  info.index = 2;
  info.unique.fill(std::byte{9});
  info.old_index = -3;
  info.old_unique = 4;
  info.creator = some_pid;
  term_ref variable = five;
  info.variables = {&variable, 1};
  builder b;
  b.add(info);
  term t = b.finish();
  term copy = term::copy(t);
  for (term_ref each : {term_ref(t), term_ref(copy)}) {
    auto read = each.to_closure();
    REQUIRE(read);
    CHECK(read->module == info.module);
    CHECK(read->arity == 1);
    CHECK(read->index == 2);
    CHECK(read->unique == info.unique);
    CHECK(read->old_index == -3);
    CHECK(read->old_unique == 4);
    CHECK(read->creator == some_pid);
    CHECK(read->variables[0].to_int64() == 5);
  }
  CHECK(t == copy);
}

TEST_CASE("exact equality keeps integers, floats and the two zeros apart, `==` does not") {
  term a = list_of(1, 0.0);
  term b = list_of(1.0, -0.0);
  CHECK(equal(a, b));
  CHECK_FALSE(a == b);
  CHECK_FALSE(term(0.0) == term(-0.0));
  CHECK(term(1) == term(1));
  CHECK(term::map({{term(1), a}}) != term::map({{term(1), b}}));
  CHECK(equal(term::map({{term(1), a}}), term::map({{term(1), b}})));
  CHECK_FALSE(equal(term::map({{term(1), a}}), term::map({{term(1.0), a}})));
}

TEST_CASE("references with trailing zero words are one reference") {
  term three(some_reference);
  reference longer = some_reference;
  longer.size = 5;
  term five(longer);
  CHECK(three == five);
  CHECK(hash(three) == hash(five));
}

TEST_CASE("equal terms in different forms hash alike, and the hash tells others apart") {
  std::unordered_set<std::size_t> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(hash(term(i)));
    seen.insert(hash(tuple_of(i)));
    seen.insert(hash(list_of(i)));
    seen.insert(hash(term::text(std::to_string(i))));
    seen.insert(hash(term(i + 0.5)));
  }
  CHECK(seen.size() == 5000);
  std::string text(500, 'z');
  shared_bytes owner = shared_bytes::copy(bytes(text));
  CHECK(hash(term::binary(owner, owner.bytes())) == hash(term::text(text)));
}
