#include "dist/atom_cache.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace erl;
using namespace erl::dist;

namespace {

/// The references of a message that uses `atoms`, as the peer reads them.
struct passed {
  std::vector<int> indices;
  std::vector<atom> read;
  std::size_t bytes;
};

passed pass(sent_atoms& sent, received_atoms& received, const std::vector<atom>& atoms) {
  passed result;
  sent.begin();
  for (const atom each : atoms)
    result.indices.push_back(sent.reference(each));
  std::vector<std::byte> bytes(sent.size() + 1, std::byte{0x5a});
  sent.write(bytes.data());
  result.bytes = bytes.size() - 1;
  std::span<const std::byte> rest(bytes);
  atom_budget budget{.left = 0};
  const auto list = received.read(rest, budget);
  REQUIRE(list);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0] == std::byte{0x5a});
  result.read.assign(list->begin(), list->end());
  for (std::size_t i = 0; i < atoms.size(); ++i)
    if (result.indices[i] >= 0)
      CHECK(result.read.at(static_cast<std::size_t>(result.indices[i])) == atoms[i]);
  return result;
}

std::vector<atom> numbered(const std::string& prefix, int count) {
  std::vector<atom> result;
  for (int i = 0; i < count; ++i)
    result.emplace_back(prefix + std::to_string(i));
  return result;
}

} // namespace

TEST_CASE("an atom is written out once, and referred to afterwards", "[atom_cache]") {
  sent_atoms sent;
  received_atoms received;
  const std::vector<atom> atoms{"cache_test_a", "", "cache_test_a", "cache_test_b"};
  const auto first = pass(sent, received, atoms);
  CHECK(first.indices == std::vector{0, 1, 0, 2});
  const auto second = pass(sent, received, atoms);
  CHECK(second.indices == first.indices);
  // The count, flags for three and the message's own, and a byte each.
  CHECK(second.bytes == 1 + 2 + 3);
  CHECK(pass(sent, received, {}).bytes == 1);
}

TEST_CASE("many more atoms than slots keep their meaning", "[atom_cache]") {
  sent_atoms sent;
  received_atoms received;
  const auto atoms = numbered("cache_many_", 5000);
  for (int round = 0; round < 3; ++round)
    for (std::size_t begin = 0; begin < atoms.size(); begin += 100)
      pass(sent, received,
           std::vector(atoms.begin() + static_cast<std::ptrdiff_t>(begin),
                       atoms.begin() + static_cast<std::ptrdiff_t>(begin) + 100));
}

TEST_CASE("a message has 255 references at most", "[atom_cache]") {
  sent_atoms sent;
  received_atoms received;
  const auto result = pass(sent, received, numbered("cache_most_", 400));
  CHECK(result.read.size() <= 255);
  CHECK(result.indices.back() == -1);
}

TEST_CASE("a long name makes all lengths long", "[atom_cache]") {
  sent_atoms sent;
  received_atoms received;
  std::string name;
  for (int i = 0; i < 200; ++i)
    name += "\u00e5";
  const std::vector<atom> atoms{atom(name), "cache_short"};
  const auto result = pass(sent, received, atoms);
  CHECK(result.read == atoms);
}

TEST_CASE("a message that is not sent leaves the caches equal", "[atom_cache]") {
  sent_atoms sent;
  received_atoms received;
  const auto atoms = numbered("cache_gone_", 50);
  sent.begin();
  for (const atom each : atoms)
    sent.reference(each);
  sent.abandon();
  pass(sent, received, atoms);
}

TEST_CASE("new names are charged to the peer", "[atom_cache]") {
  received_atoms received;
  atom_budget budget{.left = 1};
  // One new reference in segment 0, slot 7.
  std::string bytes("\x01\x08\x07\x0b", 4);
  const auto read = [&](const std::string& name) {
    const std::string message = bytes + name;
    auto rest = std::as_bytes(std::span(message));
    return received.read(rest, budget);
  };
  REQUIRE(read("cache_new_1"));
  REQUIRE(read("cache_new_1"));
  CHECK(read("cache_new_2").error() == etf_errc::too_many_new_atoms);
  CHECK_FALSE(atom::find("cache_new_2"));
}
