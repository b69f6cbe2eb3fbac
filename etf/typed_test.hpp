/// What the tests of typed decoding and encoding share.
#pragma once

#include "support/vectors.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace typed_test {

inline std::vector<std::byte> bytes(std::string_view hex) { return erl::test::from_hex(hex); }

inline erl::term tree(std::string_view hex) { return erl::decode_external(bytes(hex)).value(); }

/// The value has these bytes, directly and by way of a term, and comes back from them and from the
/// term.
template <class T> void check_both_ways(const T& value, std::string_view hex) {
  INFO(hex);
  CHECK(erl::test::to_hex(erl::encode(value)) == hex);
  const erl::term whole = erl::to_term(value);
  std::vector<std::byte> encoded;
  erl::encode_external(whole, encoded);
  CHECK(erl::test::to_hex(encoded) == hex);
  const auto from_bytes = erl::decode<T>(bytes(hex));
  REQUIRE(from_bytes.has_value());
  CHECK(*from_bytes == value);
  const auto from_tree = erl::decode<T>(whole);
  REQUIRE(from_tree.has_value());
  CHECK(*from_tree == value);
  CHECK(erl::matches<T>(whole));
  CHECK(erl::fits<T>(whole));
}

/// Both sources give this value for these bytes.
template <class T> void check_decodes(std::string_view hex, const T& value) {
  INFO(hex);
  const auto from_bytes = erl::decode<T>(bytes(hex));
  REQUIRE(from_bytes.has_value());
  CHECK(*from_bytes == value);
  const auto from_tree = erl::decode<T>(tree(hex));
  REQUIRE(from_tree.has_value());
  CHECK(*from_tree == value);
}

/// Both sources refuse these bytes, with the same path and detail. Returns the error from the
/// bytes.
template <class T> erl::decode_error check_refuses(std::string_view hex, erl::etf_errc code) {
  INFO(hex);
  const auto from_bytes = erl::decode<T>(bytes(hex));
  REQUIRE_FALSE(from_bytes.has_value());
  CHECK(from_bytes.error().code == code);
  const erl::term whole = tree(hex);
  const auto from_tree = erl::decode<T>(whole);
  REQUIRE_FALSE(from_tree.has_value());
  CHECK(from_tree.error().code == code);
  CHECK(from_tree.error().path == from_bytes.error().path);
  CHECK(from_tree.error().detail == from_bytes.error().detail);
  CHECK_FALSE(erl::matches<T>(whole));
  return from_bytes.error();
}

} // namespace typed_test
