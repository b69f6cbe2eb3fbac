/// For tests: a node that is nothing but links, and a peer that says what the test tells it, both
/// without sockets.
#pragma once

#include "base/memory_driver.hpp"
#include "dist/link.hpp"
#include "dist/message_fixture.hpp"
#include <erl/etf/atom.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace erl::dist::test_only {

/// Owns links and writes down what they deliver.
class link_node final : public link_events, public accept_events {
public:
  link_node(memory_network& network, std::string name, bool visible = false)
      : io(network), network_(network) {
    options.name = std::move(name);
    options.flags = advertised(visible);
    options.creation = 100;
    options.cookie = "cookie";
  }

  endpoint listen(std::uint16_t port = 5000) {
    std::error_code error;
    listener_ = io.listen({"127.0.0.1", port}, *this, error);
    return {"127.0.0.1", port};
  }
  link& dial(const endpoint& to, std::string peer) {
    links.push_back(std::make_unique<link>(io, timers, challenges, options, *this));
    links.back()->dial(to, std::move(peer));
    return *links.back();
  }
  /// Delivers what is ready, and runs the timers that are due.
  bool turn() {
    const auto before = io.delivered();
    io.poll();
    bool more = !unfinished_.empty();
    for (link* each : std::exchange(unfinished_, {}))
      each->flush();
    more = timers.expire(network_.now()) != 0 || more;
    return more || io.delivered() != before;
  }
  pid process(std::uint32_t id) const {
    return {.node = atom(options.name), .id = id, .serial = 0, .creation = options.creation};
  }

  handshake_decision name_received(link&, const peer_info& peer) override {
    log("name " + peer.name);
    return decision;
  }
  bool still_wanted(link&) override {
    log("still_wanted");
    return wanted;
  }
  void replace_old(link&) override { log("replace_old"); }
  void up(link& source, const peer_info& peer) override {
    log("up " + peer.name);
    if (on_up)
      on_up(source);
  }
  void message(link& source, control_message&& message) override {
    messages.push_back(std::move(message));
    if (on_message)
      on_message(source);
  }
  void drained(link&) override { log("drained"); }
  void written(link&) override { ++writes; }
  void unfinished(link& source) override { unfinished_.push_back(&source); }
  void closed(link& source, const link_closed& how) override {
    std::erase(unfinished_, &source);
    log("closed");
    ends.push_back(how);
    if (on_closed)
      on_closed(source);
  }
  void incoming_connection(std::unique_ptr<accept_events::incoming> connection) override {
    links.push_back(std::make_unique<link>(io, timers, challenges, options, *this));
    links.back()->accept(*connection);
  }

  void log(std::string line) { events.push_back(std::move(line)); }

  memory_driver io;
  timer_queue timers;
  challenge_set challenges;
  link_options options;
  handshake_decision decision;
  bool wanted = true;
  std::function<void(link&)> on_up;
  std::function<void(link&)> on_message;
  std::function<void(link&)> on_closed;
  std::vector<std::unique_ptr<link>> links;
  std::vector<std::string> events;
  std::vector<control_message> messages;
  std::vector<link_closed> ends;
  int writes = 0;

private:
  memory_network& network_;
  std::unique_ptr<listener> listener_;
  std::vector<link*> unfinished_;
};

/// A peer that writes raw bytes and reads nothing unless told to.
class raw_peer final : public stream_events, public accept_events {
public:
  explicit raw_peer(memory_network& network) : io(network) {}

  void listen(const endpoint& at) {
    std::error_code error;
    listener_ = io.listen(at, *this, error);
  }
  void dial(const endpoint& to) { stream_ = io.connect(to, *this); }
  void write(std::span<const std::byte> sent) {
    const std::span<const std::byte> pieces[] = {sent};
    stream_->write(pieces);
  }
  void hang_up() { stream_.reset(); }
  void read(bool on) { stream_->read(on); }

  void connected() override {}
  std::span<std::byte> read_space() override { return buffer_; }
  void received(std::size_t size) override {
    bytes.insert(bytes.end(), buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
  }
  void writable() override {}
  void closed(std::error_code) override { ended = true; }
  void incoming_connection(std::unique_ptr<accept_events::incoming> connection) override {
    stream_ = connection->accept(*this);
  }

  memory_driver io;
  std::vector<std::byte> bytes; ///< all that has been received
  bool ended = false;

private:
  std::array<std::byte, 4096> buffer_{};
  std::unique_ptr<listener> listener_;
  std::unique_ptr<stream> stream_;
};

} // namespace erl::dist::test_only
