/// Sleep and wake-up: `state_` tells whether the owner sleeps in epoll. A waker swaps in `notified`
/// and writes to the eventfd only when it took the place of `sleeping`; the owner goes to sleep
/// only by swapping `awake` for `sleeping`, which fails when it has been notified. So a wake-up
/// costs one atomic operation unless somebody sleeps, and none gets lost.
///
/// In traffic: to wake an owner that sleeps costs the sender more than the message does. An owner
/// that bytes have just come to looks for the next ones for a while; where many requests were
/// answered together, it lets the next ones come together, too. In one-way traffic of small
/// messages it looks away now and then, so that many come with one read. Whoever else could run on
/// its core does meanwhile. None of this happens when bytes come less often.
///
/// Deadlines: the timer stays armed for an earlier deadline than the one asked for, as most waits
/// end by traffic and setting it costs a system call. When it expires too early the owner goes back
/// to sleep.
#include "node/asio_driver.hpp"

#include "node/asio_core.hpp"
#include "node/asio_listener.hpp"
#include "node/asio_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <utility>

#include <linux/futex.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace erl {

namespace {

// Measured with BEAMs as clients on two cores; bench/README.md tells how.
/// Traffic this close together is expected to go on.
constexpr duration busy_gap = std::chrono::microseconds(200);
/// How long an owner looks for the next bytes before it sleeps.
constexpr duration spin_time = std::chrono::microseconds(60);
/// How long a reader of small one-way messages leaves them alone, and from how many reads in a row
/// on.
constexpr duration nap_time = std::chrono::microseconds(50);
constexpr int reads_before_nap = 8;
/// So many bytes of requests that were answered together are many small ones, and the next ones are
/// given time to come together: a microsecond for each `bytes_a_microsecond`.
constexpr std::size_t least_batch = 2560;
constexpr std::size_t largest_batch = 32 * 1024;
constexpr std::size_t bytes_a_microsecond = 128;
constexpr duration longest_hold = std::chrono::microseconds(120);

class asio_driver final : public driver {
public:
  asio_driver();
  asio_driver(const asio_driver&) = delete;
  asio_driver& operator=(const asio_driver&) = delete;
  ~asio_driver() override;

  time_point now() const override { return std::chrono::steady_clock::now(); }
  void random(std::span<std::byte> out) override;

  void poll() override;
  void wait(time_point deadline) override;
  void wake() override;

  std::unique_ptr<stream> connect(const endpoint& to, stream_events& events) override {
    return connect_asio_stream(core_, to, events);
  }
  std::unique_ptr<listener> listen(const endpoint& at, accept_events& events,
                                   std::error_code& error) override {
    return make_asio_listener(core_, at, events, error);
  }

private:
  enum class state : int { awake, napping, sleeping, notified };
  using executor = boost::asio::io_context::executor_type;
  using descriptor = boost::asio::posix::basic_stream_descriptor<executor>;
  using steady_timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, executor>;

  bool wait_in_traffic(time_point deadline);
  bool notified();
  bool spin(time_point deadline);
  void leave_alone(time_point deadline);
  void nap(time_point deadline);
  void sleep(time_point deadline);
  void arm_timer(time_point deadline);
  void on_timer(const boost::system::error_code& ec);
  void listen_for_wake();
  void on_wake(const boost::system::error_code& ec, std::size_t);

  asio_core core_;
  std::atomic<state> state_{state::awake};
  descriptor wake_{core_.context};
  std::uint64_t wake_count_ = 0;
  operation_memory wake_memory_;
  time_point last_traffic_{}; // when the owner last waited after bytes had come
  steady_timer timer_{core_.context};
  time_point timer_deadline_ = time_point::max(); // max: not armed
  operation_memory timer_memory_;
};

asio_driver::asio_driver() {
  const int event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event < 0) {
    throw std::system_error{errno_code(errno), "eventfd"};
  }
  wake_.assign(event);
  listen_for_wake();
}

asio_driver::~asio_driver() {
  while (asio_source* s = core_.all.pop_front()) {
    s->close();
  }
}

void asio_driver::random(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n >= 0) {
      out = out.subspan(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      throw std::system_error{errno_code(errno), "getrandom"};
    }
  }
}

void asio_driver::poll() {
  core_.arm_all();
  intrusive_list<asio_source, in_turns> turns;
  turns.splice_back(core_.turns);
  while (asio_source* s = turns.pop_front()) {
    const boost::intrusive_ptr<asio_source> keep{s};
    s->turn();
  }
  core_.context.poll();
  core_.arm_all();
}

void asio_driver::wait(time_point deadline) {
  if (!core_.turns.empty())
    return poll();
  core_.arm_all();
  if (core_.traffic.received != 0 && wait_in_traffic(deadline))
    return;
  auto expected = state::awake;
  if (state_.compare_exchange_strong(expected, state::sleeping))
    sleep(deadline);
  state_.exchange(state::awake);
  core_.arm_all();
}

/// Bytes have come since the last wait, so that more are likely to. False if the owner had better
/// sleep.
bool asio_driver::wait_in_traffic(time_point deadline) {
  const auto [received, replied] = std::exchange(core_.traffic, {});
  const auto time = now();
  const bool busy = time - std::exchange(last_traffic_, time) < busy_gap;
  if (!busy || replied)
    core_.small_reads = 0;
  if (!busy)
    return false;
  if (core_.small_reads >= reads_before_nap) {
    nap(std::min(deadline, time + nap_time));
  } else if (replied && received >= least_batch && received <= largest_batch) {
    const duration hold = std::chrono::microseconds(received / bytes_a_microsecond);
    leave_alone(std::min(deadline, time + std::min(hold, longest_hold)));
  } else {
    return spin(std::min(deadline, time + spin_time));
  }
  poll();
  return true;
}

/// A wake-up that has come and is used up.
bool asio_driver::notified() {
  auto expected = state::notified;
  return state_.compare_exchange_strong(expected, state::awake);
}

/// Looks for events again and again. True when there was one, or a wake-up.
bool asio_driver::spin(time_point deadline) {
  core_.happened = false;
  do {
    core_.context.poll();
    if (core_.happened) {
      core_.arm_all();
      return true;
    }
    if (notified())
      return true;
    ::sched_yield();
  } while (now() < deadline);
  return false;
}

/// Looks at nothing but the time, and for a wake-up: too short to sleep.
void asio_driver::leave_alone(time_point deadline) {
  while (!notified() && now() < deadline)
    ::sched_yield();
}

void asio_driver::nap(time_point deadline) {
  auto expected = state::awake;
  if (state_.compare_exchange_strong(expected, state::napping)) {
    const auto time =
        std::chrono::duration_cast<std::chrono::nanoseconds>(deadline - now()).count();
    const timespec limit{.tv_sec = 0, .tv_nsec = std::clamp<long>(time, 0, 999'999'999)};
    ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, static_cast<int>(state::napping), &limit);
  }
  state_.exchange(state::awake);
}

void asio_driver::sleep(time_point deadline) {
  core_.happened = false;
  while (!core_.happened) {
    if (deadline != time_point::max()) {
      if (deadline <= now()) {
        core_.context.poll();
        return;
      }
      arm_timer(deadline);
    }
    core_.context.run_one();
  }
}

void asio_driver::arm_timer(time_point deadline) {
  if (deadline < timer_deadline_) {
    timer_deadline_ = deadline;
    timer_.expires_at(deadline);
    timer_.async_wait(completion<asio_driver*, &asio_driver::on_timer>{this, &timer_memory_});
  }
}

void asio_driver::on_timer(const boost::system::error_code& ec) {
  if (!ec) {
    timer_deadline_ = time_point::max();
  }
}

void asio_driver::wake() {
  const state before = state_.exchange(state::notified);
  if (before == state::napping)
    ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1);
  if (before == state::sleeping) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.native_handle(), &one, sizeof one);
  }
}

void asio_driver::listen_for_wake() {
  wake_.async_read_some(boost::asio::buffer(&wake_count_, sizeof wake_count_),
                        completion<asio_driver*, &asio_driver::on_wake>{this, &wake_memory_});
}

void asio_driver::on_wake(const boost::system::error_code& ec, std::size_t) {
  if (!ec) {
    core_.happened = true;
    listen_for_wake();
  }
}

} // namespace

std::unique_ptr<driver> make_asio_driver() { return std::make_unique<asio_driver>(); }

} // namespace erl
