// expect: a type can have one field of type erl::other_keys
#include <erl/etf/decode.hpp>
#include <erl/etf/other_keys.hpp>

struct options {
  erl::other_keys some, more;
};
template <> inline constexpr auto erl::shape<options> = erl::proplist;

bool read(erl::term_ref value) { return erl::decode<options>(value).has_value(); }
