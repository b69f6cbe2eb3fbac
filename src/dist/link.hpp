/// One distribution connection: handshake, frames, ticks and time limits over a byte stream.
#pragma once

#include "base/driver.hpp"
#include "base/timer_queue.hpp"
#include "dist/control.hpp"
#include "dist/frame.hpp"
#include "dist/handshake.hpp"
#include "dist/message_reader.hpp"
#include "dist/message_writer.hpp"
#include "dist/tick.hpp"
#include <erl/connection_limits.hpp>

#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace erl::dist {

class link;

/// Why a connection ended.
enum class close_reason {
  unreachable = 1,  ///< the address could not be reached
  handshake_failed, ///< see `link_closed::handshake`
  peer_closed,      ///< the peer ended the connection
  connection_lost,  ///< the network did
  tick_timeout,     ///< the peer was silent for too long (OTP's net_tick_timeout)
  protocol_error,   ///< the peer sent something illegal
  frame_too_long,   ///< the peer announced a frame beyond the limit
  too_many_atoms,   ///< the peer introduced more new atoms than it may
  output_overflow,  ///< more bytes wait for the peer than the limit allows
};

/// The end of a connection.
struct link_closed {
  close_reason reason = close_reason::peer_closed;
  handshake_errc handshake{}; ///< with `handshake_failed`
  std::string text;           ///< cause and cure, for a log line or an error
};

/// The owner of a link. Called on the owning thread, from inside the driver or the timer queue, or
/// from `link::accept`. A callback may destroy the link, and may call any of its functions.
class link_events {
public:
  /// Acceptor: the peer has given its name, in due form and with all mandatory flags, and has
  /// proved nothing yet.
  virtual handshake_decision name_received(link& source, const peer_info& peer) = 0;
  /// Initiator: the peer has a connection to this node already; is this attempt still meant?
  virtual bool still_wanted(link& source) = 0;
  /// Acceptor that said `alive`: the peer is proved. Ends the old connection to it, before this one
  /// is up.
  virtual void replace_old(link& source) = 0;
  /// Both sides are proved. Messages follow.
  virtual void up(link& source, const peer_info& peer) = 0;
  virtual void message(link& source, control_message&& message) = 0;
  /// After `congested()`, the queue has fallen below the low mark.
  virtual void drained(link& source) = 0;
  /// The socket has taken bytes of a connection that is up.
  virtual void written(link& source) = 0;
  /// `flush` has written much and stopped, though the socket would take more: to be called again
  /// when others have had their turn.
  virtual void unfinished(link& source) = 0;
  /// The connection has ended, for another reason than `link::close`. Last.
  virtual void closed(link& source, const link_closed& how) = 0;

protected:
  ~link_events() = default;
};

/// What a node sets once for all its links.
struct link_options {
  std::string name; ///< this node's full name
  flag_set flags = advertised(false);
  std::uint32_t creation = 0;
  std::string cookie; ///< for peers without one of their own
  tick_options ticks{};
  connection_limits limits{};
  erl::limits decode{};
};

/// What has passed over a link that is up, and what has come of unfinished messages. Frames include
/// ticks and fragments.
struct link_counters {
  std::uint64_t frames_read = 0;
  std::uint64_t frames_written = 0;
  std::uint64_t ticks_read = 0;
  std::uint64_t ticks_written = 0;
  std::uint64_t fragments_read = 0;
  std::uint64_t fragments_written = 0;
  std::uint64_t messages_read = 0;
  std::uint64_t messages_written = 0; ///< those that wait included
  std::size_t unfinished = 0;
  std::size_t unfinished_bytes = 0;
  std::uint32_t new_atoms = 0;
};

/// One connection. Owned by one thread, but for `keep_alive`; destroying it closes it and delivers
/// nothing more.
class link final : private stream_events {
public:
  /// All references must outlive the link; `options` are copied.
  link(driver& io, timer_queue& timers, challenge_set& challenges, const link_options& options,
       link_events& events);
  ~link();
  link(const link&) = delete;
  link& operator=(const link&) = delete;

  /// Connects to `peer` at `address`. Once, on a fresh link. The cookie in the options is the one
  /// for this peer.
  void dial(const endpoint& address, std::string peer);
  /// Takes an incoming connection. Once, on a fresh link.
  void accept(accept_events::incoming& connection);

  /// Queues a signal; `flush` writes it. False if the link is not up, or the peer cannot take it
  /// (see `message_writer`).
  bool send(control_message message);
  /// Writes what is queued, as much as the socket takes, but no more than 256 KB or so; the rest
  /// goes when the socket can, or when `unfinished` has led to another call. To be called once at
  /// the end of a batch of sends.
  void flush();
  /// Writes as much as the socket takes now, however much that is.
  void flush_all();
  /// While the owner has no time for it, any thread that has the link to itself: when nothing was
  /// written for a second, or for the time between two ticks if that is shorter, writes what is
  /// queued, or a tick. Calls nobody.
  void keep_alive();
  /// Ends the connection at once, without `closed`.
  void close();

  bool is_up() const { return phase_ == phase::up; }
  bool is_closed() const { return phase_ == phase::closed; }
  const peer_info& peer() const { return peer_; }
  /// The peer's name as an atom; only of a link that is up, since names of unproved peers are not
  /// interned.
  atom peer_name() const { return context_.peer; }
  endpoint peer_address() const;
  /// Bytes that wait for the socket, those of messages in fragments and behind them included.
  std::size_t queued_bytes() const {
    return queue_.size() + (writer_ ? writer_->waiting_bytes() : 0);
  }
  /// More is in the queue than the high mark, and not yet less than the low one: senders had better
  /// wait for `drained`.
  bool congested() const { return congested_; }
  /// Bytes of this process's messages that are not in the queue, because one of them goes out in
  /// fragments. They do not make the link congested.
  std::size_t waiting_bytes(const pid& sender) const {
    return writer_ ? writer_->waiting_bytes(sender) : 0;
  }
  /// Traffic so far.
  std::uint64_t bytes_read() const { return traffic_.read; }
  std::uint64_t bytes_written() const { return traffic_.written; }
  /// Of a link that is up.
  link_counters counters() const;

private:
  enum class phase { idle, connecting, handshaking, up, closed };

  class deadline final : public timer {
  public:
    explicit deadline(link& owner) : owner_(owner) {}

  private:
    void expired() override { owner_.on_timer(); }
    link& owner_;
  };

  void connected() override;
  std::span<std::byte> read_space() override;
  void received(std::size_t size) override;
  void writable() override;
  void closed(std::error_code reason) override;

  handshake_options handshake();
  void run_handshake();
  bool run_handshake_step(bytes_view& bytes);
  handshake_machine& machine();
  void go_up();
  void run_frames();
  void open_long_frame(std::size_t length);
  bool take_message(const std::expected<message_reader::result, message_reader::error>& found);
  bool refuse(std::string_view text, bool atoms_exhausted);
  void on_timer();
  void on_tick_received();
  void queue_tick();
  std::size_t write_queue();
  bool may_send(const control_message& message) const;
  void on_socket_progress();
  void fail(const link_closed& how);
  void fail_handshake(const handshake_error& error);
  void shut();

  driver& io_;
  timer_queue& timers_;
  challenge_set& challenges_;
  link_events& events_;
  link_options options_;
  phase phase_ = phase::idle;
  bool congested_ = false;
  bool socket_full_ = false;
  bool overflow_ = false;
  /// True once nothing may be delivered, or the link is destroyed. Functions that call the owner
  /// keep a share of it, to learn afterwards whether there still is a link.
  std::shared_ptr<bool> over_ = std::make_shared<bool>(false);

  challenge_set::entry challenge_;
  std::variant<std::monostate, initiator, acceptor> machine_;
  peer_info peer_;
  control_context context_;
  atom_budget atoms_{};

  frame_reader reader_;
  bool long_frame_ = false; ///< the last frame was one
  output_queue queue_;
  // Of a link that is up.
  std::optional<message_reader> messages_;
  std::optional<message_writer> writer_;
  traffic traffic_;
  link_counters counters_; ///< as far as nobody else counts
  time_point last_write_{};
  std::size_t written_alone_ = 0; ///< by `keep_alive`: the owner does not know it yet
  ticker ticker_;
  deadline timer_;
  std::unique_ptr<stream> stream_;
};

} // namespace erl::dist
