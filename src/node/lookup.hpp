/// Where peers listen: the port mapper asked on a thread of its own, so that no scheduler ever
/// waits for a name service.
#pragma once

#include "base/driver.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace erl {

class lookup_service {
public:
  using found = std::function<void(std::expected<endpoint, std::string>)>;

  lookup_service();
  lookup_service(const lookup_service&) = delete;
  lookup_service& operator=(const lookup_service&) = delete;
  /// Gives up what is under way, silently.
  ~lookup_service();

  /// Asks EPMD on `host` for `name`. `done` is called once on the service's thread, with an address
  /// or with what went wrong and what helps.
  void find(std::string name, std::string host, found done);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace erl
