#include "epmd/client.hpp"
#include "epmd/registrar.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace erl::epmd {

namespace asio = boost::asio;

struct registration::impl {
  asio::io_context io{1};
  std::optional<registrar> keeper;
  std::thread thread;
  std::promise<std::expected<std::uint32_t, error>> first;
  std::atomic<bool> registered = false;
  std::uint32_t creation = 0;

  ~impl() {
    io.stop();
    if (thread.joinable())
      thread.join();
  }

  std::expected<std::uint32_t, error> start(registrar_options options) {
    auto outcome = first.get_future();
    keeper.emplace(io, std::move(options),
                   registrar_events{.started =
                                        [this](std::expected<std::uint32_t, error> result) {
                                          registered = result.has_value();
                                          first.set_value(std::move(result));
                                        },
                                    .lost = [this](const error&) { registered = false; },
                                    .restored = [this](std::uint32_t) { registered = true; },
                                    .retry_failed = {}});
    keeper->start();
    thread = std::thread([this] { io.run(); });
    return outcome.get();
  }
};

std::expected<registration, error> registration::open(registration_options options) {
  auto to = make_target(options.host, {.port = options.epmd_port, .timeout = options.timeout});
  if (!to)
    return std::unexpected(std::move(to.error()));
  auto made = std::make_unique<impl>();
  try {
    const auto creation = made->start({.name = std::move(options.name),
                                       .port = options.port,
                                       .type = options.type,
                                       .epmd = *to,
                                       .retry = options.retry,
                                       .serve_if_absent = options.serve_if_absent});
    if (!creation)
      return std::unexpected(creation.error());
    made->creation = *creation;
    return registration(made.release());
  } catch (const std::system_error& failure) {
    return std::unexpected(error{
        .code = errc::no_resources, .host = to->host, .port = to->port, .cause = failure.what()});
  }
}

registration::registration(registration&& other) noexcept
    : impl_(std::exchange(other.impl_, nullptr)) {}

registration& registration::operator=(registration&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

registration::~registration() { delete impl_; }

std::uint32_t registration::creation() const noexcept { return impl_ ? impl_->creation : 0; }

bool registration::registered() const noexcept { return impl_ && impl_->registered; }

} // namespace erl::epmd
