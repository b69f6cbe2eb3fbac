// Fuzzes text: what is read as Erlang's syntax or JSON must print, and come back the same. The
// first byte chooses what the rest is.
#include <erl/etf/codec.hpp>
#include <erl/etf/json.hpp>
#include <erl/etf/match.hpp>
#include <erl/etf/parse.hpp>
#include <erl/etf/print.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

constexpr erl::limits bounds{.bytes = 1 << 24, .inflated = 1 << 20};

void check_error(const erl::parse_error& error, std::string_view text) {
  require(error.code != erl::etf_errc::none && !error.detail.empty());
  require(error.line >= 1 && error.column >= 1 && error.column <= text.size() + 1);
}

/// Prints in every way; `has_text` when it must come back.
void check_prints(const erl::term& value, bool has_text) {
  require(erl::to_string(value, {.style = erl::print_style::elixir, .max_bytes = 999}).size() <=
          999);
  // UTF-8, also where it was cut off. (Not interned: the table would be full after millions.)
  require(erl::is_atom_text(
      erl::to_string(value, {.style = erl::print_style::elixir, .max_bytes = 200})));
  for (const auto style :
       {erl::print_style::pretty, erl::print_style::plain, erl::print_style::plain_latin1}) {
    const auto again = erl::parse_term(erl::to_string(value, style));
    require(again.has_value() || !has_text);
    require(!again || *again == value);
  }
}

void check_json(const erl::term& value) {
  const auto text = erl::to_json(value);
  if (!text)
    return require(!text.error().detail.empty());
  const auto again = erl::from_json(*text);
  require(again.has_value());
  // Atoms and numbers as keys come back as binaries, so what comes back is JSON's view of the term.
  require(erl::from_json(*erl::to_json(*again)) == again);
}

void read_erlang(std::string_view text) {
  const auto value = erl::parse_term(text, bounds);
  if (!value)
    return check_error(value.error(), text);
  check_prints(*value, true);
  check_json(*value);
}

void read_file(std::string_view text) {
  const auto values = erl::parse_terms(text, bounds);
  if (!values)
    return check_error(values.error(), text);
  std::string printed;
  for (const erl::term& value : *values)
    printed += erl::to_string(value) + ".\n";
  require(erl::parse_terms(printed) == values);
}

void read_json(std::string_view text) {
  const auto value = erl::from_json(text, {.bounds = bounds});
  if (!value)
    return check_error(value.error(), text);
  const auto printed = erl::to_json(*value);
  require(printed.has_value() && erl::from_json(*printed) == value);
  check_prints(*value, true);
}

/// A pattern, a zero byte, and a term to match it with.
void match(std::string_view text) {
  const auto middle = text.find('\0');
  const auto made = erl::pattern::parse(text.substr(0, middle));
  if (!made)
    return check_error(made.error(), text);
  const auto value =
      erl::parse_term(middle == std::string_view::npos ? text : text.substr(middle + 1), bounds);
  if (!value)
    return;
  const auto bound = made->match(*value);
  if (made->variables().empty() && *value == erl::parse_term(text.substr(0, middle)))
    require(bound.has_value());
  for (std::size_t i = 0; bound && i < bound->size(); ++i)
    require((*bound)[made->variables()[i]] == (*bound)[i]);
}

void read_bytes(std::string_view text) {
  const auto value = erl::decode_external(std::as_bytes(std::span(text)), bounds);
  if (!value)
    return;
  check_prints(*value, false);
  check_json(*value);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
  case 'f':
    read_file(text);
    break;
  case 'j':
    read_json(text);
    break;
  case 'p':
    match(text);
    break;
  case 'b':
    read_bytes(text);
    break;
  default:
    read_erlang(text);
    break;
  }
  return 0;
}
