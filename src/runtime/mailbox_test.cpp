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
