// expect: ambiguous alternatives: an earlier alternative of the variant has the same tag and arity
// expect: alternatives_check<add, std::tuple<erl::is<
#include <erl/etf/decode.hpp>

struct add {
  int a, b;
};
template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;

using message = std::variant<add, std::tuple<erl::is<"add">, int, int>>;

bool read(erl::term_ref value) { return erl::decode<message>(value).has_value(); }
