/// Servers: processes with handlers for calls, casts and other messages, which Erlang and Elixir
/// use like their own GenServers.
///
///     struct add { std::int64_t a, b; };
///     template <> inline constexpr auto erl::shape<add> = erl::tagged<"add">;
///
///     struct calculator : erl::gen_server<calculator> {
///       using calls = erl::messages<add>;
///       std::int64_t handle_call(add q) { return q.a + q.b; }
///     };
///
/// A handler may be a coroutine (`task<T>`): the server then waits for it before it handles the
/// next message, like a gen_server that makes a call of its own. To reply later, take a `caller` as
/// second argument and keep it.
#pragma once

#include <erl/call.hpp>
#include <erl/etf/decode.hpp>
#include <erl/etf/encode.hpp>
#include <erl/message.hpp>
#include <erl/process.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace erl {

/// The messages that a server's handlers take.
template <class... Ts> struct messages {};

/// The one who waits for the reply to a call. Reply at most once, from the server's own process.
/// Dropped without a reply it answers
/// `{error, no_reply}`, unless the server is ending: then the caller hears the exit reason.
class [[nodiscard]] caller {
public:
  caller(process& server, term from);
  caller(caller&& other) noexcept;
  caller& operator=(caller&& other) noexcept;
  ~caller();

  template <class T> void reply(const T& value) { reply_with(to_encode(value)); }
  /// `{Pid, Tag}`, as it came.
  const term& from() const noexcept { return from_; }

private:
  void reply_with(encodable value);

  process* server_;
  term from_;
  int exceptions_;
};

/// Tells whoever started a server, or another behaviour, how its start went.
struct start_notice {
  reference tag; ///< the starter's alias; of size 0: nobody waits
  /// A list: the starter, then its own ancestors; each by name if it has one.
  term ancestors;
};

/// How a server starts.
struct server_options {
  atom name{}; ///< registered under this name, unless empty
};

namespace detail {

enum class handled : bool { no, yes };

/// The part of a server that does not depend on its type: the loop, the protocol, start and end.
class gen_server_base : public body {
public:
  outcome run(process& self) final;
  void set_start(const server_options& options, const start_notice& notice) {
    options_ = options;
    notice_ = notice;
  }

protected:
  /// The server's process. Not before `init`.
  process& self() const noexcept { return *self_; }

  virtual void do_init() = 0;
  // `request` and `from` are parts of the message.
  virtual handled do_call(const term& message, term_ref request, term_ref from) = 0;
  virtual handled do_cast(const term& message, term_ref request) = 0;
  virtual handled do_info(const term& message) = 0;
  virtual void do_terminate(term_ref reason) = 0;

  /// Replies for a handler that has returned. The others take a `caller`, which owns a share.
  void do_reply(term_ref from, encodable value);

  /// Puts away what a handler that is a coroutine was called with: it may have taken it by
  /// reference.
  template <class T> T& keep(T arguments) {
    auto* holder = new kept<T>(std::move(arguments));
    kept_ = owned<kept_base>(holder);
    return holder->value;
  }
  /// Runs a handler that is a coroutine; the next message waits for its end.
  void run_coroutine(task<> handler) { runner_.start(*self_, std::move(handler)); }

private:
  struct kept_base {
    virtual ~kept_base() = default;
  };
  template <class T> struct kept final : kept_base {
    explicit kept(T v) : value(std::move(v)) {}
    T value;
  };

  outcome guarded_run();
  outcome start_up();
  void handle(const term& message);
  void unknown(const char* kind, term_ref message) const;

  process* self_ = nullptr;
  server_options options_;
  start_notice notice_;
  message current_; // what is being handled lives until its handler has ended
  owned<kept_base> kept_;
  coroutine_runner runner_;
  bool starting_ = true;
};

template <class T> inline constexpr bool is_task = false;
template <class T> inline constexpr bool is_task<task<T>> = true;

template <class Server, class T>
concept has_call_handler = requires(Server& s, T m, caller c) {
  s.handle_call(std::move(m), std::move(c));
} || requires(Server& s, T m) { s.handle_call(std::move(m)); };
template <class Server, class T>
concept has_cast_handler = requires(Server& s, T m) { s.handle_cast(std::move(m)); };
template <class Server, class T>
concept has_info_handler = requires(Server& s, T m) { s.handle_info(std::move(m)); };

template <class T> task<> reply_with(task<T> handler, caller from) {
  auto value = co_await std::move(handler);
  from.reply(value);
}
inline task<> reply_with(task<> handler, caller from) {
  auto reply = term(atoms::ok);
  co_await std::move(handler);
  from.reply(reply);
}

/// Calls `use` with the alternative that `part` of `message` is, if it is one.
template <class... Ts, class Use>
bool with_decoded(messages<Ts...>, const term& message, term_ref part, Use&& use) {
  if constexpr (sizeof...(Ts) == 0) {
    return false;
  } else if constexpr (sizeof...(Ts) == 1) {
    auto value = try_decode<Ts...>(message, part);
    if (value)
      use(std::move(*value));
    return value.has_value();
  } else {
    auto value = try_decode<std::variant<Ts...>>(message, part);
    if (!value)
      return false;
    const auto each = [&]<std::size_t... I>(std::index_sequence<I...>) {
      (void)((value->index() == I && (use(std::move(*std::get_if<I>(&*value))), true)) || ...);
    };
    each(std::index_sequence_for<Ts...>{});
    return true;
  }
}

} // namespace detail

/// The base of a server. `Self` may have, and each is optional:
///
/// * `using calls = erl::messages<...>` and a `handle_call` for each of them. What it returns is
/// the reply (nothing: `ok`).
/// * `using casts = erl::messages<...>` and a `handle_cast` for each of them.
/// * `using infos = erl::messages<...>` and a `handle_info` for each; `handle_info` of `down`,
/// `exit_signal`, `nodedown` or `term_ref` (for all others) is found without being named.
/// * `void init()`: an exception fails the start. `void terminate(term_ref reason)`: before an
/// orderly end.
///
/// Calls that fit none are logged and answered `{error, {unknown_call, Request}}`; casts and other
/// messages that fit none are logged.
template <class Self> class gen_server : public detail::gen_server_base {
public:
  using calls = messages<>;
  using casts = messages<>;
  using infos = messages<>;

private:
  friend Self; // only it may be a gen_server of itself
  gen_server() = default;

  Self& server() { return static_cast<Self&>(*this); }

  void do_init() final {
    if constexpr (requires(Self& s) { s.init(); }) {
      if constexpr (detail::is_task<decltype(server().init())>)
        run_coroutine(server().init());
      else
        server().init();
    }
  }

  detail::handled do_call(const term& message, term_ref request, term_ref from) final {
    const bool found =
        detail::with_decoded(typename Self::calls{}, message, request, [&]<class T>(T value) {
          static_assert(
              detail::has_call_handler<Self, T>,
              "a message in `calls` has no handle_call(message) or handle_call(message, caller)");
          if constexpr (detail::has_call_handler<Self, T>)
            call_handler(server(), value, message, from);
        });
    return detail::handled{found};
  }

  detail::handled do_cast(const term& message, term_ref request) final {
    const bool found =
        detail::with_decoded(typename Self::casts{}, message, request, [&]<class T>(T value) {
          static_assert(detail::has_cast_handler<Self, T>,
                        "a message in `casts` has no handle_cast(message)");
          if constexpr (detail::has_cast_handler<Self, T>)
            run_handler(std::move(value),
                        [](auto& s, T& m) { return s.handle_cast(std::move(m)); });
        });
    return detail::handled{found};
  }

  detail::handled do_info(const term& message) final {
    const bool found =
        detail::with_decoded(typename Self::infos{}, message, message, [&]<class T>(T value) {
          static_assert(detail::has_info_handler<Self, T>,
                        "a message in `infos` has no handle_info(message)");
          if constexpr (detail::has_info_handler<Self, T>)
            run_handler(std::move(value),
                        [](auto& s, T& m) { return s.handle_info(std::move(m)); });
        });
    if (found || info_of<down>(message, atoms::down) ||
        info_of<exit_signal>(message, atoms::exit_signal) ||
        info_of<nodedown>(message, atoms::nodedown))
      return detail::handled::yes;
    if constexpr (detail::has_info_handler<Self, term_ref>) {
      run_handler(term_ref(message), [](auto& s, term_ref m) { return s.handle_info(m); });
      return detail::handled::yes;
    }
    return detail::handled::no;
  }

  // `server` is a parameter, so that a handler that is not there is looked for only when it is
  // called.
  template <class Server, class T>
  void call_handler(Server& server, T& request, const term& message, term_ref from) {
    if constexpr (requires(caller c) { server.handle_call(std::move(request), std::move(c)); }) {
      caller waiting(self(), message.share(from));
      using result = decltype(server.handle_call(std::move(request), std::move(waiting)));
      static_assert(
          std::is_void_v<result> || std::same_as<result, task<>>,
          "a handle_call that takes the caller replies through it: it returns nothing, or task<>");
      if constexpr (std::same_as<result, task<>>) {
        auto& both = keep(std::pair<T, caller>(std::move(request), std::move(waiting)));
        run_coroutine(server.handle_call(std::move(both.first), std::move(both.second)));
      } else
        server.handle_call(std::move(request), std::move(waiting));
    } else {
      using result = decltype(server.handle_call(std::move(request)));
      if constexpr (std::is_void_v<result>) {
        server.handle_call(std::move(request));
        do_reply(from, to_encode(atoms::ok));
      } else if constexpr (detail::is_task<result>) {
        run_coroutine(detail::reply_with(server.handle_call(std::move(keep(std::move(request)))),
                                         caller(self(), message.share(from))));
      } else {
        do_reply(from, to_encode(server.handle_call(std::move(request))));
      }
    }
  }

  template <class T> bool info_of(const term& message, atom tag) {
    if constexpr (detail::has_info_handler<Self, T>) {
      if (message.is_tuple() && message.arity() != 0 && message.element(0).is(tag))
        if (auto value = try_decode<T>(message)) {
          run_handler(std::move(*value), [](auto& s, T& m) { return s.handle_info(std::move(m)); });
          return true;
        }
    }
    return false;
  }

  void do_terminate(term_ref reason) final {
    if constexpr (requires(Self& s) { s.terminate(reason); })
      server().terminate(reason);
  }

  template <class T, class Handler> void run_handler(T message, Handler handler) {
    if constexpr (detail::is_task<decltype(handler(server(), message))>)
      run_coroutine(handler(server(), keep(std::move(message))));
    else
      handler(server(), message);
  }
};

/// Ends the server from inside a handler: `terminate(reason)` is called, then the process exits.
[[noreturn]] inline void stop_server(const term& reason) { throw exit_exception{reason}; }

namespace detail {
/// What a child of `self` is told, which waits for an answer.
start_notice make_notice(process& self);
/// Starts `what` linked to `self` and waits until it has said how its start went.
task<std::expected<pid, term>> start_linked(process& self, owned_body what, reference tag);
} // namespace detail

/// Starts a server linked to `self` and waits for its `init`. The error is `{already_started,
/// Pid}`, or the reason why `init` failed.
template <class Server, class... Arguments>
task<std::expected<pid, term>> start_link(process& self, server_options options,
                                          Arguments... arguments) {
  const start_notice notice = detail::make_notice(self);
  owned_body what;
  std::optional<term> failure;
  try {
    auto* server = new Server{std::move(arguments)...};
    what = owned_body(server);
    server->set_start(options, notice);
  } catch (...) {
    failure = detail::exit_reason_of_exception(self);
  }
  if (failure) {
    self.unalias(notice.tag);
    co_return std::unexpected(std::move(*failure));
  }
  auto result = co_await detail::start_linked(self, std::move(what), notice.tag);
  co_return result;
}

} // namespace erl
