#include "base/log.hpp"
#include "otp/gen.hpp"
#include "runtime/type_name.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/gen_server.hpp>

#include <exception>
#include <string>
#include <typeinfo>
#include <utility>

namespace erl {

caller::caller(process& server, term from)
    : server_(&server), from_(std::move(from)), exceptions_(std::uncaught_exceptions()) {}

caller::caller(caller&& other) noexcept
    : server_(std::exchange(other.server_, nullptr)), from_(std::move(other.from_)),
      exceptions_(other.exceptions_) {}

caller& caller::operator=(caller&& other) noexcept {
  std::swap(server_, other.server_);
  std::swap(from_, other.from_);
  std::swap(exceptions_, other.exceptions_);
  return *this;
}

caller::~caller() {
  if (server_ == nullptr || detail::is_ending(*server_) || std::uncaught_exceptions() > exceptions_)
    return;
  log::limited("no reply", log::level::warning, "gen_server", "the caller ", brief(from_),
               " was forgotten without a reply");
  reply(term::tuple({atoms::error, atoms::no_reply}));
}

void caller::reply_with(encodable value) {
  if (server_ != nullptr)
    gen::reply(*server_, from_, value);
  server_ = nullptr; // not before: a value that cannot be encoded is no reply
}

namespace detail {

body::outcome gen_server_base::run(process& process) {
  self_ = &process;
  try {
    return guarded_run();
  } catch (...) {
    const term reason = exit_reason_of_exception(process);
    if (starting_)
      gen::notify_failed(process, notice_.tag, reason);
    else
      do_terminate(reason);
    throw exit_exception{reason};
  }
}

body::outcome gen_server_base::guarded_run() {
  if (starting_) {
    const outcome progress = start_up();
    if (progress != outcome::finished)
      return progress;
    starting_ = false;
    gen::notify_started(self(), notice_.tag);
  }
  for (;;) {
    if (runner_.active()) {
      const outcome progress = runner_.step(self());
      if (progress != outcome::finished)
        return progress;
    }
    current_ = next_message(self());
    if (!current_)
      return slice_is_over(self()) ? outcome::yielded : outcome::waiting;
    handle(current_.body());
  }
}

/// Registers and initialises; finished when that is done. A failure is told to the starter, and
/// ends the process.
body::outcome gen_server_base::start_up() {
  if (!runner_.active()) {
    gen::introduce(self(), notice_, runtime::type_name(typeid(*this)));
    notice_.ancestors = {};
    if (options_.name != atom() && !self().register_name(options_.name)) {
      const auto holder = self().whereis(options_.name);
      const term reason =
          holder ? term::tuple({atoms::already_started, term(*holder)}) : term(atoms::badarg);
      self().exit(reason);
    }
    do_init();
  }
  return runner_.active() ? runner_.step(self()) : outcome::finished;
}

void gen_server_base::handle(const term& message) {
  static const atom unknown_call("unknown_call");
  const auto request = gen::parse(message);
  if (!request) {
    // A parent that ends takes its child along, even one that traps exits.
    if (gen::is_exit_of(message, self().parent()))
      self().exit(message.share(message.element(2)));
    if (do_info(message) == handled::no)
      unknown("message", message);
  } else if (request->what == gen::request::kind::cast) {
    if (do_cast(message, request->body) == handled::no)
      unknown("cast", request->body);
  } else if (do_call(message, request->body, request->from) == handled::no) {
    unknown("call", request->body);
    const term error = term::tuple({atoms::error, term::tuple({unknown_call, request->body})});
    do_reply(request->from, to_encode(error));
  }
}

void gen_server_base::do_reply(term_ref from, encodable value) { gen::reply(self(), from, value); }

void gen_server_base::unknown(const char* kind, term_ref message) const {
  const std::string name =
      options_.name == atom() ? to_string(term(self().self())) : to_string(options_.name);
  log::limited(name, log::level::warning, "gen_server", name, ": unknown ", kind, ": ",
               brief(message));
}

} // namespace detail
} // namespace erl
