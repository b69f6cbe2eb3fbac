// expect: a term_ref borrows from a term, and bytes are none
#include <erl/etf/decode.hpp>

bool read(std::span<const std::byte> bytes) {
  return erl::decode<erl::term_ref>(bytes).has_value();
}
