// expect: an aggregate with a shape may have 16 fields
#include <erl/etf/decode.hpp>

struct many {
  int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
template <> inline constexpr auto erl::shape<many> = erl::plain_tuple;

bool read(erl::term_ref value) { return erl::decode<many>(value).has_value(); }
