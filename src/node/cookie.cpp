#include "node/cookie.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <pwd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace erl {
namespace {

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

std::unexpected<node_error> failed(node_errc code, std::string message) {
  return std::unexpected(node_error{code, std::move(message)});
}

std::string system_words() { return std::generic_category().message(errno); }

std::expected<std::string, node_error> checked(std::string text, const std::string& where) {
  const auto printable = [](unsigned char c) { return c >= ' ' && c <= '~'; };
  if (text.empty() || text.size() > 255 || !std::all_of(text.begin(), text.end(), printable))
    return failed(node_errc::no_cookie,
                  "the cookie in " + where + " must be 1 to 255 printable ASCII characters");
  return text;
}

std::expected<std::string, node_error> read_cookie(int fd, const std::string& path) {
  struct stat status{};
  if (fstat(fd, &status) != 0)
    return failed(node_errc::no_cookie, path + ": " + system_words());
  if (!S_ISREG(status.st_mode))
    return failed(node_errc::unsafe_cookie, path + " is not a regular file");
  if (status.st_uid != geteuid())
    return failed(node_errc::unsafe_cookie,
                  path + " belongs to another user; make one of your own, or set ERLPP_COOKIE");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return failed(node_errc::unsafe_cookie,
                  path + " is open to other users; run: chmod 600 " + path);
  std::array<char, 512> buffer;
  const ssize_t size = read(fd, buffer.data(), buffer.size());
  if (size < 0)
    return failed(node_errc::no_cookie, path + ": " + system_words());
  std::string_view text(buffer.data(), static_cast<std::size_t>(size));
  while (!text.empty() && (text.front() == '\n' || text.front() == '\r'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.remove_suffix(1);
  return checked(std::string(text), path);
}

std::expected<std::string, node_error> make_cookie(const std::string& path) {
  std::array<unsigned char, 32> secret;
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    return failed(node_errc::no_cookie, "no random numbers for a new cookie: " + system_words());
  std::string text;
  for (const unsigned char byte : secret) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  const descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400));
  if (file.get() < 0)
    return failed(node_errc::no_cookie,
                  "cannot make " + path + ": " + system_words() +
                      "; set ERLPP_COOKIE, or the cookie in the node's options");
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return failed(node_errc::no_cookie, "cannot write " + path + ": " + system_words());
  return text;
}

std::string home() {
  if (const char* value = std::getenv("HOME"); value != nullptr && *value != '\0')
    return value;
  const passwd* user = getpwuid(geteuid());
  return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "/";
}

} // namespace

std::expected<std::string, node_error> find_cookie(const node_options& options) {
  if (!options.cookie.empty())
    return checked(options.cookie, "the node's options");
  if (const char* value = std::getenv("ERLPP_COOKIE"); value != nullptr && *value != '\0')
    return checked(value, "ERLPP_COOKIE");

  const std::string path = home() + "/.erlang.cookie";
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const bool configured = config != nullptr && *config != '\0';
  const std::string places[] = {path, (configured ? std::string(config) : home() + "/.config") +
                                          "/erlang/.erlang.cookie"};
  for (const std::string& place : places) {
    const descriptor file(open(place.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.get() >= 0)
      return read_cookie(file.get(), place);
    if (errno == ELOOP)
      return failed(node_errc::unsafe_cookie,
                    place + " is a symbolic link; put the file itself there");
    if (errno != ENOENT && errno != ENOTDIR)
      return failed(node_errc::no_cookie, place + ": " + system_words());
  }
  return make_cookie(path);
}

} // namespace erl
