#include "otp/user.hpp"

#include "otp/io_requests.hpp"
#include "otp/steady_send.hpp"
#include <erl/blocking.hpp>
#include <erl/etf/atoms.hpp>

#include <cstdio>
#include <string>
#include <utility>

namespace erl {

static void write_out(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// `{io_request, From, ReplyAs, Request}`
static bool is_io_request(term_ref m) {
  return m.is_tuple(atoms::io_request, 4) && m.element(1).is_pid();
}

static void reply(process& self, term_ref request, const term& result) {
  send_if_connected(self, *request.element(1).to_pid(),
                    term::tuple({atoms::io_reply, request.element(2), result}));
}

static task<> serve(process& self) {
  process& own = never_wait(self);
  for (;;) {
    auto m = co_await own.receive();
    if (!is_io_request(m.body()))
      continue;
    std::string text;
    const term result = reply_to_io_request(m.body().element(3), text);
    if (!text.empty()) {
      // By a thread that may wait: whoever reads the output can be slow.
      const auto write = [text = std::move(text)] { write_out(text); };
      co_await blocking(own, write);
    }
    reply(own, m.body(), result);
  }
}

owned_body make_user() { return make_body(serve); }

} // namespace erl
