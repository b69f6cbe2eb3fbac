#include "base/memory_driver.hpp"

#include <algorithm>
#include <utility>

namespace erl {

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

// Pipes.

void memory_pipe::put(std::span<const std::byte> part) {
  if (part.empty())
    return;
  bytes.insert(bytes.end(), part.begin(), part.end());
  if (wire->delay <= duration::zero() && late.empty())
    return;
  const time_point due = network->now() + wire->delay;
  late.emplace_back(late.empty() ? due : std::max(due, late.back().first), part.size());
  late_bytes += part.size();
}

std::size_t memory_pipe::arrived() {
  while (!late.empty() && late.front().first <= network->now()) {
    late_bytes -= late.front().second;
    late.pop_front();
  }
  return bytes.size() - late_bytes;
}

void memory_pipe::break_off() {
  ended = true;
  bytes.clear();
  late.clear();
  late_bytes = 0;
  error = std::make_error_code(std::errc::connection_reset);
}

// The network.

std::shared_ptr<memory_pipe> memory_network::make_pipe(const std::string& from,
                                                       const std::string& to) {
  std::erase_if(pipes_, [](const auto& weak) { return weak.expired(); });
  auto made = std::make_shared<memory_pipe>(*this, from, to);
  pipes_.push_back(made);
  return made;
}

std::uint16_t memory_network::next_port() {
  constexpr std::uint16_t first = 40000;
  return std::max(next_port_++, first);
}

template <class Use> void memory_network::each_pipe(Use&& use) {
  for (const auto& weak : pipes_)
    if (const auto pipe = weak.lock())
      use(*pipe);
}

time_point memory_network::next_arrival() {
  time_point next = time_point::max();
  each_pipe([&](const memory_pipe& pipe) {
    if (!pipe.late.empty() && !pipe.silent() && !pipe.reader_gone)
      next = std::min(next, pipe.late.front().first);
  });
  return next;
}

void memory_network::cut(const std::string& one, const std::string& other) {
  each_pipe([&](memory_pipe& pipe) {
    if ((pipe.from == one && pipe.to == other) || (pipe.from == other && pipe.to == one))
      pipe.break_off();
  });
}

void memory_network::cut_all() {
  each_pipe([](memory_pipe& pipe) { pipe.break_off(); });
}

void memory_network::vanish(const std::string& host) {
  each_pipe([&](memory_pipe& pipe) {
    if (pipe.from == host || pipe.to == host)
      pipe.vanished = true;
  });
}

// Streams.

memory_stream::memory_stream(memory_driver& owner, stream_events& events, endpoint local,
                             endpoint peer, std::shared_ptr<memory_pipe> in,
                             std::shared_ptr<memory_pipe> out)
    : owner_(owner), events_(events), local_(std::move(local)), peer_(std::move(peer)),
      in_(std::move(in)), out_(std::move(out)) {
  owner_.streams_.push_back(this);
}

memory_stream::~memory_stream() {
  out_->ended = true;
  in_->reader_gone = true;
  in_->writer_waits = false;
  std::erase(owner_.streams_, this);
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
      out_->put(part);
    taken += part.size();
    if (part.size() < piece.size()) {
      out_->writer_waits = true;
      break;
    }
  }
  return taken;
}

memory_stream::event memory_stream::next_event() {
  if (refused_ || announce_)
    return in_->silent() ? event::none : refused_ ? event::refused : event::connected;
  if (over_)
    return event::none;
  if (out_->writer_waits && out_->bytes.size() < owner_.network_.options.capacity)
    return event::writable;
  if (!reading_ || in_->silent())
    return event::none;
  if (in_->arrived() != 0)
    return event::received;
  return in_->end_has_arrived() ? event::closed : event::none;
}

/// Nothing here is touched behind the callback, which may destroy the stream.
bool memory_stream::step() {
  switch (next_event()) {
  case event::none:
    return false;
  case event::refused:
    over_ = true;
    events_.closed(std::exchange(refused_, {}));
    break;
  case event::connected:
    announce_ = false;
    events_.connected();
    break;
  case event::writable:
    out_->writer_waits = false;
    events_.writable();
    break;
  case event::received: {
    auto& network = owner_.network_;
    const auto space = events_.read_space();
    auto size = std::min({space.size(), in_->arrived(), network.options.max_read});
    if (network.options.random_splits)
      size = std::uniform_int_distribution<std::size_t>(1, size)(network.random);
    std::copy_n(in_->bytes.begin(), size, space.begin());
    in_->bytes.erase(in_->bytes.begin(), in_->bytes.begin() + static_cast<std::ptrdiff_t>(size));
    network.delivered += size;
    events_.received(size);
    break;
  }
  case event::closed:
    over_ = true;
    events_.closed(in_->error);
  }
  return true;
}

// Listeners.

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

std::deque<memory_listener::pending>::iterator memory_listener::next() {
  return std::ranges::find_if(pending_, [](const pending& each) { return !each.in->silent(); });
}

bool memory_listener::step() {
  const auto place = next();
  if (place == pending_.end())
    return false;
  const pending first = std::move(*place);
  pending_.erase(place);
  const auto accept = [&owner = owner_, at = at_, first](stream_events& events) {
    return std::unique_ptr<memory_stream>(
        new memory_stream(owner, events, at, first.from, first.in, first.out));
  };
  events_.incoming_connection(std::make_unique<memory_incoming>(first.from, first.out, accept));
  return true;
}

// The driver.

void memory_driver::random(std::span<std::byte> out) {
  for (auto& byte : out)
    byte = static_cast<std::byte>(network_.random());
}

bool memory_driver::ready() {
  return std::ranges::any_of(listeners_,
                             [](auto* each) { return each->next() != each->pending_.end(); }) ||
         std::ranges::any_of(
             streams_, [](auto* each) { return each->next_event() != memory_stream::event::none; });
}

void memory_driver::poll() {
  if (network_.options.random_events)
    return poll_a_few();
  for (bool again = true; again;) {
    again = false;
    // Callbacks add and remove streams and listeners, so each pass works on a copy and checks that
    // they still live.
    const auto step = [&](auto& all) {
      for (auto* each : std::vector(all))
        if (std::ranges::find(all, each) != all.end() && each->step()) {
          ++delivered_;
          again = true;
        }
    };
    step(listeners_);
    step(streams_);
  }
}

void memory_driver::poll_a_few() {
  constexpr unsigned most = 4;
  for (auto left = 1 + network_.random() % most; left > 0; --left) {
    const std::size_t sources = listeners_.size() + streams_.size();
    if (sources == 0)
      return;
    const std::size_t chosen = network_.random() % sources;
    delivered_ += chosen < listeners_.size() ? listeners_[chosen]->step()
                                             : streams_[chosen - listeners_.size()]->step();
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
  const endpoint from{host_, network_.next_port()};
  std::unique_ptr<memory_stream> dialled(
      new memory_stream(*this, events, from, to, network_.make_pipe(to.address, from.address),
                        network_.make_pipe(from.address, to.address)));
  const auto key = memory_network::key(to);
  if (network_.black_holes_[key])
    return dialled;
  const auto place = network_.listeners_.find(key);
  if (place == network_.listeners_.end()) {
    dialled->refused_ = std::make_error_code(std::errc::connection_refused);
    return dialled;
  }
  dialled->announce_ = true;
  place->second->pending_.push_back({.in = dialled->out_, .out = dialled->in_, .from = from});
  return dialled;
}

std::unique_ptr<listener> memory_driver::listen(const endpoint& at, accept_events& events,
                                                std::error_code& error) {
  auto real = at;
  if (real.port == 0)
    real.port = network_.next_port();
  if (network_.listeners_.contains(memory_network::key(real))) {
    error = std::make_error_code(std::errc::address_in_use);
    return nullptr;
  }
  error.clear();
  return std::unique_ptr<listener>(new memory_listener(*this, events, real));
}

} // namespace erl
