#include "runtime/mailbox.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace erl;
using runtime::mailbox;
using runtime::receive_pattern;

namespace {
int looked = 0;
const receive_pattern is_nine{[](const void*, term_ref body) -> bool {
                                ++looked;
                                return body.to_int64() == 9;
                              },
                              nullptr};
} // namespace

TEST_CASE("a mailbox is a queue") {
  mailbox box;
  for (int i = 0; i < 3; ++i)
    box.push(term(i));
  CHECK(box.size() == 3);
  for (int i = 0; i < 3; ++i)
    CHECK(box.take({}).body().to_int64() == i);
  CHECK_FALSE(box.take({}));
  CHECK(box.empty());
  box.push(term(5));
  CHECK(box.take({}).body().to_int64() == 5);
}

TEST_CASE("a selective receive looks at each message once") {
  mailbox box;
  for (int i = 0; i < 5; ++i)
    box.push(term(i));
  looked = 0;
  CHECK_FALSE(box.take(is_nine));
  CHECK_FALSE(box.unseen());
  CHECK(looked == 5);
  box.push(term(7));
  CHECK(box.unseen());
  CHECK_FALSE(box.take(is_nine));
  CHECK(looked == 6);
  box.push(term(9));
  CHECK(box.take(is_nine).body().to_int64() == 9);
  CHECK(looked == 7);
  box.rewind();
  CHECK(box.take({}).body().to_int64() == 0);
  CHECK(box.size() == 5);
}

TEST_CASE("taking the last message from behind refused ones keeps the queue whole") {
  mailbox box;
  box.push(term(1));
  box.push(term(9));
  CHECK(box.take(is_nine));
  box.push(term(2));
  box.rewind();
  CHECK(box.take({}).body().to_int64() == 1);
  CHECK(box.take({}).body().to_int64() == 2);
  CHECK_FALSE(box.take({}));
}

TEST_CASE("behind a mark older messages are not looked at") {
  mailbox box;
  for (int i = 0; i < 4; ++i)
    box.push(term(9));
  const auto mark = box.mark();
  looked = 0;
  box.rewind();
  box.skip_to(mark);
  CHECK_FALSE(box.take(is_nine));
  CHECK(looked == 0);
  box.push(term(8));
  box.push(term(9));
  CHECK(box.take(is_nine));
  CHECK(looked == 2);
  CHECK(box.size() == 5);
}

TEST_CASE("a mark stays when messages around it are taken") {
  mailbox box;
  for (int i = 0; i < 3; ++i)
    box.push(term(i));
  const auto mark = box.mark();
  for (int i = 0; i < 3; ++i) { // the last one's link was the mark
    box.rewind();
    CHECK(box.take({}).body().to_int64() == i);
  }
  box.push(term(9));
  box.rewind();
  box.skip_to(mark);
  CHECK(box.take({}).body().to_int64() == 9);
  CHECK(box.empty());

  // In front of messages, behind some, and after the mailbox was empty.
  box.push(term(1));
  const auto second = box.mark();
  box.push(term(2));
  box.push(term(3));
  box.rewind();
  CHECK(box.take({}).body().to_int64() == 1);
  box.rewind();
  box.skip_to(second);
  CHECK(box.take({}).body().to_int64() == 2);
}

TEST_CASE("an old mark hides nothing") {
  mailbox box;
  box.push(term(9));
  const auto old = box.mark();
  static_cast<void>(box.mark());
  box.rewind();
  box.skip_to(old);
  CHECK(box.take(is_nine));
  box.push(term(9));
  box.rewind();
  box.skip_to(0); // no mark at all
  CHECK(box.take(is_nine));
}
