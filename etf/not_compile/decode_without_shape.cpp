// expect: no Erlang term is known for this type: give it a shape
// expect: type_without_erlang_form<shop::order>
#include <erl/etf/decode.hpp>

namespace shop {
struct order {
  int number;
};
} // namespace shop

bool read(erl::term_ref value) { return erl::decode<shop::order>(value).has_value(); }
