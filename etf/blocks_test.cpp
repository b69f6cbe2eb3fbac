#include <erl/etf/detail/blocks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace {

using erl::detail::give_block;
using erl::detail::take_block;

struct block {
  unsigned char* at;
  std::size_t size;
  unsigned char mark;
};

block take_marked(std::size_t size, unsigned char mark) {
  auto* at = static_cast<unsigned char*>(take_block(size));
  std::memset(at, mark, size);
  return {at, size, mark};
}

bool is_whole(const block& b) {
  for (std::size_t i = 0; i < b.size; ++i)
    if (b.at[i] != b.mark)
      return false;
  return true;
}

} // namespace

TEST_CASE("blocks of every size are apart from each other", "[blocks]") {
  std::vector<block> all;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t size = 1; size < 2200; size += 7)
      all.push_back(take_marked(size, static_cast<unsigned char>(all.size())));
    for (const block& b : all) {
      CHECK(reinterpret_cast<std::uintptr_t>(b.at) % alignof(std::max_align_t) == 0);
      CHECK(is_whole(b));
    }
    // Every other one goes back, and its memory into the next round.
    std::vector<block> kept;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i % 2 == 0)
        give_block(all[i].at, all[i].size);
      else
        kept.push_back(all[i]);
    }
    all = kept;
  }
  for (const block& b : all)
    give_block(b.at, b.size);
}

TEST_CASE("many blocks of many sizes are apart from each other", "[blocks]") {
  std::vector<block> all;
  for (std::size_t i = 0; i < 60'000; ++i) // 30 MB
    all.push_back(take_marked(1 + i % 1024, static_cast<unsigned char>(i)));
  std::size_t whole = 0;
  for (const block& b : all) {
    whole += is_whole(b) ? 1 : 0;
    give_block(b.at, b.size);
  }
  CHECK(whole == all.size());
}

TEST_CASE("a block may be given back by another thread", "[blocks]") {
  constexpr std::size_t size = 96;
  for (int round = 0; round < 20; ++round) {
    std::vector<block> all;
    for (int i = 0; i < 1000; ++i)
      all.push_back(take_marked(size, static_cast<unsigned char>(i)));
    bool whole = true;
    std::thread([&] {
      for (const block& b : all) {
        whole = whole && is_whole(b);
        give_block(b.at, b.size);
      }
      // What this thread has is there for the next one once it has ended.
      give_block(take_block(size), size);
    }).join();
    CHECK(whole);
  }
}
