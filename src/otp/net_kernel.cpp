#include "otp/net_kernel.hpp"

#include "otp/gen.hpp"
#include <erl/etf/atoms.hpp>

namespace erl {

static task<> net_kernel(process& self) {
  const atom is_auth = atoms::is_auth;
  for (;;) {
    auto m = co_await self.receive();
    const auto request = gen::parse(m.body());
    if (request && request->what == gen::request::kind::call && request->body.is_tuple(is_auth, 2))
      // Who does not read gets no answer, and does not keep others from theirs.
      gen::reply(self, request->from, to_encode(atoms::yes), {.suspend = false, .connect = false});
  }
}

owned_body make_net_kernel() { return make_body(net_kernel); }

} // namespace erl
