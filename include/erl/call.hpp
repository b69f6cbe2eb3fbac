/// Calls and casts: what GenServer.call and GenServer.cast are in Elixir, gen_server:call and :cast
/// in Erlang.
#pragma once

#include <erl/destination.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>
#include <erl/process.hpp>
#include <erl/task.hpp>

#include <expected>
#include <string>
#include <utility>

namespace erl {

/// Why a call has no answer.
struct call_error {
  /// `timeout`, `noproc`, `{nodedown, Node}`, the server's exit reason, `calling_self`, or
  /// `{bad_reply, Text}` when the reply is not of the type that was asked for.
  term reason;
  /// The reason and what was called, for people.
  std::string message() const;
  /// Who was called, printed.
  std::string server;
};

namespace detail {
/// A request that is under way. Matches its answer.
class outgoing_call {
public:
  /// Monitors the server and sends the request, unless the caller is the server.
  outgoing_call(process& self, const destination& server, encodable request);

  receive_awaiter answer(duration timeout) {
    return self_->receive(*this, to_itself() ? duration::zero() : timeout, mark_);
  }
  bool operator()(term_ref message) const;
  /// The reply in what `answer` gave, which it borrows from, or the error.
  std::expected<term_ref, call_error> reply_in(const message& answer, const destination& server);

private:
  bool to_itself() const noexcept { return ref_.size == 0; }

  process* self_;
  receive_mark mark_;
  reference ref_;
};

call_error bad_reply(const destination& server, const decode_error& error);
term cast_message(term_ref request);
} // namespace detail

/// Sends `request` to a server and waits for its reply, at most `timeout`. The server is monitored
/// meanwhile, so the answer comes at once when it does not exist or ends. After a time-out nothing
/// of the call is left: a late reply is dropped.
///
///     auto sum = co_await erl::call<std::int64_t>(self, {"calc", "cpp@host"}, add{1, 2});
///
/// A request that owns memory (a string, a vector) gets a name first: g++ 12 destroys an aggregate
/// that is made with braces inside a co_await expression twice.
///
///     const price request{"tea"};
///     auto cost = co_await erl::call<double>(self, shop, request);
template <class Reply = term, class Request>
task<std::expected<Reply, call_error>> call(process& self, destination server, Request request,
                                            duration timeout = std::chrono::seconds(5)) {
  detail::outgoing_call call(self, server, to_encode(request));
  const auto answer = co_await call.answer(timeout);
  auto reply = call.reply_in(answer, server);
  if (!reply)
    co_return std::unexpected(std::move(reply.error()));
  if constexpr (std::same_as<Reply, term>) {
    co_return answer.body().share(*reply);
  } else {
    auto value = decode<Reply>(*reply);
    if (!value)
      co_return std::unexpected(detail::bad_reply(server, value.error()));
    co_return std::move(*value);
  }
}

/// Sends `request` to a server without waiting for anything.
template <class Request>
void cast(process& self, const destination& server, const Request& request) {
  self.send(server, detail::cast_message(to_term(request)));
}

} // namespace erl
