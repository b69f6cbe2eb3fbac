/// The command line tool.
#include "cli/frames.hpp"

#include <iostream>
#include <string_view>

namespace {

constexpr const char* usage =
    "usage: erlpp COMMAND [OPTIONS]\n"
    "\n"
    "  frames FILE    what captured frames of the distribution protocol say\n"
    "\n"
    "erlpp COMMAND --help tells more. erlpp --version prints the version.\n";

} // namespace

int main(int count, char** words) {
  const std::string_view command = count > 1 ? words[1] : "";
  if (command == "frames")
    return erl::cli::frames(count - 1, words + 1);
  if (command == "--help" || command == "-h" || command == "help") {
    std::cout << usage;
    return 0;
  }
  if (command == "--version") {
    std::cout << "erlpp " ERLPP_VERSION "\n";
    return 0;
  }
  if (command.empty())
    std::cerr << usage;
  else
    std::cerr << "erlpp: there is no command `" << command << "`; erlpp --help lists them\n";
  return 2;
}
