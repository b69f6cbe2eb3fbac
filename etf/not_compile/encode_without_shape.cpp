// expect: no Erlang term is known for this type: give it a shape
// expect: type_without_erlang_form<shop::order>
#include <erl/etf/encode.hpp>

#include <vector>

namespace shop {
struct order {
  int number;
};
} // namespace shop

erl::term write(const std::vector<shop::order>& orders) { return erl::to_term(orders); }
