// expect: erl::shape<T> is none of tagged, record, plain_tuple, map_shape, elixir_struct
#include <erl/etf/encode.hpp>

struct user {
  int age;
};
template <> inline constexpr auto erl::shape<user> = "user";

erl::term write(const user& value) { return erl::to_term(value); }
