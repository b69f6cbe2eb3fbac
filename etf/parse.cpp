#include "etf/parse_grammar.hpp"
#include <erl/etf/parse.hpp>

#include <utility>

namespace erl {

std::expected<term, parse_error> parse_term(std::string_view text, const limits& bounds) {
  text::grammar reader(text, bounds);
  term result;
  if (!reader.read_all(result))
    return std::unexpected(reader.error());
  return result;
}

std::expected<std::vector<term>, parse_error> parse_terms(std::string_view text,
                                                          const limits& bounds) {
  text::grammar reader(text, bounds);
  std::vector<term> result;
  if (!reader.start())
    return std::unexpected(reader.error());
  while (!reader.at_end()) {
    if (!reader.read(result.emplace_back()) || !reader.full_stop())
      return std::unexpected(reader.error());
  }
  return result;
}

} // namespace erl
