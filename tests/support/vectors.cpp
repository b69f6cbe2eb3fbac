#include "support/vectors.hpp"

#include <fstream>
#include <stdexcept>

namespace erl::test {

namespace {

unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9')
    return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f')
    return static_cast<unsigned>(digit - 'a') + 10;
  if (digit >= 'A' && digit <= 'F')
    return static_cast<unsigned>(digit - 'A') + 10;
  throw std::invalid_argument("not a hexadecimal digit");
}

} // namespace

std::string vectors_folder() { return ERLPP_VECTORS; }

std::vector<boost::json::object> load_vectors(const std::string& file) {
  const auto path = vectors_folder() + "/" + file;
  std::ifstream input(path, std::ios::binary);
  if (!input)
    throw std::runtime_error("cannot read " + path);
  std::vector<boost::json::object> result;
  for (std::string line; std::getline(input, line);) {
    if (!line.empty())
      result.push_back(boost::json::parse(line).as_object());
  }
  return result;
}

std::string text(const boost::json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

std::vector<std::byte> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0)
    throw std::invalid_argument("an odd number of hexadecimal digits");
  std::vector<std::byte> bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(digit_value(hex[i]) << 4U | digit_value(hex[i + 1])));
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    hex += digits[std::to_integer<unsigned>(byte) >> 4U];
    hex += digits[std::to_integer<unsigned>(byte) & 15U];
  }
  return hex;
}

} // namespace erl::test
