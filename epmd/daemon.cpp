#include "epmd/client.hpp"
#include "epmd/server.hpp"
#include <erl/epmd/daemon.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace erl::epmd {

namespace asio = boost::asio;

struct daemon::impl {
  asio::io_context io{1};
  server serving;
  std::thread thread;
  std::atomic<std::thread::id> server_thread{};
  std::atomic<bool> running = false;
  std::atomic<std::uint16_t> port = 0;

  explicit impl(daemon_options options) : serving(io, std::move(options), [this] { io.stop(); }) {}

  ~impl() {
    stop();
    if (thread.joinable())
      thread.join();
  }

  std::expected<void, error> listen() {
    auto listening = serving.start();
    if (listening) {
      port = serving.port();
      running = true;
    }
    return listening;
  }

  void serve() {
    server_thread = std::this_thread::get_id();
    io.run();
    serving.stop();
    running = false;
    running.notify_all();
  }

  void stop() {
    asio::post(io, [this] {
      serving.stop();
      io.stop();
    });
    if (server_thread.load() != std::this_thread::get_id())
      running.wait(true);
  }
};

daemon::daemon(daemon_options options) : impl_(new impl(std::move(options))) {}

daemon::daemon(daemon&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}

daemon& daemon::operator=(daemon&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

daemon::~daemon() { delete impl_; }

std::expected<void, error> daemon::start() {
  auto listening = impl_->listen();
  if (!listening)
    return listening;
  try {
    impl_->thread = std::thread([serving = impl_] { serving->serve(); });
  } catch (const std::system_error& failure) {
    impl_->serving.stop();
    impl_->running = false;
    impl_->running.notify_all();
    return std::unexpected(
        error{.code = errc::no_resources, .port = impl_->port, .cause = failure.what()});
  }
  return {};
}

std::expected<void, error> daemon::run() {
  auto listening = impl_->listen();
  if (listening)
    impl_->serve();
  return listening;
}

void daemon::stop() noexcept {
  if (impl_ != nullptr)
    impl_->stop();
}

std::uint16_t daemon::port() const noexcept {
  return impl_ != nullptr ? impl_->port.load() : std::uint16_t{0};
}
bool daemon::running() const noexcept { return impl_ != nullptr && impl_->running; }

namespace {

constexpr duration probe_timeout = std::chrono::seconds{1};
constexpr auto pause_after_lost_race = std::chrono::milliseconds{50};
constexpr int most_lost_races = 20;

/// Calls `start(port)`, which serves, unless somebody answers; true when it serves now.
template <class Start>
std::expected<bool, error> start_if_absent(std::optional<std::uint16_t> wanted, Start start) {
  const auto port = wanted ? std::expected<std::uint16_t, error>(*wanted) : default_port();
  if (!port)
    return std::unexpected(port.error());
  for (int race = 0;; ++race) {
    const auto answer = names("127.0.0.1", {.port = *port, .timeout = probe_timeout});
    if (answer)
      return false;
    if (answer.error().code != errc::not_listening)
      return std::unexpected(answer.error());
    const std::expected<void, error> started = start(*port);
    if (started)
      return true;
    // Somebody took the port since the question, and may not listen yet.
    if (started.error().code != errc::port_in_use || race == most_lost_races)
      return std::unexpected(started.error());
    std::this_thread::sleep_for(pause_after_lost_race);
  }
}

} // namespace

std::expected<std::optional<daemon>, error> embed_if_absent(std::optional<std::uint16_t> port) {
  std::optional<daemon> made;
  const auto serves = start_if_absent(port, [&](std::uint16_t free_port) {
    made.emplace(daemon_options{.port = free_port});
    return made->start();
  });
  if (!serves)
    return std::unexpected(serves.error());
  if (!*serves)
    made.reset();
  return made;
}

std::expected<std::unique_ptr<server>, error> embed_if_absent(asio::io_context& io,
                                                              std::optional<std::uint16_t> port) {
  std::unique_ptr<server> made;
  const auto serves = start_if_absent(port, [&](std::uint16_t free_port) {
    made = std::make_unique<server>(io, daemon_options{.port = free_port});
    return made->start();
  });
  if (!serves)
    return std::unexpected(serves.error());
  if (!*serves)
    made.reset();
  return made;
}

} // namespace erl::epmd
