/// The border between the engine and the world: time, random numbers, sleep and wake-up, and byte
/// streams.
///
/// Each scheduler owns one driver and calls it from its own thread only; `wake` is the exception,
/// and whoever has borrowed what a scheduler owns (runtime/loan.hpp) writes to its streams.
/// Everything above this line runs unchanged on real sockets (src/node/asio_driver.cpp) and in a
/// simulation. Streams are non-blocking and unbuffered: who writes keeps what was not taken, so
/// every byte in flight has exactly one owner.
#pragma once

#include <erl/duration.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>

namespace erl {

/// A TCP address: numeric IPv4 or IPv6 text and a port.
struct endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const endpoint&) const = default;
};

/// What happens on a stream. Called on the owning thread, only from inside `driver::poll` or
/// `driver::wait`. A callback may destroy the stream.
class stream_events {
public:
  /// An outgoing connection is established. Not called for accepted streams.
  virtual void connected() = 0;
  /// Memory for the next bytes, at least one. Called when there are bytes to read.
  virtual std::span<std::byte> read_space() = 0;
  /// The first `size` bytes of the last `read_space()` are filled.
  virtual void received(std::size_t size) = 0;
  /// A write that took fewer bytes than it was offered can go on.
  virtual void writable() = 0;
  /// The stream has ended: by the peer (no error), or for the reason given. Called at most once,
  /// and last.
  virtual void closed(std::error_code reason) = 0;

protected:
  ~stream_events() = default;
};

/// A connected (or connecting) byte stream. Destroying it closes it at once and silences its
/// events.
class stream {
public:
  virtual ~stream() = default;
  /// Offers `chain`, in order. Returns how many bytes were taken, without ever blocking; when that
  /// is fewer than all, `writable()` follows. Errors are reported by `closed()`, never here.
  virtual std::size_t write(std::span<const std::span<const std::byte>> chain) = 0;
  /// Stops (false) or goes on (true) reading. A stream starts out reading.
  virtual void read(bool on) = 0;
  /// The other side's address.
  virtual endpoint peer() const = 0;
  /// This side's address.
  virtual endpoint local() const = 0;
};

/// Incoming connections. Called on the owning thread, only from inside `driver::poll` or
/// `driver::wait`.
class accept_events {
public:
  /// A connection has come in; `accept` gives it its events, dropping it closes it.
  class incoming {
  public:
    virtual ~incoming() = default;
    virtual std::unique_ptr<stream> accept(stream_events& events) = 0;
    virtual endpoint peer() const = 0;
  };
  virtual void incoming_connection(std::unique_ptr<incoming> connection) = 0;

protected:
  ~accept_events() = default;
};

/// A listening socket. Destroying it stops listening.
class listener {
public:
  virtual ~listener() = default;
  /// The address listened on, with the real port where 0 was asked for.
  virtual endpoint local() const = 0;
};

/// One thread's access to the world.
class driver {
public:
  virtual ~driver() = default;

  /// The monotonic clock.
  virtual time_point now() const = 0;
  /// Fills `out` from a cryptographic source.
  virtual void random(std::span<std::byte> out) = 0;

  /// Delivers what is ready, and returns without waiting.
  virtual void poll() = 0;
  /// Sleeps until something happens, `wake()` is called or `deadline` passes; delivers what
  /// happened.
  virtual void wait(time_point deadline) = 0;
  /// Ends a `wait` that is under way, or the next one. From any thread.
  virtual void wake() = 0;

  /// Begins to connect; the outcome is `connected()` or `closed()`, never before this function
  /// returns.
  virtual std::unique_ptr<stream> connect(const endpoint& to, stream_events& events) = 0;
  /// Listens on `at` (port 0: any free one). The error says why it cannot.
  virtual std::unique_ptr<listener> listen(const endpoint& at, accept_events& events,
                                           std::error_code& error) = 0;
};

} // namespace erl
