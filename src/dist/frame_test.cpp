#include "dist/frame.hpp"
#include "support/vectors.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <string>

using namespace erl::dist;
using erl::test::from_hex;
using erl::test::to_hex;

namespace {

void feed(frame_reader& reader, std::span<const std::byte> bytes, std::size_t step = default_step) {
  while (!bytes.empty()) {
    const auto space = reader.space(step);
    const auto part = bytes.first(std::min(bytes.size(), space.size()));
    std::ranges::copy(part, space.begin());
    reader.filled(part.size());
    bytes = bytes.subspan(part.size());
  }
}

std::vector<std::byte> gathered(const output_queue& queue) {
  output_queue::chain pieces;
  const auto count = queue.gather(pieces);
  std::vector<std::byte> bytes;
  for (const auto& piece : std::span(pieces).first(count))
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

} // namespace

TEST_CASE("frames come out whole, however they arrive", "[frame]") {
  const auto bytes = from_hex("00000003010203"
                              "00000000"
                              "0000000104");
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    frame_reader reader;
    std::string seen;
    const auto drain = [&] {
      for (auto frame = reader.next(); frame.what == frame_reader::outcome::frame;
           frame = reader.next())
        seen += "[" + to_hex(frame.body) + "]";
    };
    feed(reader, std::span(bytes).first(split));
    drain();
    feed(reader, std::span(bytes).subspan(split));
    drain();
    CHECK(seen == "[010203][][04]");
    CHECK(reader.unread().empty());
  }
}

TEST_CASE("the buffer grows by what arrives, not by what is announced", "[frame]") {
  frame_reader reader;
  feed(reader, from_hex("0fffffff00"));
  CHECK(reader.next().what == frame_reader::outcome::more);
  CHECK(reader.space().size() > 0);
  CHECK(reader.capacity() <= 2 * default_step);
}

TEST_CASE("a frame beyond the limit is refused as soon as its length is known", "[frame]") {
  frame_reader reader(1000);
  feed(reader, from_hex("000003e9"));
  const auto frame = reader.next();
  CHECK(frame.what == frame_reader::outcome::too_long);
  CHECK(frame.announced == 1001);
}

TEST_CASE("a long frame arrives whole, and its memory is given back", "[frame]") {
  frame_reader reader;
  std::vector<std::byte> long_frame = from_hex("00300000");
  long_frame.resize(4 + 0x300000, std::byte{7});
  feed(reader, long_frame);
  const auto frame = reader.next();
  REQUIRE(frame.what == frame_reader::outcome::frame);
  CHECK(frame.body.size() == 0x300000);
  reader.space();
  CHECK(reader.capacity() == default_step);
}

TEST_CASE("small steps keep the buffer of an unproved peer small", "[frame]") {
  frame_reader reader;
  CHECK(reader.space(1024).size() <= 2048);
}

TEST_CASE("what is consumed is not read again", "[frame]") {
  frame_reader reader;
  feed(reader, from_hex("aabb00000001cc"));
  reader.consume(2);
  CHECK(to_hex(reader.next().body) == "cc");
}

TEST_CASE("queued bytes are gathered in order, copies and shared ones", "[frame]") {
  output_queue queue;
  *queue.add(1) = std::byte{1};
  queue.append(from_hex("0203"));
  queue.append(std::make_shared<int>(), std::span(tick_frame).first(2));
  queue.append(from_hex("04"));
  queue.append(tick_frame);
  output_queue::chain pieces;
  CHECK(queue.gather(pieces) == 3);
  CHECK(to_hex(gathered(queue)) == "01020300000400000000");
  CHECK(queue.size() == 10);
}

TEST_CASE("a partial write goes on where it ended", "[frame]") {
  output_queue queue;
  std::vector<std::byte> expected;
  const auto shared = std::make_shared<std::vector<std::byte>>(5000, std::byte{77});
  for (unsigned i = 0; i < 200; ++i) {
    const std::vector<std::byte> bytes(1000, static_cast<std::byte>(i));
    queue.append(bytes);
    expected.insert(expected.end(), bytes.begin(), bytes.end());
    if (i % 3 == 0) {
      queue.append(shared, *shared);
      expected.insert(expected.end(), shared->begin(), shared->end());
    }
  }
  std::vector<std::byte> written;
  for (std::size_t size = 1; !queue.empty(); size = size * 3 % 70001 + 1) {
    auto bytes = gathered(queue);
    bytes.resize(std::min(bytes.size(), size));
    written.insert(written.end(), bytes.begin(), bytes.end());
    queue.taken(bytes.size());
    if (written.size() == 1) { // what comes meanwhile goes behind
      queue.append(tick_frame);
      expected.insert(expected.end(), tick_frame.begin(), tick_frame.end());
    }
  }
  CHECK(written == expected);
  CHECK(queue.size() == 0);
  CHECK(shared.use_count() == 1);
}
