/// What the tests of this directory share: a plain TCP client, a scripted server, child processes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

/// Sets (or, with null, unsets) an environment variable, and puts it back.
class scoped_environment {
public:
  scoped_environment(const char* name, const char* value);
  ~scoped_environment();
  scoped_environment(const scoped_environment&) = delete;
  scoped_environment& operator=(const scoped_environment&) = delete;

private:
  std::string name_;
  std::optional<std::string> before_;
};

/// A blocking TCP connection to a port of this host. Every wait ends after 10 s.
class raw_client {
public:
  explicit raw_client(std::uint16_t port, const char* address = "127.0.0.1");
  raw_client(raw_client&& other) noexcept;
  ~raw_client();
  void send(std::string_view bytes) const;
  /// Exactly so many bytes; fewer when the connection ends or nothing comes.
  std::string receive(std::size_t size) const;
  /// Everything until the connection ends.
  std::string receive_all() const;
  /// Whether the connection ends without another byte within `wait`.
  bool ends_within(std::chrono::milliseconds wait) const;
  void close();

private:
  int fd_;
};

/// `body` with its length in front.
std::string framed(std::string_view body);

/// Sends a request and returns all of the answer.
std::string ask(std::uint16_t port, std::string_view body);

/// A server that does to each client, one after the other, what its script says; then closes the
/// connection.
class scripted_server {
public:
  using script = std::function<void(int fd)>;
  explicit scripted_server(script each, std::uint16_t port = 0);
  ~scripted_server();
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;
  std::uint16_t port() const { return port_; }

private:
  int listener_;
  int stop_[2];
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// Building blocks of scripts.
std::string read_request(int fd);
/// False when the peer takes no more.
bool write_all(int fd, std::string_view bytes);
/// Waits for the peer to close.
void drain(int fd);

/// A TCP port of this host on which nothing listens.
std::uint16_t closed_port();

/// Whether `check` comes true within `wait`.
bool eventually(const std::function<bool()>& check,
                std::chrono::milliseconds wait = std::chrono::seconds{10});

/// A child process; its output goes to a file of its own. Killed, and waited for, at the end.
class child {
public:
  explicit child(const std::vector<std::string>& command,
                 const std::vector<std::string>& environment = {});
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  void kill(int signal) const;
  /// The exit status; -1 if it does not end within `wait`, 128 + signal if it was killed.
  int wait(std::chrono::milliseconds wait = std::chrono::seconds{30});
  /// What it wrote so far, to both outputs.
  std::string output() const;

private:
  pid_t pid_ = -1;
  std::optional<int> status_;
  std::string output_file_;
};
