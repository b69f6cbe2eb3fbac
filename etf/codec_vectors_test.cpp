// What the codec makes of the bytes that OTP made, and of bytes that OTP was fed.
#include "support/vectors.hpp"
#include <erl/etf/codec.hpp>
#include <erl/etf/print.hpp>

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <string>

using namespace erl;
using boost::json::object;

namespace {

std::string text_of(const object& vector, const char* key) {
  const auto* value = vector.if_contains(key);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

/// The bytes that the encoder is to produce.
std::string wanted_bytes(const object& vector) {
  for (const char* key : {"deterministic", "mv2", "hex"}) {
    if (vector.contains(key))
      return text_of(vector, key);
  }
  return {};
}

/// Replaces the index of the node a@b, which differs from VM to VM, by NODE.
std::string without_node_index(std::string text) {
  std::string index = std::to_string(atom("a@b").index()) + ".";
  for (const char* before : {"<", "#Port<", "#Ref<"}) {
    std::string from = before + index;
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from))
      text.replace(at, from.size(), std::string(before) + "NODE.");
  }
  return text;
}

bool was_compressed(const object& vector) { return text_of(vector, "hex").starts_with("8350"); }

/// Terms that OTP prints otherwise than we do, and why.
const std::map<std::string, std::string> printed_otherwise = {
    {"export_utf8", "OTP prints the UTF-8 bytes of a name as if they were Latin-1"},
    {R"(atom_24 ["25"])", "`maybe` needs quotes from OTP 27 on"},
    {R"(atom_25 ["25"])", "`else` needs quotes from OTP 27 on"},
};

/// Vectors whose `~tw` text was left out for its length.
bool has_plain_text(const object& vector) {
  return vector.contains("term_w") || text_of(vector, "name") != "bin_len_1000";
}

} // namespace

TEST_CASE("every term of OTP decodes, and encodes to OTP's deterministic bytes") {
  for (const object& vector : erl::test::load_vectors("etf.jsonl")) {
    INFO(text_of(vector, "name") << " " << boost::json::serialize(vector.at("otp")));
    auto decoded = decode_prefix(erl::test::from_hex(text_of(vector, "hex")));
    REQUIRE(decoded);
    CHECK(decoded->consumed == text_of(vector, "hex").size() / 2);
    std::vector<std::byte> encoded;
    encode_external(decoded->value, encoded);
    std::string wanted = wanted_bytes(vector);
    std::string releases = boost::json::serialize(vector.at("otp"));
    bool old_atoms =
        releases == R"(["25"])" && (vector.contains("deterministic") || !vector.contains("mv2"));
    // OTP 25 writes ports that fit 28 bits in their old form, and with some options old atoms.
    bool old_port = decoded->value.is_port() && wanted.starts_with("8359");
    if (!was_compressed(vector) && !old_port && !old_atoms)
      CHECK(erl::test::to_hex(encoded) == wanted);
    auto again = decode_external(encoded);
    REQUIRE(again);
    CHECK(*again == decoded->value);
  }
}

TEST_CASE("every form of a term that OTP writes decodes to the same term") {
  for (const object& vector : erl::test::load_vectors("etf.jsonl")) {
    INFO(text_of(vector, "name"));
    auto decoded = decode_external(erl::test::from_hex(text_of(vector, "hex")));
    REQUIRE(decoded);
    for (const char* form : {"mv0", "mv1", "mv2", "deterministic"}) {
      if (!vector.contains(form))
        continue;
      auto other = decode_external(erl::test::from_hex(text_of(vector, form)));
      REQUIRE(other);
      CHECK(*other == *decoded);
      CHECK(hash(*other) == hash(*decoded));
    }
  }
}

TEST_CASE("every term prints as OTP prints it") {
  for (const object& vector : erl::test::load_vectors("etf.jsonl")) {
    std::string name = text_of(vector, "name");
    std::string releases = boost::json::serialize(vector.at("otp"));
    INFO(name << " " << releases);
    auto decoded = decode_external(erl::test::from_hex(text_of(vector, "hex")));
    REQUIRE(decoded);
    std::string in_this_release = name;
    in_this_release.append(" ").append(releases);
    if (!vector.contains("term") || printed_otherwise.contains(name) ||
        printed_otherwise.contains(in_this_release))
      continue;
    std::string pretty = text_of(vector, "term");
    // A map whose deterministic bytes are others is in an order of its own in OTP, and prints in
    // that.
    if (vector.contains("deterministic")) {
      CHECK(to_string(*decoded).size() == pretty.size());
      continue;
    }
    CHECK(without_node_index(to_string(*decoded)) == pretty);
    std::string plain = vector.contains("term_w") ? text_of(vector, "term_w") : pretty;
    if (has_plain_text(vector))
      CHECK(without_node_index(to_string(*decoded, print_style::plain)) == plain);
  }
}
