#include "cli/frames.hpp"

#include "cli/captured.hpp"

#include <cxxopts.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace erl::cli {

namespace {

constexpr const char* explanation = R"(
A line of FILE (standard input: -) is JSON, as in tests/vectors/dist.jsonl, or the
body of one frame in hexadecimal digits, without the length before it. Of these
`<` or `>` in front tells the direction; `>` alone is a tick.

Each line that is printed has the frame's number, its direction, its kind, new
entries of the atom cache, the control message and the payload, and at the end
what is wrong with it.)";

int fail(const std::string& text, int status) {
  std::cerr << "erlpp frames: " << text << '\n';
  return status;
}

int read_all(std::istream& input, const std::string& name, capture_reader& reader) {
  int status = 0;
  std::size_t number = 0;
  for (std::string line; std::getline(input, line);) {
    ++number;
    const auto text = reader.read(line);
    if (text)
      std::cout << *text;
    else
      status = fail(name + ":" + std::to_string(number) + ": " + text.error(), 1);
  }
  if (input.bad())
    status = fail("cannot read " + name + ": " + std::strerror(errno), 1);
  if (!reader.has_shown())
    status = fail(name + " has no such session", 1);
  std::cout.flush();
  if (!std::cout)
    status = fail("cannot write", 1);
  return status;
}

} // namespace

int frames(int count, char** words) {
  cxxopts::Options options("erlpp frames", "Prints captured frames of the distribution protocol.");
  options.add_options()("flags",
                        "what both sides have agreed on, as a number (0xd07df7fbd) or as names "
                        "with commas (FRAGMENTS,SPAWN); default: what FILE says, or else what the "
                        "first bytes of each frame tell",
                        cxxopts::value<std::string>(), "FLAGS");
  options.add_options()("session", "only this session", cxxopts::value<std::string>(), "NAME");
  options.add_options()("h,help", "this text");
  options.add_options("hidden")("file", "", cxxopts::value<std::vector<std::string>>());
  options.parse_positional("file");
  options.positional_help("FILE");

  std::optional<dist::flag_set> flags;
  std::optional<std::string> session;
  std::vector<std::string> files;
  try {
    const auto given = options.parse(count, words);
    if (given.count("help") != 0) {
      std::cout << options.help({""}) << explanation << '\n';
      return 0;
    }
    if (given.count("flags") != 0) {
      const auto parsed = parse_flags(given["flags"].as<std::string>());
      if (!parsed)
        return fail("--flags: " + parsed.error(), 2);
      flags = *parsed;
    }
    if (given.count("session") != 0)
      session = given["session"].as<std::string>();
    if (given.count("file") != 0)
      files = given["file"].as<std::vector<std::string>>();
  } catch (const cxxopts::exceptions::exception& error) {
    return fail(std::string(error.what()) + "; --help tells more", 2);
  }
  if (files.size() != 1)
    return fail(files.empty() ? "which FILE? - is the standard input" : "one FILE only", 2);
  capture_reader reader(flags, std::move(session));
  if (files[0] == "-")
    return read_all(std::cin, "standard input", reader);
  std::ifstream file(files[0], std::ios::binary);
  if (!file)
    return fail("cannot read " + files[0] + ": " + std::strerror(errno), 1);
  return read_all(file, files[0], reader);
}

} // namespace erl::cli
