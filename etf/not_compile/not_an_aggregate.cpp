// expect: a shape with fields needs an aggregate
#include <erl/etf/decode.hpp>

class account {
public:
  account() : number_(0) {}

private:
  int number_;
};
template <> inline constexpr auto erl::shape<account> = erl::tagged<"account">;

bool read(erl::term_ref value) { return erl::decode<account>(value).has_value(); }
