#include "runtime/mailbox.hpp"
#include "runtime/sequential_trace.hpp"
#include <erl/etf/parse.hpp>

#include <catch2/catch_test_macros.hpp>

#include <utility>

using namespace erl;
using namespace erl::runtime;

namespace {

term parsed(const char* text) { return *parse_term(text); }

message with_token(const char* token) {
  mailbox box;
  box.push_traced(term(1), false, make_token(parsed(token)));
  return box.take({});
}

} // namespace

TEST_CASE("what a process sends has the token of what it has received, with serials of its own") {
  const pid self{atom("a@b"), 7, 0, 4};
  trace_state trace;
  CHECK_FALSE(trace.next(self));
  trace.received(with_token("{1, {some, label}, 5, other, 4}"));
  const auto first = trace.next(self);
  REQUIRE(first);
  CHECK(first->encode() ==
        term::tuple({term(1), parsed("{some, label}"), term(6), term(self), term(5)}));
  CHECK(trace.next(self)->encode().element(2).to_int64() == 7);
  trace.received(with_token("{1, x, 2, other, 1}")); // from one that is behind
  CHECK(trace.next(self)->encode() ==
        term::tuple({term(1), parsed("x"), term(8), term(self), term(2)}));
}

TEST_CASE("a message without a token ends the trace") {
  trace_state trace;
  trace.received(with_token("{1, label, 5, other, 4}"));
  trace.received(detail::make_message(term(2)));
  CHECK_FALSE(trace.next({}));
}

TEST_CASE("a token is not the message, and what is none is not taken for one") {
  const message m = with_token("{1, label, 5, other, 4}");
  CHECK(m.body() == term(1));
  CHECK(m.object<int>() == nullptr);
  for (const auto* wrong : {"[]", "{}", "{1, l, 5, p}", "{x, l, 5, p, 4}", "{1, l, 1.5, p, 4}"})
    CHECK_FALSE(make_token(parsed(wrong)));
}
