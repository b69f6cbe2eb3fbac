/// A driver without sockets: byte streams in memory, virtual time, deterministic random numbers.
///
/// One `memory_network` is the world of a test; each node gets a `memory_driver` of it. Nothing
/// happens by itself: `poll` delivers what is ready to that driver's streams, and time passes only
/// by `advance`, or in `wait` when nothing is ready. All of it belongs to one thread.
#pragma once

#include "base/driver.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace erl::test {

class memory_driver;
class memory_stream;
class memory_listener;
struct memory_pipe;

/// What a test may set about all streams of a network.
struct memory_options {
  std::uint64_t seed = 1;
  std::size_t max_read =
      static_cast<std::size_t>(-1); ///< bytes that one `received` delivers at most
  bool random_splits = false;       ///< deliver 1 to `max_read` bytes, at random
  std::size_t capacity = std::size_t{1}
                         << 20U; ///< bytes that fit between two ends before writes fall short
};

/// The world that drivers share: its clock, its listeners, its random numbers.
class memory_network {
public:
  explicit memory_network(const memory_options& chosen = {})
      : options(chosen), random(chosen.seed) {}

  time_point now() const { return now_; }
  void advance(duration time) { now_ += time; }
  void advance_to(time_point time) { now_ = time > now_ ? time : now_; }
  /// Lets every connection attempt to `address` wait for ever (true), or be refused or accepted
  /// again.
  void black_hole(const endpoint& address, bool on) { black_holes_[key(address)] = on; }
  /// Ends all connections with an error, as a pulled cable does after a while.
  void cut_all();

  memory_options options;
  std::mt19937_64 random;

private:
  friend memory_driver;
  friend memory_stream;
  friend memory_listener;
  using address_key = std::pair<std::string, std::uint16_t>;
  static address_key key(const endpoint& at) { return {at.address, at.port}; }

  time_point now_{std::chrono::seconds(1000)};
  std::uint16_t next_port_ = 40000;
  std::map<address_key, memory_listener*> listeners_;
  std::map<address_key, bool> black_holes_;
  std::vector<std::weak_ptr<memory_pipe>> pipes_;
};

/// The bytes on their way in one direction.
struct memory_pipe {
  std::deque<std::byte> bytes;
  bool ended = false;        ///< no more bytes will come
  std::error_code error{};   ///< why, where it was no orderly end
  bool writer_waits = false; ///< a write fell short
  bool reader_gone = false;
};

/// One end of a connection.
class memory_stream final : public stream {
public:
  ~memory_stream() override;
  std::size_t write(std::span<const std::span<const std::byte>> chain) override;
  void read(bool on) override { reading_ = on; }
  endpoint peer() const override { return peer_; }
  endpoint local() const override { return local_; }

private:
  friend memory_driver;
  friend memory_listener;
  friend memory_network;
  memory_stream(memory_driver& owner, stream_events& events, endpoint local, endpoint peer);

  enum class progress { none, some, destroyed };
  /// Delivers one event, if there is one.
  progress step();

  memory_driver& owner_;
  stream_events& events_;
  endpoint local_;
  endpoint peer_;
  std::shared_ptr<memory_pipe> in_;
  std::shared_ptr<memory_pipe> out_;
  bool announce_ = false; ///< `connected` is due
  std::error_code refused_{};
  bool reading_ = true;
  bool over_ = false;
  bool* gone_ = nullptr;
};

/// A listening address.
class memory_listener final : public listener {
public:
  ~memory_listener() override;
  endpoint local() const override { return at_; }

private:
  friend memory_driver;
  friend memory_network;
  memory_listener(memory_driver& owner, accept_events& events, endpoint at);
  bool step();

  struct pending {
    std::shared_ptr<memory_pipe> in;
    std::shared_ptr<memory_pipe> out;
    endpoint from;
  };

  memory_driver& owner_;
  accept_events& events_;
  endpoint at_;
  std::deque<pending> pending_;
};

/// One node's driver.
class memory_driver final : public driver {
public:
  explicit memory_driver(memory_network& network) : network_(network) {}
  ~memory_driver() override = default;

  time_point now() const override { return network_.now(); }
  void random(std::span<std::byte> out) override;

  /// Delivers what is ready, until nothing is.
  void poll() override;
  /// `poll`; if nothing was ready and nobody woke this driver, time passes to `deadline` (unless
  /// that is the end of time, or `network_waits` takes care of it).
  void wait(time_point deadline) override;
  void wake() override { woken_ = true; }

  std::unique_ptr<stream> connect(const endpoint& to, stream_events& events) override;
  std::unique_ptr<listener> listen(const endpoint& at, accept_events& events,
                                   std::error_code& error) override;

  /// Events delivered so far.
  std::uint64_t delivered() const { return delivered_; }
  /// Called by `wait` in place of passing time, where a test coordinates several drivers itself.
  std::function<void(time_point deadline)> network_waits;

private:
  friend memory_stream;
  friend memory_listener;
  memory_network& network_;
  std::vector<memory_stream*> streams_;
  std::vector<memory_listener*> listeners_;
  std::uint64_t delivered_ = 0;
  bool woken_ = false;
};

} // namespace erl::test
