#include "epmd/registrar.hpp"

#include "epmd/client.hpp"
#include "epmd/server.hpp"
#include "epmd/text.hpp"
#include "epmd/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace erl::epmd {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using code = boost::system::error_code;

namespace {
constexpr std::size_t most_answer_bytes = 6;
constexpr duration shortest_retry = std::chrono::milliseconds{1};
constexpr duration longest_retry = std::chrono::hours{24};
/// Another program that is just becoming the host's EPMD has bound the port, and listens in a
/// moment.
constexpr duration pause_after_lost_race = std::chrono::milliseconds{50};
constexpr int most_lost_races = 20;
} // namespace

class registrar::impl : public std::enable_shared_from_this<impl> {
public:
  impl(asio::io_context& io, registrar_options options, registrar_events events)
      : io_(io), options_(std::move(options)), events_(std::move(events)), pause_(io), held_(io) {
    options_.retry = std::clamp(options_.retry, shortest_retry, longest_retry);
  }

  void start();
  void stop();
  bool registered() const { return held_.is_open(); }
  bool serving() const { return server_ && server_->running(); }

private:
  std::optional<error> problem() const;
  void attempt();
  void answered(std::expected<tcp::socket, error> connection, wire::registered answer);
  void succeeded(tcp::socket connection, std::uint32_t creation);
  void failed(error why);
  bool serve_instead(error& why);
  void try_again_in(duration pause);
  void watch();
  void watched(const code& failure, std::size_t size);
  error about(errc kind, std::string cause = {}) const;

  asio::io_context& io_;
  registrar_options options_;
  registrar_events events_;
  asio::steady_timer pause_;
  tcp::socket held_; // open: the name is ours
  std::weak_ptr<exchange> asking_;
  std::unique_ptr<server> server_;
  std::optional<errc> told_;
  int lost_races_ = 0;
  bool first_ = true;
  bool over_ = false;
  std::array<char, 16> unexpected_{};
};

std::optional<error> registrar::impl::problem() const {
  if (const char* bad = name_problem(options_.name))
    return about(errc::bad_name, bad);
  if (options_.port == 0)
    return about(errc::bad_port, "the node's own is 0");
  if (options_.epmd.port == 0)
    return about(errc::bad_port, "EPMD's is 0");
  return std::nullopt;
}

void registrar::impl::start() {
  auto bad = problem();
  if (!bad)
    return attempt();
  options_.persistent = false;
  asio::post(io_, [weak = weak_from_this(), bad = std::move(*bad)] {
    if (const auto self = weak.lock(); self && !self->over_)
      self->failed(bad);
  });
}

void registrar::impl::stop() {
  over_ = true;
  if (const auto asking = asking_.lock())
    asking->cancel();
  pause_.cancel();
  code ignored;
  held_.close(ignored);
  server_.reset();
}

void registrar::impl::attempt() {
  auto answer = std::make_shared<wire::registered>();
  auto check = [answer](std::string_view bytes, bool) -> std::expected<verdict, const char*> {
    const auto found = wire::decode_registered(bytes);
    if (!found)
      return std::unexpected(found.error().why);
    if (!*found)
      return verdict::more;
    *answer = **found;
    return verdict::done;
  };
  const wire::register_request wanted{
      .port = options_.port, .type = options_.type, .name = options_.name};
  asking_ = exchange::start(io_, options_.epmd, wire::encode(wanted), most_answer_bytes, check,
                            [weak = weak_from_this(), answer](auto connection) {
                              if (const auto self = weak.lock(); self && !self->over_)
                                self->answered(std::move(connection), *answer);
                            });
}

void registrar::impl::answered(std::expected<tcp::socket, error> connection,
                               wire::registered answer) {
  if (!connection) {
    connection.error().name = options_.name;
    return failed(std::move(connection.error()));
  }
  if (answer.accepted)
    return succeeded(std::move(*connection), answer.creation);
  code ignored;
  connection->close(ignored); // EPMD keeps it open, which looks like a registration
  failed(about(errc::name_taken));
}

void registrar::impl::succeeded(tcp::socket connection, std::uint32_t creation) {
  held_ = std::move(connection);
  told_.reset();
  lost_races_ = 0;
  watch();
  if (std::exchange(first_, false)) {
    if (events_.started)
      events_.started(creation);
  } else if (events_.restored) {
    events_.restored(creation);
  }
}

void registrar::impl::failed(error why) {
  if (why.code == errc::not_listening && options_.serve_if_absent && serve_instead(why))
    return;
  const bool go_on = !first_ || options_.persistent;
  if (go_on)
    try_again_in(options_.retry);
  const bool news = std::exchange(told_, why.code) != why.code;
  if (std::exchange(first_, false)) {
    if (events_.started)
      events_.started(std::unexpected(std::move(why)));
  } else if (news && events_.retry_failed) {
    events_.retry_failed(why);
  }
}

/// Whether an attempt follows soon; otherwise `why` says what stood against serving.
bool registrar::impl::serve_instead(error& why) {
  server_ = std::make_unique<server>(
      io_, daemon_options{.port = options_.epmd.port, .addresses = options_.serve_addresses});
  const auto serving = server_->start();
  if (serving) {
    attempt();
    return true;
  }
  server_.reset();
  if (serving.error().code == errc::port_in_use && lost_races_++ < most_lost_races) {
    try_again_in(pause_after_lost_race);
    return true;
  }
  why = serving.error();
  why.name = options_.name;
  return false;
}

void registrar::impl::try_again_in(duration pause) {
  pause_.expires_after(pause);
  pause_.async_wait([weak = weak_from_this()](const code& failure) {
    if (const auto self = weak.lock(); self && !failure && !self->over_)
      self->attempt();
  });
}

/// EPMD never says anything more: the next event on this connection is its end.
void registrar::impl::watch() {
  held_.async_read_some(asio::buffer(unexpected_),
                        [self = shared_from_this()](const code& failure, std::size_t size) {
                          if (!self->over_)
                            self->watched(failure, size);
                        });
}

void registrar::impl::watched(const code& failure, std::size_t size) {
  code ignored;
  held_.close(ignored);
  try_again_in(options_.retry);
  if (!events_.lost)
    return;
  if (!failure)
    events_.lost(about(errc::bad_reply, "bytes after the registration: '" +
                                            printable({unexpected_.data(), size}) + "'"));
  else
    events_.lost(about(errc::closed, "the registration ended: " + failure.message()));
}

error registrar::impl::about(errc kind, std::string cause) const {
  return {.code = kind,
          .host = options_.epmd.host,
          .port = options_.epmd.port,
          .name = options_.name,
          .cause = std::move(cause)};
}

registrar::registrar(asio::io_context& io, registrar_options options, registrar_events events)
    : impl_(std::make_shared<impl>(io, std::move(options), std::move(events))) {}

registrar::~registrar() { impl_->stop(); }

void registrar::start() { impl_->start(); }
bool registrar::registered() const noexcept { return impl_->registered(); }
bool registrar::serving() const noexcept { return impl_->serving(); }

} // namespace erl::epmd
