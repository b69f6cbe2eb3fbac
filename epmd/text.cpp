#include "epmd/text.hpp"

#include <cstddef>

namespace erl::epmd {

std::string printable(std::string_view bytes) {
  constexpr std::size_t most = 60;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes.substr(0, most)) {
    const auto code = static_cast<unsigned char>(byte);
    if (code >= 0x20 && code < 0x7f) {
      out += byte;
    } else {
      out += "\\x";
      out += digits[code >> 4];
      out += digits[code & 15];
    }
  }
  if (bytes.size() > most)
    out += "...";
  return out;
}

} // namespace erl::epmd
