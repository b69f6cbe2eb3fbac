// expect: erl::other_keys is for shapes with keys: map_shape, elixir_struct, keyword_list
// expect: plain_fields_check<request>
#include <erl/etf/encode.hpp>
#include <erl/etf/other_keys.hpp>

struct request {
  int number;
  erl::other_keys rest;
};
template <> inline constexpr auto erl::shape<request> = erl::tagged<"request">;

erl::term write(const request& value) { return erl::to_term(value); }
