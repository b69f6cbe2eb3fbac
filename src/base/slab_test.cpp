#include "base/sanitizer.hpp"
#include "base/slab.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>

TEST_CASE("blocks are aligned, distinct and keep their bytes while others come and go") {
  for (const std::size_t alignment : {std::size_t{8}, std::size_t{16}, std::size_t{64}}) {
    erl::slab blocks{100, alignment};
    CHECK(blocks.block_size() >= 100);
    CHECK(blocks.block_size() % alignment == 0);
    std::mt19937 random{3};
    struct held {
      unsigned char* at;
      unsigned char mark;
    };
    std::vector<held> live;
    for (int step = 0; step < 20000; ++step) {
      if (live.empty() || random() % 5 < 3) {
        const held h{static_cast<unsigned char*>(blocks.allocate()),
                     static_cast<unsigned char>(random())};
        REQUIRE(reinterpret_cast<std::uintptr_t>(h.at) % alignment == 0);
        std::memset(h.at, h.mark, 100);
        live.push_back(h);
      } else {
        std::swap(live[random() % live.size()], live.back());
        const held h = live.back();
        live.pop_back();
        bool intact = true;
        for (int i = 0; i < 100; ++i) {
          intact = intact && h.at[i] == h.mark;
        }
        REQUIRE(intact);
        blocks.deallocate(h.at);
      }
      REQUIRE(blocks.in_use() == live.size());
    }
  }
}

TEST_CASE("a freed block is used again before more memory is taken") {
  erl::slab blocks{64};
  void* first = blocks.allocate();
  blocks.deallocate(first);
  CHECK(blocks.allocate() == first);
  const std::size_t a_chunk = erl::slab::chunk_size / blocks.block_size();
  std::vector<void*> all{first};
  while (all.size() < a_chunk) {
    all.push_back(blocks.allocate());
  }
  CHECK(blocks.chunks() == 1);
  for (int round = 0; round < 3; ++round) {
    for (void* b : all) {
      blocks.deallocate(b);
    }
    for (void*& b : all) {
      b = blocks.allocate();
    }
  }
  CHECK(blocks.chunks() == 1);
  blocks.allocate();
  CHECK(blocks.chunks() == 2);
}

TEST_CASE("an object whose constructor throws gives its block back") {
  struct thrower {
    explicit thrower(bool fail) {
      if (fail) {
        throw std::runtime_error("no");
      }
    }
    std::uint64_t value = 7;
  };
  erl::object_slab<thrower> objects;
  CHECK_THROWS_AS(objects.create(true), std::runtime_error);
  CHECK(objects.in_use() == 0);
  thrower* made = objects.create(false);
  CHECK(made->value == 7);
  CHECK(objects.in_use() == 1);
  objects.destroy(made);
  CHECK(objects.in_use() == 0);
}

#ifdef ERLPP_ASAN
TEST_CASE("the address sanitizer sees free blocks as poisoned") {
  erl::slab blocks{64};
  auto* block = static_cast<char*>(blocks.allocate());
  CHECK(__asan_address_is_poisoned(block) == 0);
  CHECK(__asan_address_is_poisoned(block + blocks.block_size()) != 0);
  blocks.deallocate(block);
  CHECK(__asan_address_is_poisoned(block) != 0);
}
#endif
