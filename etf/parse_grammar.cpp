// A value begins with a leaf or opens a bracket; once it is complete, what follows in the bracket
// around it is read, which may make that one complete in turn.
#include "etf/parse_grammar.hpp"

#include "etf/pattern_word.hpp"
#include "etf/utf8.hpp"

#include <algorithm>

namespace erl::text {

bool grammar::read(term& result) {
  for (;;) {
    step now = begin();
    while (now == step::value_done && !open_.empty())
      now = follow();
    if (now == step::failed)
      return false;
    if (made_.memory() > bounds_.bytes)
      return scan_.fail(etf_errc::too_large, scan_.start(), "the terms take too much memory");
    if (now == step::value_done) {
      result = made_.finish();
      return true;
    }
  }
}

bool grammar::full_stop() {
  return scan_.kind() == token::full_stop ? scan_.advance() : scan_.fail_expecting("a full stop");
}

bool grammar::read_all(term& result) {
  if (!start() || !read(result))
    return false;
  if (scan_.kind() == token::full_stop && !scan_.advance())
    return false;
  return at_end() || scan_.fail_expecting("the end");
}

grammar::step grammar::begin() {
  switch (scan_.kind()) {
  case token::atom:
    return done(atom());
  case token::integer:
  case token::floating:
    return done(leaf(false));
  case token::string:
    return done(string());
  case token::sigil_string:
    made_.list(scan_.characters());
    return done(scan_.advance());
  case token::sigil_binary: {
    std::string bytes;
    for (const char32_t code : scan_.characters())
      utf8::append(bytes, code);
    made_.binary(bytes);
    return done(scan_.advance());
  }
  case token::variable:
    return done(variable());
  case token::reserved:
    if (scan_.source() == "fun")
      return done(fun());
    break;
  case token::symbol:
    return symbol();
  default:
    break;
  }
  return done(scan_.fail_expecting("a term"));
}

grammar::step grammar::symbol() {
  if (scan_.is("{"))
    return open(inside::tuple, "}");
  if (scan_.is("["))
    return open(inside::list, "]");
  if (scan_.is("("))
    return open(inside::parentheses, "");
  if (scan_.is("#"))
    return open_map();
  if (scan_.is("<<"))
    return done(bits());
  if (scan_.is("-") || scan_.is("+"))
    return done(signed_number());
  if (scan_.is("<"))
    return done(
        scan_.fail(etf_errc::bad_syntax, scan_.start(), "a pid has no text that can be read back"));
  return done(scan_.fail_expecting("a term"));
}

grammar::step grammar::open(inside what, std::string_view closing) {
  if (open_.size() >= bounds_.depth)
    return done(scan_.fail(etf_errc::too_deep, scan_.start(), "nested too deep"));
  const bool constant =
      !open_.empty() && (open_.back().constant || open_.back().what == inside::key);
  open_.push_back({what, constant, made_.size()});
  if (!scan_.advance())
    return step::failed;
  return !closing.empty() && scan_.is(closing) ? close() : step::value_wanted;
}

grammar::step grammar::open_map() {
  const std::size_t start = scan_.start();
  if (!scan_.advance())
    return step::failed;
  if (scan_.is("{"))
    return open(inside::key, "}");
  if (scan_.kind() == token::variable)
    return done(scan_.fail(etf_errc::bad_syntax, start,
                           "references, ports and closures have no text that can be read back"));
  if (scan_.kind() == token::atom)
    return done(scan_.fail(etf_errc::bad_syntax, start, "records cannot be read without a module"));
  return done(scan_.fail_expecting("'{'"));
}

bool grammar::in_pattern() const noexcept {
  return variables_ != nullptr &&
         (open_.empty() || (!open_.back().constant && open_.back().what != inside::key));
}

std::string_view grammar::arrow() const noexcept {
  return variables_ != nullptr && !open_.back().constant ? ":=" : "=>";
}

std::string_view grammar::closings() const noexcept {
  switch (open_.back().what) {
  case inside::tuple:
    return "',' or '}'";
  case inside::list:
    return "',', '|' or ']'";
  case inside::tail:
    return "']'";
  case inside::key:
    return arrow() == ":=" ? "':='" : "'=>'";
  case inside::value:
    return "',' or '}'";
  case inside::parentheses:
    return "')'";
  }
  return {};
}

grammar::step grammar::follow() {
  frame& now = open_.back();
  switch (now.what) {
  case inside::tuple:
    if (scan_.is(","))
      return wanted(scan_.advance());
    if (scan_.is("}"))
      return close();
    break;
  case inside::list:
    if (scan_.is("|"))
      now.what = inside::tail;
    if (scan_.is(",") || scan_.is("|"))
      return wanted(scan_.advance());
    [[fallthrough]];
  case inside::tail:
    if (scan_.is("]"))
      return close();
    break;
  case inside::key:
    if (scan_.is(arrow())) {
      now.what = inside::value;
      return wanted(scan_.advance());
    }
    break;
  case inside::value:
    if (scan_.is(",")) {
      now.what = inside::key;
      return wanted(scan_.advance());
    }
    if (scan_.is("}"))
      return close();
    break;
  case inside::parentheses:
    if (scan_.is(")"))
      return close();
    break;
  }
  return done(scan_.fail_expecting(closings()));
}

grammar::step grammar::close() {
  const frame now = open_.back();
  const std::size_t values = made_.size() - now.first;
  const bool map = now.what == inside::key || now.what == inside::value;
  if ((now.what == inside::tuple && values > bounds_.arity) || (map && values / 2 > bounds_.arity))
    return done(scan_.fail(etf_errc::arity_too_large, scan_.start(), "too many elements"));
  if (now.what == inside::tuple)
    made_.tuple(now.first);
  else if (now.what == inside::list || now.what == inside::tail)
    made_.list(now.first, now.what == inside::tail);
  else if (map && arrow() == ":=")
    made_.raw_map(now.first);
  else if (map)
    made_.map(now.first);
  open_.pop_back();
  return done(scan_.advance());
}

bool grammar::leaf(bool negative) {
  if (scan_.kind() == token::floating)
    made_.floating(negative ? -scan_.number() : scan_.number());
  else
    made_.integer(negative, scan_.magnitude());
  return scan_.advance();
}

bool grammar::signed_number() {
  const bool negative = scan_.is("-");
  if (!scan_.advance())
    return false;
  if (scan_.kind() != token::integer && scan_.kind() != token::floating)
    return scan_.fail_expecting("a number");
  return leaf(negative);
}

bool grammar::intern(std::string_view name, std::size_t at, erl::atom& result) {
  auto known = erl::atom::find(name);
  if (!known && new_atoms_left_ == 0)
    return scan_.fail(etf_errc::too_many_new_atoms, at, "too many new atoms");
  if (!known) {
    const auto made = erl::atom::intern(name);
    if (!made)
      return scan_.fail(made.error(), at, std::string(to_text(made.error())));
    --new_atoms_left_;
    known = *made;
  }
  result = *known;
  return true;
}

bool grammar::atom() {
  erl::atom value;
  if (!intern(scan_.name(), scan_.start(), value))
    return false;
  made_.add(value);
  return scan_.advance();
}

bool grammar::expect(std::string_view symbol) {
  if (!scan_.is(symbol))
    return scan_.fail_expecting("'" + std::string(symbol) + "'");
  return scan_.advance();
}

bool grammar::small_integer(std::size_t largest, std::string_view what, std::size_t& value) {
  if (scan_.kind() != token::integer)
    return scan_.fail_expecting(what);
  const auto words = scan_.magnitude();
  if (words.size() > 1 || (words.size() == 1 && words[0] > largest))
    return scan_.fail(etf_errc::out_of_range, scan_.start(), std::string(what) + " is too large");
  value = words.empty() ? 0 : words[0];
  return scan_.advance();
}

bool grammar::fun() {
  external_fun value;
  std::size_t arity = 0;
  if (!scan_.advance())
    return false;
  if (scan_.kind() != token::atom)
    return scan_.fail_expecting("a module");
  if (!intern(scan_.name(), scan_.start(), value.module) || !scan_.advance() || !expect(":"))
    return false;
  if (scan_.kind() != token::atom)
    return scan_.fail_expecting("a function");
  if (!intern(scan_.name(), scan_.start(), value.function) || !scan_.advance() || !expect("/"))
    return false;
  if (scan_.source().starts_with('$'))
    return scan_.fail_expecting("an arity");
  if (!small_integer(255, "an arity", arity))
    return false;
  value.arity = static_cast<std::uint8_t>(arity);
  made_.external_fun(value);
  return true;
}

bool grammar::variable() {
  if (variables_ == nullptr)
    return scan_.fail_expecting("a term");
  if (!in_pattern())
    return scan_.fail(etf_errc::bad_syntax, scan_.start(), "a variable in a key of a map");
  if (scan_.source() == "_") {
    made_.add(detail::wildcard_word);
    return scan_.advance();
  }
  const auto found = std::ranges::find(*variables_, scan_.source());
  const auto index = static_cast<std::size_t>(found - variables_->begin());
  if (index == detail::max_variables)
    return scan_.fail(etf_errc::too_large, scan_.start(), "more than 32 variables");
  if (found == variables_->end())
    variables_->emplace_back(scan_.source());
  made_.add(detail::variable_word(index));
  return scan_.advance();
}

bool grammar::string() {
  std::u32string all;
  do {
    all.append(scan_.characters().begin(), scan_.characters().end());
    if (!scan_.advance())
      return false;
  } while (scan_.kind() == token::string);
  made_.list(all);
  return true;
}

} // namespace erl::text
