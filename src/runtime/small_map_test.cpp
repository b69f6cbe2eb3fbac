#include "runtime/small_map.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <random>

using erl::runtime::small_map;

TEST_CASE("a small map has what a map has, whatever its size") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    small_map<int, int> map;
    std::map<int, int> model;
    const int keys = seed % 2 == 0 ? 12 : 200; // below and above the size at which an index is made
    for (int step = 0; step < 3000; ++step) {
      const int key = static_cast<int>(random() % static_cast<unsigned>(keys));
      switch (random() % 5) {
      case 0:
      case 1: {
        const auto [value, added] = map.try_emplace(key, step);
        const auto [expected, really] = model.try_emplace(key, step);
        CHECK(added == really);
        CHECK(*value == expected->second);
        break;
      }
      case 2:
        CHECK(map.erase(key) == (model.erase(key) != 0));
        break;
      case 3: {
        const auto* found = map.find_entry(key);
        const auto expected = model.find(key);
        REQUIRE((found != nullptr) == (expected != model.end()));
        if (found != nullptr) {
          CHECK(found->second == expected->second);
          map.erase(found);
          model.erase(expected);
        }
        break;
      }
      default:
        if (random() % 100 == 0) {
          const auto odd = [](const auto& each) { return each.second % 2 != 0; };
          map.erase_if(odd);
          std::erase_if(model, odd);
        }
        const int* found = map.find(key);
        const auto expected = model.find(key);
        REQUIRE((found != nullptr) == (expected != model.end()));
        if (found != nullptr)
          CHECK(*found == expected->second);
      }
      CHECK(map.size() == model.size());
    }
    CHECK(std::map<int, int>(map.begin(), map.end()) == model);
  }
}
