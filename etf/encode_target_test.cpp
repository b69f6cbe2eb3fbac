// Where encoded bytes can go: a vector, a chain that shares large binaries, the caller's own
// memory.
#include "support/vectors.hpp"
#include <erl/etf/builder.hpp>
#include <erl/etf/byte_chain.hpp>
#include <erl/etf/codec.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

using namespace erl;

namespace {

std::vector<std::byte> encoded(const term& value) {
  std::vector<std::byte> out;
  encode_external(value, out);
  return out;
}

/// A term whose bytes need many pieces, with leaves of all sizes around the borders.
term large_term() {
  builder b;
  b.begin_list(3000);
  for (int i = 0; i < 3000; ++i) {
    b.begin_tuple(4);
    b.add(std::int64_t{1} << i % 62);
    b.text(std::string(static_cast<std::size_t>(i), 'x'));
    b.add(atom("an_atom_that_has_a_rather_long_name"));
    b.add(0.5 * i);
  }
  return b.finish();
}

} // namespace

TEST_CASE("every term of OTP encodes to the same bytes wherever they go") {
  for (const auto& vector : erl::test::load_vectors("etf.jsonl")) {
    INFO(std::string(vector.at("name").as_string()));
    const auto value =
        decode_external(erl::test::from_hex(std::string(vector.at("hex").as_string())));
    REQUIRE(value.has_value());
    const auto wanted = encoded(*value);
    byte_chain chain;
    encode(*value, chain);
    CHECK(chain.to_vector() == wanted);
    CHECK(chain.size() == wanted.size());
    std::vector<std::byte> exact(wanted.size());
    CHECK(encode_into(*value, exact) == wanted.size());
    CHECK(exact == wanted);
  }
}

TEST_CASE("a term that needs many pieces is the same in all of them") {
  const term value = large_term();
  const auto wanted = encoded(value);
  const auto again = decode_external(wanted);
  REQUIRE(again.has_value());
  CHECK(*again == value);
  byte_chain chain;
  encode(value, chain);
  CHECK(chain.to_vector() == wanted);
  std::vector<std::byte> exact(wanted.size());
  CHECK(encode_into(value, exact) == wanted.size());
  CHECK(exact == wanted);
}

TEST_CASE("memory that is too small is not overrun, and says how much it takes") {
  const term value = large_term();
  const auto wanted = encoded(value);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{31}, std::size_t{100},
                                 std::size_t{5000}, wanted.size() - 1}) {
    std::vector<std::byte> memory(size + 64, std::byte{0x5a});
    CHECK(encode_into(value, std::span(memory).first(size)) == wanted.size());
    for (std::size_t i = size; i < memory.size(); ++i)
      REQUIRE(memory[i] == std::byte{0x5a});
  }
}

TEST_CASE("a chain shares large binaries and outlives the term") {
  const shared_bytes large = shared_bytes::copy(std::vector(1 << 20, std::byte{7}));
  byte_chain chain;
  std::vector<std::byte> wanted;
  {
    const term value = tuple_of(term::binary(large, large.bytes()), 1);
    encode(value, chain);
    wanted = encoded(value);
  }
  bool shared = false;
  for (const auto piece : chain.pieces())
    shared |= piece.data() == large.bytes().data();
  CHECK(shared);
  CHECK(chain.to_vector() == wanted);
  CHECK(!large.unique());
  chain.clear();
  CHECK(large.unique());
  CHECK(chain.empty());
}

TEST_CASE("a chain is appended to, moved, and used again") {
  byte_chain chain;
  std::vector<std::byte> wanted;
  for (int round = 0; round < 3; ++round) {
    chain.clear();
    wanted.clear();
    for (int i = 0; i < 200; ++i) {
      const term value = tuple_of(i, std::string(static_cast<std::size_t>(7 * i), 'y'));
      encode(value, chain);
      encode_external(value, wanted);
      const auto head = erl::test::from_hex("0102");
      chain.append(head);
      wanted.insert(wanted.end(), head.begin(), head.end());
    }
    CHECK(chain.to_vector() == wanted);
    byte_chain moved = std::move(chain);
    CHECK(moved.to_vector() == wanted);
    chain = std::move(moved);
    CHECK(chain.size() == wanted.size());
  }
}

TEST_CASE("terms appended to one vector keep what is there") {
  std::vector<std::byte> out = erl::test::from_hex("ff");
  encode(tuple_of(1), out, {.framing = framing::bare});
  encode(large_term(), out, {.framing = framing::bare});
  CHECK(out[0] == std::byte{0xff});
  const auto first = decode_prefix(std::span(out).subspan(1), {.framing = framing::bare});
  REQUIRE(first.has_value());
  const auto second =
      decode_prefix(std::span(out).subspan(1 + first->consumed), {.framing = framing::bare});
  REQUIRE(second.has_value());
  CHECK(second->value == large_term());
}
