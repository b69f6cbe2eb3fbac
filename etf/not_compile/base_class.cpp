// expect: an aggregate with a shape may not have a base class: make it a field
#include <erl/etf/decode.hpp>

struct named {
  int name;
};
struct user : named {
  int age;
};
template <> inline constexpr auto erl::shape<user> = erl::native_record<"accounts", "user">;

bool read(erl::term_ref value) { return erl::decode<user>(value).has_value(); }
