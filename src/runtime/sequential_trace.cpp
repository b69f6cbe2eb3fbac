#include "runtime/sequential_trace.hpp"

#include <erl/etf/atoms.hpp>

#include <algorithm>

namespace erl::runtime {

/// A serial number as OTP makes them, which can be counted on from.
static bool is_serial(term_ref number) {
  constexpr std::int64_t end = std::int64_t{1} << 59U;
  const auto value = number.to_int64();
  return value && *value > -end && *value < end;
}

token_with_message make_token(const term& what) {
  if (!what.is_tuple(5) || !what.element(0).to_int64() || !is_serial(what.element(2)))
    return {};
  return token_with_message(new trace_token(what));
}

token_with_message make_no_change() { return token_with_message(new trace_token(term())); }

term reply_token(const term& request, const term& from) {
  const term serial = request.share(request.element(2));
  return term::tuple({request.element(0), request.element(1), serial, from,
                      term(serial.to_int64().value_or(0) - 1)});
}

void trace_state::begin(const detail::native_object& with) {
  token = with.encode();
  last = clock = token.element(2).to_int64().value_or(0);
}

void trace_state::received(const message& m) {
  const trace_token* const with = m.object<trace_token>();
  if (with != nullptr && !with->value.is_tuple())
    return;
  token = with == nullptr ? term() : with->value;
  if (with == nullptr)
    return;
  last = token.element(2).to_int64().value_or(0);
  clock = std::max(clock, last);
}

token_with_message trace_state::next(const pid& sender) {
  if (!token.is_tuple(5))
    return {};
  ++clock;
  token = term::tuple({token.element(0), token.element(1), term(clock), term(sender), term(last)});
  return token_with_message(new trace_token(token));
}

} // namespace erl::runtime
