/// The two ends of connections on a driver, for its tests.
#pragma once

#include "node/asio_driver.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace erl::test {

using namespace std::chrono_literals;

using bytes = std::vector<std::byte>;

// Runs the driver until `done`; false when that takes longer than 20 s.
inline bool run_until(erl::driver& d, const std::function<bool()>& done) {
  const auto end = d.now() + 20s;
  while (!done()) {
    if (d.now() > end) {
      return false;
    }
    d.wait(d.now() + 1s);
  }
  return true;
}

// One end of a connection: keeps what it reads, and writes what it is given as fast as the stream
// takes it.
struct end_point final : erl::stream_events {
  std::unique_ptr<erl::stream> link;
  bool is_connected = false;
  std::optional<std::error_code> closed_with;
  bytes in;
  bytes out;
  std::size_t written = 0;
  std::size_t space = 64 * 1024;
  std::size_t largest_read = 0;
  std::size_t reads = 0;
  std::function<void()> on_connected = [] {};
  std::function<void()> on_received = [] {};
  std::function<void()> on_closed = [] {};

  void send(std::string_view text) {
    const auto raw = std::as_bytes(std::span{text});
    out.insert(out.end(), raw.begin(), raw.end());
    flush();
  }
  void flush() {
    if (link && written < out.size()) {
      const std::span<const std::byte> rest = std::span{out}.subspan(written);
      written += link->write(std::span{&rest, 1});
    }
  }
  std::string text() const { return {reinterpret_cast<const char*>(in.data()), in.size()}; }

  void connected() override {
    is_connected = true;
    on_connected();
  }
  std::span<std::byte> read_space() override {
    buffer_.resize(space);
    return buffer_;
  }
  void received(std::size_t size) override {
    largest_read = std::max(largest_read, size);
    ++reads;
    in.insert(in.end(), buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
    on_received();
  }
  void writable() override { flush(); }
  void closed(std::error_code reason) override {
    REQUIRE_FALSE(closed_with);
    closed_with = reason;
    on_closed();
  }

private:
  bytes buffer_;
};

// Accepts everything; each connection gets an end_point that `prepare` has seen.
struct server : erl::accept_events {
  explicit server(erl::driver& d) {
    std::error_code error;
    socket = d.listen({"127.0.0.1", 0}, *this, error);
    REQUIRE_FALSE(error);
  }
  void incoming_connection(std::unique_ptr<incoming> connection) override {
    auto& added = *accepted.emplace_back(std::make_unique<end_point>());
    prepare(added);
    peers.push_back(connection->peer());
    added.link = connection->accept(added);
  }
  std::unique_ptr<erl::listener> socket;
  std::vector<std::unique_ptr<end_point>> accepted;
  std::vector<erl::endpoint> peers;
  std::function<void(end_point&)> prepare = [](end_point&) {};
};

struct pair {
  pair() {
    client.link = driver->connect(listening.socket->local(), client);
    REQUIRE(run_until(*driver, [&] { return client.is_connected && !listening.accepted.empty(); }));
  }
  end_point& far() { return *listening.accepted.at(0); }

  std::unique_ptr<erl::driver> driver = erl::make_asio_driver();
  server listening{*driver};
  end_point client;
};

// A plain socket, for what the driver's own streams never do.
class raw_socket {
public:
  raw_socket() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(descriptor_ >= 0);
  }
  raw_socket(raw_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  raw_socket& operator=(raw_socket&&) = delete;
  ~raw_socket() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  bool connect(const erl::endpoint& to) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    ::inet_pton(AF_INET, to.address.c_str(), &address.sin_addr);
    return ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(descriptor_, -1));
  }
  int get() const { return descriptor_; }

private:
  int descriptor_;
};

} // namespace erl::test
