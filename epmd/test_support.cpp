#include "epmd/test_support.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 10s;

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

sockaddr_in loopback(std::uint16_t port, const char* address = "127.0.0.1") {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(port);
  inet_pton(AF_INET, address, &there.sin_addr);
  return there;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

int bound_socket(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto here = loopback(port);
  if (fd < 0 || ::bind(fd, generic(here), sizeof here) != 0)
    fail("bind");
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in here{};
  socklen_t size = sizeof here;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size);
  return ntohs(here.sin_port);
}

bool readable(int fd, std::chrono::milliseconds wait) {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, static_cast<int>(wait.count())) > 0;
}

} // namespace

scoped_environment::scoped_environment(const char* name, const char* value) : name_(name) {
  if (const char* before = std::getenv(name))
    before_ = before;
  if (value != nullptr)
    ::setenv(name, value, 1);
  else
    ::unsetenv(name);
}

scoped_environment::~scoped_environment() {
  if (before_)
    ::setenv(name_.c_str(), before_->c_str(), 1);
  else
    ::unsetenv(name_.c_str());
}

raw_client::raw_client(std::uint16_t port, const char* address)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const auto there = loopback(port, address);
  if (fd_ < 0 || ::connect(fd_, generic(there), sizeof there) != 0)
    fail("connect");
}

raw_client::raw_client(raw_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

raw_client::~raw_client() { close(); }

void raw_client::close() {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
}

void raw_client::send(std::string_view bytes) const { write_all(fd_, bytes); }

std::string raw_client::receive(std::size_t size) const {
  std::string got;
  std::array<char, 65536> chunk{};
  while (got.size() < size && readable(fd_, patience)) {
    const auto count = ::recv(fd_, chunk.data(), std::min(chunk.size(), size - got.size()), 0);
    if (count <= 0)
      break;
    got.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return got;
}

std::string raw_client::receive_all() const { return receive(std::size_t{1} << 30); }

bool raw_client::ends_within(std::chrono::milliseconds wait) const {
  char byte = 0;
  return readable(fd_, wait) && ::recv(fd_, &byte, 1, 0) <= 0;
}

std::string framed(std::string_view body) {
  std::string out;
  out += static_cast<char>(body.size() >> 8);
  out += static_cast<char>(body.size() & 0xff);
  return out.append(body);
}

std::string ask(std::uint16_t port, std::string_view body) {
  const raw_client client(port);
  client.send(framed(body));
  return client.receive_all();
}

scripted_server::scripted_server(script each, std::uint16_t port)
    : listener_(bound_socket(port)), port_(port_of(listener_)) {
  if (::listen(listener_, 16) != 0 || ::pipe2(stop_, O_CLOEXEC) != 0)
    fail("listen");
  thread_ = std::thread([this, each = std::move(each)] {
    while (true) {
      std::array<pollfd, 2> both{pollfd{listener_, POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
      ::poll(both.data(), both.size(), -1);
      if (both[1].revents != 0)
        return;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        continue;
      each(fd);
      ::close(fd);
    }
  });
}

scripted_server::~scripted_server() {
  write_all(stop_[1], "x");
  thread_.join();
  for (const int fd : {stop_[0], stop_[1], listener_})
    ::close(fd);
}

std::string read_request(int fd) {
  std::array<char, 4096> bytes{};
  const auto count = readable(fd, patience) ? ::read(fd, bytes.data(), bytes.size()) : 0;
  return {bytes.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == ENOTSOCK)
      count = ::write(fd, bytes.data(), bytes.size());
    if (count <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void drain(int fd) {
  while (!read_request(fd).empty()) {
  }
}

std::uint16_t closed_port() {
  const int fd = bound_socket(0);
  const auto port = port_of(fd);
  ::close(fd);
  return port;
}

bool eventually(const std::function<bool()>& check, std::chrono::milliseconds wait) {
  const auto end = std::chrono::steady_clock::now() + wait;
  while (!check()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

child::child(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  char name[] = "/tmp/epmd_test_XXXXXX";
  const int output = ::mkostemp(name, O_CLOEXEC);
  output_file_ = name;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& one : command)
    arguments.push_back(const_cast<char*>(one.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  variables.reserve(environment.size() + 64);
  for (const auto& one : environment)
    variables.push_back(const_cast<char*>(one.c_str()));
  for (char** one = environ; *one != nullptr; ++one)
    variables.push_back(*one);
  variables.push_back(nullptr);
  const int failure =
      ::posix_spawnp(&pid_, arguments[0], &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(output);
  if (failure != 0) {
    ::unlink(output_file_.c_str());
    throw std::runtime_error("these tests need the program '" + command[0] +
                             "', which does not start: " + std::strerror(failure));
  }
}

child::~child() {
  kill(SIGKILL);
  wait();
  ::unlink(output_file_.c_str());
}

void child::kill(int signal) const {
  if (!status_)
    ::kill(pid_, signal);
}

int child::wait(std::chrono::milliseconds wait) {
  eventually(
      [this] {
        int status = 0;
        if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_)
          status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return status_.has_value();
      },
      wait);
  return status_.value_or(-1);
}

std::string child::output() const {
  std::ifstream file(output_file_);
  return {std::istreambuf_iterator<char>(file), {}};
}
