// Messages on their way through header, cache and fragments: order, fairness and limits.
#include "dist/bytes.hpp"
#include "dist/message_fixture.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <string>

using namespace erl;
using namespace erl::dist;
using namespace erl::dist::test_only;

namespace {

const atom near("near@h");
const atom far("far@h");

pid sender(std::uint32_t id) { return {.node = near, .id = id, .serial = 0, .creation = 10}; }
const pid receiver{.node = far, .id = 1, .serial = 0, .creation = 20};

term numbered(std::int64_t number, std::size_t size) {
  return term::tuple({term(number), term::text(std::string(size, 'x'))});
}

class connection : public one_way {
public:
  using one_way::one_way;

  /// Sends a message of about `size` bytes.
  void send(std::uint32_t from, std::int64_t number, std::size_t size) {
    REQUIRE(writer.write(message_to(sender(from), receiver, numbered(number, size))));
  }
  /// What arrives with the frames that are ready now. Every second one is read while it comes.
  void receive() {
    for (const auto& frame : frames()) {
      piece_ = piece_ * 3 % 65'537;
      const auto found = piece_ % 2 == 0 ? reader.read(frame, budget)
                                         : read_in_pieces(reader, frame, piece_, budget);
      REQUIRE(found);
      if (found->what == message_reader::outcome::part)
        continue;
      const auto message = decode_control(
          found->message,
          {.self = far, .creation = 20, .peer = near, .common = flags_, .budget = &budget});
      REQUIRE(message);
      arrived.emplace_back(message->from.id, message->payload.element(0).to_int64().value());
    }
  }
  void receive_all() {
    do
      receive();
    while (!queue.empty() || writer.waiting_bytes() != 0);
  }

  std::vector<std::pair<std::uint32_t, std::int64_t>> arrived;

private:
  flag_set flags_ = advertised(true);
  std::size_t piece_ = 1;
};

std::vector<std::byte> fragment(std::uint8_t kind, std::uint64_t number, std::uint64_t id,
                                std::size_t size) {
  std::vector<std::byte> body{std::byte{131}, std::byte{kind}};
  put_number(body, number);
  put_number(body, id);
  // In the first one: no atom references, then terms.
  body.push_back(kind == 69 ? std::byte{0} : std::byte{106});
  body.resize(body.size() + size - 1, std::byte{106});
  return body;
}

} // namespace

TEST_CASE("small messages pass between the fragments of a large one", "[message]") {
  connection way(advertised(true));
  way.send(1, 0, 3'000'000);
  way.receive();
  way.send(2, 7, 10);
  way.receive();
  CHECK(way.arrived == std::vector{std::pair{2U, std::int64_t{7}}});
  way.receive_all();
  CHECK(way.arrived.back() == std::pair{1U, std::int64_t{0}});
  CHECK(way.reader.fragments() == way.writer.fragments());
  CHECK(way.reader.fragments() >= 46);
}

TEST_CASE("what one process sends arrives in order, whatever the sizes", "[message]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    connection way(advertised(true));
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U;
    const auto draw = [&state](std::uint64_t below) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      return (state >> 33U) % below;
    };
    constexpr std::uint32_t senders = 100; // more than may be in fragments at a time
    std::map<std::uint32_t, std::int64_t> sent;
    for (int i = 0; i < 600; ++i) {
      const auto from = static_cast<std::uint32_t>(1 + draw(senders));
      const std::size_t size = draw(3) != 0 ? draw(2000) : 60'000 + draw(100'000);
      way.send(from, sent[from]++, size);
      if (draw(10) == 0)
        way.receive();
    }
    way.receive_all();
    CHECK(way.writer.waiting_bytes() == 0);
    CHECK(way.reader.unfinished() == 0);
    CHECK(way.arrived.size() == 600);
    std::map<std::uint32_t, std::int64_t> next;
    for (const auto& [from, number] : way.arrived)
      REQUIRE(number == next[from]++);
  }
}

TEST_CASE("fragments go out though other messages keep the queue long", "[message]") {
  connection way(advertised(true));
  way.send(1, 0, 300'000);
  bool came = false;
  for (int round = 0; round < 200 && !came; ++round) {
    // More than a short queue at any time, and a socket that takes little.
    while (way.queue.size() < 300'000)
      way.send(2, 0, 1000);
    way.writer.proceed();
    const auto all = way.frames();
    for (const auto& frame : all) {
      const auto found = way.reader.read(frame, way.budget);
      REQUIRE(found);
      came = came || (found->what == message_reader::outcome::message &&
                      found->message.bytes.size() > 200'000);
    }
  }
  CHECK(came);
}

TEST_CASE("a large part of a message shares its memory, a small one does not", "[message]") {
  one_way way(advertised(true));
  const term payload =
      term::tuple({term::text(std::string(1000, 'k')), term::text(std::string(500'000, 'v'))});
  REQUIRE(way.writer.write(message_to(sender(1), receiver, payload)));
  std::vector<std::vector<std::byte>> frames;
  while (!way.queue.empty() || way.writer.waiting_bytes() != 0)
    for (auto& frame : way.frames())
      frames.push_back(std::move(frame));
  REQUIRE(frames.size() > 5);
  for (const auto& frame : frames) {
    const auto found = way.reader.read(frame, way.budget);
    REQUIRE(found);
    if (found->what == message_reader::outcome::part)
      continue;
    const auto bytes = found->message.bytes;
    const auto message = decode_control(
        found->message, {.self = far, .creation = 20, .peer = near, .common = advertised(true)});
    REQUIRE(message);
    const auto lies_in = [&](term_ref binary) {
      const std::byte* at = binary.to_binary()->data();
      return at >= bytes.data() && at < bytes.data() + bytes.size();
    };
    CHECK_FALSE(lies_in(message->payload.element(0)));
    CHECK(lies_in(message->payload.element(1)));
  }
}

TEST_CASE("a long frame stays where it was read", "[message]") {
  for (const flag_set common :
       {advertised(true), advertised(true) & ~flags::fragments, advertised(true) & ~header_flags}) {
    one_way way(common);
    const term payload = term::text(std::string(200'000, 'v'));
    REQUIRE(way.writer.write(message_to(sender(1), receiver, payload)));
    std::vector<std::vector<std::byte>> frames;
    while (!way.queue.empty() || way.writer.waiting_bytes() != 0)
      for (auto& frame : way.frames())
        frames.push_back(std::move(frame));
    const auto before = way.reader.unfinished_bytes();
    for (const auto& frame : frames) {
      const auto found = read_in_pieces(way.reader, frame, 10'000, way.budget);
      REQUIRE(found);
      if (found->what == message_reader::outcome::part)
        continue;
      const auto bytes = found->message.bytes;
      const auto message = decode_control(
          found->message, {.self = far, .creation = 20, .peer = near, .common = common});
      REQUIRE(message);
      CHECK(message->payload == payload);
      const std::byte* at = message->payload.to_binary()->data();
      CHECK((at >= bytes.data() && at < bytes.data() + bytes.size()));
      way.reader.release();
    }
    CHECK(before == way.reader.unfinished_bytes());
  }
}

TEST_CASE("a small message in many fragments keeps no large block", "[message]") {
  constexpr std::size_t announced = 5'000'000;
  static_cast<void>(shared_bytes::allocate(announced, announced)); // is free now, and may be taken
  message_reader reader(advertised(true), {});
  atom_budget budget;
  // Control tuple and payload lie in the first of 50 000 fragments.
  auto first = fragment(69, 1, announced / 100, 100);
  REQUIRE(reader.read(first, budget));
  std::expected<message_reader::result, message_reader::error> last;
  for (std::uint64_t id = announced / 100 - 1; id != 0; --id) {
    last = reader.read(fragment(70, 1, id, 1), budget);
    REQUIRE(last);
  }
  REQUIRE(last->what == message_reader::outcome::message);
  const bool took_it = last->message.owner == nullptr;
  CHECK((took_it || last->message.owner->capacity() < 4 * last->message.bytes.size()));
}

TEST_CASE("an open frame takes memory by what has come of it", "[message]") {
  message_reader reader(advertised(true), {});
  auto begin = fragment(69, 1, 4000, 100);
  REQUIRE(reader.open(begin, 200U << 20U));
  CHECK(reader.space().size() <= 128 * 1024);
}

TEST_CASE("what waits is counted for its sender", "[message]") {
  connection way(advertised(true));
  way.send(1, 0, 3'000'000);
  way.send(1, 1, 1000);
  way.send(2, 0, 1000);
  CHECK(way.writer.waiting_bytes(sender(1)) > 2'900'000);
  CHECK(way.writer.waiting_bytes(sender(1)) == way.writer.waiting_bytes());
  CHECK(way.writer.waiting_bytes(sender(2)) == 0);
  way.receive_all();
  CHECK(way.writer.waiting_bytes(sender(1)) == 0);
}

TEST_CASE("large messages take turns", "[message]") {
  connection way(advertised(true));
  way.send(1, 0, 6'000'000);
  way.send(2, 0, 600'000);
  way.receive_all();
  CHECK(way.arrived == std::vector{std::pair{2U, std::int64_t{0}}, std::pair{1U, std::int64_t{0}}});
}

TEST_CASE("without fragments a large message is one frame", "[message]") {
  connection way(advertised(true) & ~flags::fragments);
  way.send(1, 0, 1'000'000);
  CHECK(way.frames().size() == 1);
}

TEST_CASE("a large binary is not copied on its way into the queue", "[message]") {
  one_way way(advertised(true));
  const term binary = term::text(std::string(100'000, 'x'));
  REQUIRE(way.writer.write(message_to(sender(1), receiver, binary)));
  output_queue::chain pieces;
  const auto count = way.queue.gather(pieces);
  REQUIRE(count >= 2);
  CHECK(pieces[count - 1].data() == binary.to_binary()->data());
}

TEST_CASE("a peer may have so much in unfinished messages and no more", "[message]") {
  atom_budget budget;
  SECTION("bytes") {
    message_reader reader(advertised(true), {.unfinished_bytes = 1000});
    REQUIRE(reader.read(fragment(69, 1, 3, 600), budget));
    CHECK(reader.unfinished_bytes() == 599);
    SECTION("in a whole frame") { CHECK_FALSE(reader.read(fragment(70, 1, 2, 500), budget)); }
    SECTION("in a frame that has begun") {
      const auto next = fragment(70, 1, 2, 500);
      CHECK_FALSE(reader.open(std::span(next).first(100), next.size()));
    }
  }
  SECTION("messages") {
    message_reader reader(advertised(true), {.unfinished_messages = 2});
    REQUIRE(reader.read(fragment(69, 1, 3, 10), budget));
    REQUIRE(reader.read(fragment(69, 2, 3, 10), budget));
    CHECK_FALSE(reader.read(fragment(69, 3, 3, 10), budget));
  }
  SECTION("time") {
    message_reader reader(advertised(true), {});
    REQUIRE(reader.read(fragment(69, 1, 4, 10), budget));
    CHECK(reader.age(2));
    CHECK(reader.age(2));
    REQUIRE(reader.read(fragment(70, 1, 3, 10), budget));
    CHECK(reader.age(2));
    CHECK(reader.age(2));
    CHECK_FALSE(reader.age(2));
  }
  SECTION("announced fragments") {
    message_reader reader(advertised(true), {});
    CHECK_FALSE(reader.read(fragment(69, 1, std::uint64_t{1} << 36U, 10), budget));
  }
}

TEST_CASE("frames in another framing than the agreed one are refused", "[message]") {
  atom_budget budget;
  const auto message = message_to(sender(1), receiver, term(1));
  const flag_set all = advertised(true);
  for (const flag_set sent : {all, all & ~flags::fragments, all & ~header_flags}) {
    const auto frame = frame_of(message, sent);
    for (const flag_set agreed : {all, all & ~flags::fragments, all & ~header_flags}) {
      message_reader reader(agreed, {});
      const auto found = reader.read(frame, budget);
      const bool whole =
          found && decode_control(found->message,
                                  {.self = far, .creation = 20, .peer = near, .common = agreed})
                       .has_value();
      CHECK(whole ==
            ((sent & flags::dist_hdr_atom_cache) == (agreed & flags::dist_hdr_atom_cache)));
    }
  }
}
