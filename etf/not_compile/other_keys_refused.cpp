// expect: a shape that is refusing_unknown() leaves nothing for the field of type erl::other_keys
#include <erl/etf/decode.hpp>
#include <erl/etf/other_keys.hpp>

struct options {
  int port;
  erl::other_keys rest;
};
template <> inline constexpr auto erl::shape<options> = erl::map_shape.refusing_unknown();

bool read(erl::term_ref value) { return erl::decode<options>(value).has_value(); }
