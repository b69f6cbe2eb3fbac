#include "node/stop_signals.hpp"

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace erl {

namespace {

int door = -1; // an eventfd, for the handler

void open_door() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(door, &one, sizeof one);
}

void on_signal(int) {
  const int saved = errno;
  open_door();
  errno = saved;
}

} // namespace

stop_signals::stop_signals() {
  door = eventfd(0, EFD_CLOEXEC);
  if (door < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, &old_term_);
  sigaction(SIGINT, &action, &old_int_);
  // Whoever started this program may have had them blocked.
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &stops, &old_mask_);
}

stop_signals::~stop_signals() {
  sigaction(SIGTERM, &old_term_, nullptr);
  sigaction(SIGINT, &old_int_, nullptr);
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  close(door);
  door = -1;
}

void stop_signals::wait() {
  std::uint64_t count = 0;
  while (read(door, &count, sizeof count) < 0 && errno == EINTR) {
  }
}

void stop_signals::wake() { open_door(); }

} // namespace erl
