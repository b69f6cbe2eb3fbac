/// `counter`: counts, whichever way it is told to.
#pragma once

#include "arithmetic.hpp"
#include <erl/erl.hpp>

#include <cstdint>

namespace demo {

class counter : public erl::gen_server<counter> {
public:
  struct add {
    erl::term amount;
    using erl_shape = erl::tagged_shape<"add">;
  };
  using calls = erl::messages<add, erl::is<"get">>;
  using casts = erl::messages<add, erl::is<"reset">>;
  using infos = erl::messages<add>;

  erl::term handle_call(add request) { return value_ = sum(value_, request.amount); }
  erl::term handle_call(erl::is<"get">) { return value_; }
  void handle_cast(add request) { value_ = sum(value_, request.amount); }
  void handle_cast(erl::is<"reset">) { value_ = zero(); }
  void handle_info(add request) { value_ = sum(value_, request.amount); }

private:
  static erl::term zero() { return erl::term(std::int64_t{0}); }

  erl::term value_ = zero();
};

} // namespace demo
