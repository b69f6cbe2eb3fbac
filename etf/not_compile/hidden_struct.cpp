// expect: ambiguous alternatives: an earlier alternative of the variant has the same tag and arity
// expect: alternatives_check<options, user>
#include <erl/etf/decode.hpp>

struct options {
  int a;
};
struct user {
  int a;
};
template <> inline constexpr auto erl::shape<options> = erl::map_shape;
template <> inline constexpr auto erl::shape<user> = erl::elixir_struct<"Elixir.User">;

bool read(erl::term_ref value) {
  return erl::decode<std::variant<options, user>>(value).has_value();
}
