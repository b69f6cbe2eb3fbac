#include "otp/io_requests.hpp"

#include "otp/io_format.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace erl {

namespace {

/// What one request may print, lists of requests as a whole.
constexpr std::size_t most_text = std::size_t{4} << 20U;

struct vocabulary {
  atom get_password{"get_password"};
  atom binary{"binary"};
  atom encoding{"encoding"};
  atom io_lib{"io_lib"};
  atom format{"format"};
  atom fwrite{"fwrite"};
  atom write{"write"};
  atom print{"print"};
  atom nl{"nl"};
};
const vocabulary& words() {
  static const vocabulary all;
  return all;
}

term error(term_ref what) { return term::tuple({atoms::error, what}); }

std::optional<io_encoding> encoding_of(term_ref name) {
  if (name.is(atoms::unicode))
    return io_encoding::unicode;
  if (name.is(atoms::latin1))
    return io_encoding::latin1;
  return std::nullopt;
}

/// What a function of io_lib makes of a list of arguments.
bool append_result(term_ref module, term_ref function, term_ref arguments, std::string& text) {
  const auto& w = words();
  const auto count = arguments.list_length();
  if (!module.is(w.io_lib) || !count)
    return false;
  if ((function.is(w.format) || function.is(w.fwrite)) && *count == 2)
    return append_format(arguments.head(), arguments.tail().head(), most_text, text);
  if ((function.is(w.write) || function.is(w.print)) && *count >= 1) {
    print(arguments.head(), text,
          {.style = function.is(w.print) ? print_style::pretty : print_style::plain,
           .max_bytes = most_text - std::min(most_text, text.size())});
    return true;
  }
  if (function.is(w.nl) && *count == 0) {
    text += '\n';
    return true;
  }
  return false;
}

term put_chars(term_ref request, std::string& text) {
  const auto parts = request.elements().subspan(1);
  const auto before = text.size();
  // Without an encoding, as it once was: {put_chars, Chars}, {put_chars, M, F, A}.
  const bool has_encoding = parts.size() == 2 || parts.size() == 4;
  const auto encoding = has_encoding ? encoding_of(parts[0]) : io_encoding::latin1;
  const auto what = parts.subspan(has_encoding ? 1 : 0);
  if (!encoding)
    return error(atoms::request);
  const bool done = what.size() == 1 ? append_chars(what[0], *encoding, most_text, text)
                                     : append_result(what[0], what[1], what[2], text);
  if (done)
    return term(atoms::ok);
  text.resize(before);
  return error(what.size() == 1 ? request : what[1]);
}

term reply_to_one(term_ref request, std::string& text) {
  const auto& w = words();
  if (request.is(atoms::getopts))
    return term::list(
        {term::tuple({w.binary, atoms::false_}), term::tuple({w.encoding, atoms::unicode})});
  if (!request.is_tuple() || request.arity() < 2 || request.arity() > 8)
    return error(atoms::request);
  const term_ref what = request.element(0);
  const std::size_t arguments = request.arity() - 1;
  if (what.is(atoms::put_chars) && arguments <= 4)
    return put_chars(request, text);
  if (what.is(atoms::get_line) || what.is(atoms::get_chars) || what.is(atoms::get_until) ||
      what.is(w.get_password))
    return term(atoms::eof);
  if (what.is(atoms::setopts) || what.is(atoms::get_geometry))
    return error(atoms::enotsup);
  return error(atoms::request);
}

} // namespace

term reply_to_io_request(term_ref request, std::string& text) {
  if (!request.is_tuple(atoms::requests, 2))
    return reply_to_one(request, text);
  // Lists in lists, without recursion; the first error ends it all.
  term reply(atoms::ok);
  std::vector<term_ref> rest{request.element(1)};
  while (!rest.empty()) {
    const term_ref list = rest.back();
    rest.pop_back();
    if (list.is_nil())
      continue;
    if (!list.is_cons())
      return error(atoms::request);
    if (!list.tail().is_nil())
      rest.push_back(list.tail());
    if (list.head().is_tuple(atoms::requests, 2)) {
      rest.push_back(list.head().element(1));
      continue;
    }
    reply = reply_to_one(list.head(), text);
    if (reply.is_tuple(atoms::error, 2))
      break;
    if (text.size() >= most_text)
      return error(list.head());
  }
  return reply;
}

} // namespace erl
