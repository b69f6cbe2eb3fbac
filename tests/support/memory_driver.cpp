#include "support/memory_driver.hpp"

#include <algorithm>
#include <utility>

namespace erl::test {

namespace {

/// A connection that has come in and may be accepted.
class memory_incoming final : public accept_events::incoming {
public:
  using acceptor = std::function<std::unique_ptr<stream>(stream_events&)>;
  memory_incoming(endpoint from, std::shared_ptr<memory_pipe> out, acceptor accept)
      : from_(std::move(from)), out_(std::move(out)), accept_(std::move(accept)) {}
  ~memory_incoming() override {
    if (!accepted_)
      out_->ended = true;
  }
  memory_incoming(const memory_incoming&) = delete;
  memory_incoming& operator=(const memory_incoming&) = delete;

  std::unique_ptr<stream> accept(stream_events& events) override {
    accepted_ = true;
    return accept_(events);
  }
  endpoint peer() const override { return from_; }

private:
  endpoint from_;
  std::shared_ptr<memory_pipe> out_;
  acceptor accept_;
  bool accepted_ = false;
};

} // namespace

void memory_network::cut_all() {
  for (const auto& weak : std::exchange(pipes_, {})) {
    if (const auto pipe = weak.lock()) {
      pipe->ended = true;
      pipe->bytes.clear();
      pipe->error = std::make_error_code(std::errc::connection_reset);
    }
  }
}

memory_stream::memory_stream(memory_driver& owner, stream_events& events, endpoint local,
                             endpoint peer)
    : owner_(owner), events_(events), local_(std::move(local)), peer_(std::move(peer)),
      in_(std::make_shared<memory_pipe>()), out_(std::make_shared<memory_pipe>()) {
  owner_.streams_.push_back(this);
}

memory_stream::~memory_stream() {
  out_->ended = true;
  in_->reader_gone = true;
  in_->writer_waits = false;
  std::erase(owner_.streams_, this);
  if (gone_ != nullptr)
    *gone_ = true;
}

std::size_t memory_stream::write(std::span<const std::span<const std::byte>> chain) {
  if (over_ || out_->ended)
    return 0;
  std::size_t taken = 0;
  for (const auto piece : chain) {
    const auto capacity = owner_.network_.options.capacity;
    const auto room =
        out_->reader_gone ? piece.size() : capacity - std::min(capacity, out_->bytes.size());
    const auto part = piece.first(std::min(room, piece.size()));
    if (!out_->reader_gone)
      out_->bytes.insert(out_->bytes.end(), part.begin(), part.end());
    taken += part.size();
    if (part.size() < piece.size()) {
      out_->writer_waits = true;
      break;
    }
  }
  return taken;
}

memory_stream::progress memory_stream::step() {
  bool gone = false;
  gone_ = &gone;
  const auto after = [&] {
    if (gone)
      return progress::destroyed;
    gone_ = nullptr;
    return progress::some;
  };
  if (refused_) {
    over_ = true;
    events_.closed(std::exchange(refused_, {}));
    return after();
  }
  if (announce_) {
    announce_ = false;
    events_.connected();
    return after();
  }
  const auto capacity = owner_.network_.options.capacity;
  if (!over_ && out_->writer_waits && out_->bytes.size() < capacity) {
    out_->writer_waits = false;
    events_.writable();
    return after();
  }
  if (!over_ && reading_ && !in_->bytes.empty()) {
    const auto space = events_.read_space();
    auto size = std::min({space.size(), in_->bytes.size(), owner_.network_.options.max_read});
    if (owner_.network_.options.random_splits)
      size = std::uniform_int_distribution<std::size_t>(1, size)(owner_.network_.random);
    std::copy_n(in_->bytes.begin(), size, space.begin());
    in_->bytes.erase(in_->bytes.begin(), in_->bytes.begin() + static_cast<std::ptrdiff_t>(size));
    events_.received(size);
    return after();
  }
  if (!over_ && reading_ && in_->ended) {
    over_ = true;
    events_.closed(in_->error);
    return after();
  }
  gone_ = nullptr;
  return progress::none;
}

memory_listener::memory_listener(memory_driver& owner, accept_events& events, endpoint at)
    : owner_(owner), events_(events), at_(std::move(at)) {
  owner_.listeners_.push_back(this);
  owner_.network_.listeners_[memory_network::key(at_)] = this;
}

memory_listener::~memory_listener() {
  for (const auto& each : pending_)
    each.out->ended = true;
  std::erase(owner_.listeners_, this);
  owner_.network_.listeners_.erase(memory_network::key(at_));
}

bool memory_listener::step() {
  if (pending_.empty())
    return false;
  auto next = std::move(pending_.front());
  pending_.pop_front();
  auto& owner = owner_;
  const auto accept = [&owner, at = at_, next](stream_events& events) {
    std::unique_ptr<memory_stream> accepted(new memory_stream(owner, events, at, next.from));
    accepted->in_ = next.in;
    accepted->out_ = next.out;
    return accepted;
  };
  events_.incoming_connection(std::make_unique<memory_incoming>(next.from, next.out, accept));
  return true;
}

void memory_driver::random(std::span<std::byte> out) {
  for (auto& byte : out)
    byte = static_cast<std::byte>(network_.random());
}

void memory_driver::poll() {
  for (bool again = true; again;) {
    again = false;
    // Callbacks add and remove streams and listeners, so each pass works on a copy and checks that
    // they still live.
    for (auto* each : std::vector(listeners_)) {
      if (std::ranges::find(listeners_, each) != listeners_.end() && each->step()) {
        ++delivered_;
        again = true;
      }
    }
    for (auto* each : std::vector(streams_)) {
      if (std::ranges::find(streams_, each) == streams_.end())
        continue;
      if (each->step() != memory_stream::progress::none) {
        ++delivered_;
        again = true;
      }
    }
  }
}

void memory_driver::wait(time_point deadline) {
  const auto before = delivered_;
  poll();
  if (std::exchange(woken_, false) || delivered_ != before)
    return;
  if (network_waits)
    network_waits(deadline);
  else if (deadline != time_point::max())
    network_.advance_to(deadline);
}

std::unique_ptr<stream> memory_driver::connect(const endpoint& to, stream_events& events) {
  const endpoint from{"127.0.0.1", network_.next_port_++};
  std::unique_ptr<memory_stream> dialled(new memory_stream(*this, events, from, to));
  const auto key = memory_network::key(to);
  if (network_.black_holes_[key])
    return dialled;
  const auto place = network_.listeners_.find(key);
  if (place == network_.listeners_.end()) {
    dialled->refused_ = std::make_error_code(std::errc::connection_refused);
    return dialled;
  }
  dialled->announce_ = true;
  network_.pipes_.push_back(dialled->in_);
  network_.pipes_.push_back(dialled->out_);
  place->second->pending_.push_back({.in = dialled->out_, .out = dialled->in_, .from = from});
  return dialled;
}

std::unique_ptr<listener> memory_driver::listen(const endpoint& at, accept_events& events,
                                                std::error_code& error) {
  auto real = at;
  if (real.port == 0)
    real.port = network_.next_port_++;
  if (network_.listeners_.contains(memory_network::key(real))) {
    error = std::make_error_code(std::errc::address_in_use);
    return nullptr;
  }
  error.clear();
  return std::unique_ptr<listener>(new memory_listener(*this, events, real));
}

} // namespace erl::test
