/// A driver without sockets: byte streams in memory, virtual time, deterministic random numbers.
///
/// One `memory_network` is a world; each node gets a `memory_driver` of it for each scheduler.
/// Nothing happens by itself: `poll` delivers what is ready to that driver's streams, and time
/// passes only by `advance`, or in `wait` when nothing is ready. Between two hosts bytes can be
/// late, stand still, or be lost with their connection; they never change and never overtake each
/// other. All of it belongs to one thread.
#pragma once

#include "base/driver.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace erl {

class memory_driver;
class memory_stream;
class memory_listener;
struct memory_pipe;

/// What may be set about all streams of a network.
struct memory_options {
  std::uint64_t seed = 1;
  std::size_t max_read =
      static_cast<std::size_t>(-1); ///< bytes that one `received` delivers at most
  bool random_splits = false;       ///< deliver 1 to `max_read` bytes, at random
  bool random_events = false;       ///< a `poll` delivers a few of the events that are ready
  std::size_t capacity = std::size_t{1}
                         << 20U; ///< bytes that fit between two ends before writes fall short
};

/// One direction between two hosts.
struct memory_wire {
  duration delay{};     ///< of bytes that are written from now on
  bool stalled = false; ///< nothing arrives, and nobody is told
};

/// The world that drivers share: its clock, its listeners, its random numbers.
class memory_network {
public:
  explicit memory_network(const memory_options& chosen = {})
      : options(chosen), random(chosen.seed) {}

  time_point now() const { return now_; }
  void advance(duration time) { now_ += time; }
  void advance_to(time_point time) { now_ = time > now_ ? time : now_; }
  /// When the next late bytes arrive; the end of time if none are on their way.
  time_point next_arrival();

  /// The direction from one host to another.
  memory_wire& wire(const std::string& from, const std::string& to) { return wires_[{from, to}]; }
  /// Ends the connections between two hosts with an error, on both sides.
  void cut(const std::string& one, const std::string& other);
  /// Ends all connections so, as a pulled cable does after a while.
  void cut_all();
  /// Makes all that is on its way to and from a host vanish, with its connections; nobody is told.
  void vanish(const std::string& host);
  /// Lets every connection attempt to `address` wait for ever (true), or be refused or accepted
  /// again.
  void black_hole(const endpoint& address, bool on) { black_holes_[key(address)] = on; }

  memory_options options;
  std::mt19937_64 random;
  std::uint64_t delivered = 0; ///< bytes

private:
  friend memory_driver;
  friend memory_stream;
  friend memory_listener;
  using address_key = std::pair<std::string, std::uint16_t>;
  static address_key key(const endpoint& at) { return {at.address, at.port}; }
  std::uint16_t next_port();
  std::shared_ptr<memory_pipe> make_pipe(const std::string& from, const std::string& to);
  template <class Use> void each_pipe(Use&& use);

  time_point now_{std::chrono::seconds(1000)};
  std::uint16_t next_port_ = 40000;
  std::map<address_key, memory_listener*> listeners_;
  std::map<address_key, bool> black_holes_;
  std::map<std::pair<std::string, std::string>, memory_wire> wires_;
  std::vector<std::weak_ptr<memory_pipe>> pipes_;
};

/// The bytes on their way in one direction of a connection.
struct memory_pipe {
  memory_pipe(memory_network& owner, const std::string& from_host, const std::string& to_host)
      : network(&owner), from(from_host), to(to_host), wire(&owner.wire(from_host, to_host)) {}

  memory_network* network;
  std::string from;
  std::string to;
  const memory_wire* wire;
  std::deque<std::byte> bytes;
  std::deque<std::pair<time_point, std::size_t>>
      late; ///< the last bytes: when they arrive, how many
  std::size_t late_bytes = 0;
  bool ended = false;        ///< no more bytes will come
  std::error_code error{};   ///< why, where it was no orderly end
  bool writer_waits = false; ///< a write fell short
  bool reader_gone = false;
  bool vanished = false; ///< nothing arrives any more

  bool silent() const { return vanished || wire->stalled; }
  void put(std::span<const std::byte> part);
  /// How many bytes have arrived.
  std::size_t arrived();
  bool end_has_arrived() { return ended && !silent() && arrived() == 0 && late.empty(); }
  void break_off();
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
  memory_stream(memory_driver& owner, stream_events& events, endpoint local, endpoint peer,
                std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out);

  enum class event { none, refused, connected, writable, received, closed };
  event next_event();
  /// Delivers one event. False: there is none.
  bool step();

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
  struct pending {
    std::shared_ptr<memory_pipe> in;
    std::shared_ptr<memory_pipe> out;
    endpoint from;
  };
  std::deque<pending>::iterator next();
  bool step();

  memory_driver& owner_;
  accept_events& events_;
  endpoint at_;
  std::deque<pending> pending_;
};

/// The driver of one scheduler of a node on one host.
class memory_driver final : public driver {
public:
  explicit memory_driver(memory_network& network, std::string host = "127.0.0.1")
      : network_(network), host_(std::move(host)) {}
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

  /// Whether `poll` has something to deliver.
  bool ready();
  /// Events delivered so far.
  std::uint64_t delivered() const { return delivered_; }
  /// Called by `wait` in place of passing time, where a test coordinates several drivers itself.
  std::function<void(time_point deadline)> network_waits;

private:
  friend memory_stream;
  friend memory_listener;
  void poll_a_few();

  memory_network& network_;
  std::string host_;
  std::vector<memory_stream*> streams_;
  std::vector<memory_listener*> listeners_;
  std::uint64_t delivered_ = 0;
  bool woken_ = false;
};

} // namespace erl
