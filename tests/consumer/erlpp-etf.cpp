// Uses the terms alone: encodes one and decodes it again.
#include <erl/etf/codec.hpp>
#include <erl/etf/term.hpp>

#include <cstddef>
#include <vector>

int main() {
  const erl::term sent = erl::term::tuple({erl::term{erl::atom{"answer"}}, erl::term{42}});
  std::vector<std::byte> bytes;
  erl::encode_external(sent, bytes);
  const auto received = erl::decode_external(bytes);
  return received && *received == sent ? 0 : 1;
}
