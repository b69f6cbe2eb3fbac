// expect: give the function a name, and the name to blocking
#include <erl/blocking.hpp>

#include <string>

erl::task<> body(erl::process& self) {
  const std::string path = "/var/lib/prices";
  auto size = co_await erl::blocking(self, [path] { return path.size(); });
}
