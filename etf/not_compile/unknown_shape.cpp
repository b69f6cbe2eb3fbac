// expect: erl::shape<T> is none of tagged, record, plain_tuple, map_shape, elixir_struct
#include <erl/etf/decode.hpp>

struct user {
  int age;
};
template <> inline constexpr auto erl::shape<user> = "user";

bool read(erl::term_ref value) { return erl::decode<user>(value).has_value(); }
