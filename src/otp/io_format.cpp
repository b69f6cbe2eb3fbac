#include "otp/io_format.hpp"

#include <erl/etf/bigint.hpp>
#include <erl/etf/charlist.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace erl {

namespace {

using characters = std::vector<std::uint32_t>;

bool is_character(std::uint64_t code) { return code <= 0x10ffff && (code >> 11) != 0x1b; }

/// Characters in all their forms, as code points.
bool append_points(term_ref chars, io_encoding in, std::size_t most, characters& out) {
  std::vector<term_ref> rest{chars};
  while (!rest.empty()) {
    const term_ref next = rest.back();
    rest.pop_back();
    if (next.is_cons()) {
      rest.push_back(next.tail());
      rest.push_back(next.head());
    } else if (const auto code = next.to_uint64()) {
      if (!is_character(*code) || (in == io_encoding::latin1 && *code > 0xff))
        return false;
      out.push_back(static_cast<std::uint32_t>(*code));
    } else if (const auto text = next.to_text(); text && in == io_encoding::unicode) {
      const auto points = text->size() > most ? std::nullopt : detail::code_points(*text);
      if (!points)
        return false;
      out.insert(out.end(), points->begin(), points->end());
    } else if (const auto bytes = next.to_binary(); bytes && in == io_encoding::latin1) {
      if (bytes->size() > most)
        return false;
      for (const std::byte each : *bytes)
        out.push_back(std::to_integer<std::uint32_t>(each));
    } else if (!next.is_nil()) {
      return false;
    }
    if (out.size() > most || rest.size() > most)
      return false;
  }
  return true;
}

bool append_utf8(const characters& points, std::size_t most, std::string& out) {
  const auto text = detail::utf8_from_code_points(points);
  if (!text || text->size() > most - std::min(most, out.size()))
    return false;
  out += *text;
  return true;
}

characters points_of(std::string_view text) { return detail::code_points(text).value(); }

/// `~F.P.PadModC`
struct directive {
  std::optional<std::int64_t> field;
  std::optional<std::int64_t> precision;
  std::uint32_t pad = ' ';
  bool unicode = false;
  std::uint32_t what = 0;
};

/// One call of format/2.
class formatter {
public:
  formatter(term_ref arguments, std::size_t most) : arguments_(arguments), most_(most) {}

  bool run(const characters& format) {
    for (std::size_t at = 0; at < format.size();) {
      if (format[at] != '~') {
        out_.push_back(format[at++]);
        continue;
      }
      ++at;
      const auto found = parse(format, at);
      if (!found || !apply(*found) || out_.size() > most_)
        return false;
    }
    return arguments_.is_nil();
  }
  const characters& result() const { return out_; }

private:
  std::optional<term_ref> argument() {
    if (!arguments_.is_cons())
      return std::nullopt;
    const term_ref next = arguments_.head();
    arguments_ = arguments_.tail();
    return next;
  }

  /// A number, or `*` for one among the arguments. False: a wrong one.
  bool parse_number(const characters& format, std::size_t& at, std::optional<std::int64_t>& to) {
    const auto here = [&] { return at < format.size() ? format[at] : 0; };
    if (here() == '*') {
      ++at;
      const auto given = argument();
      to = given ? given->to_int64() : std::nullopt;
    } else {
      const bool negative = here() == '-';
      if (negative)
        ++at;
      for (; here() >= '0' && here() <= '9'; ++at) {
        to = to.value_or(0) * 10 + (here() - '0');
        if (*to > static_cast<std::int64_t>(most_))
          return false;
      }
      if (negative && to)
        to = -*to;
      return !negative || to.has_value();
    }
    return to && *to <= static_cast<std::int64_t>(most_) &&
           *to >= -static_cast<std::int64_t>(most_);
  }

  std::optional<directive> parse(const characters& format, std::size_t& at) {
    directive d;
    const auto here = [&] { return at < format.size() ? format[at] : 0; };
    if (!parse_number(format, at, d.field))
      return std::nullopt;
    if (here() == '.') {
      ++at;
      if (here() != '.' && !parse_number(format, at, d.precision))
        return std::nullopt;
    }
    if (here() == '.' && at + 1 < format.size()) {
      ++at;
      d.pad = format[at++];
      if (d.pad == '*') {
        const auto given = argument();
        const auto code = given ? given->to_uint64() : std::nullopt;
        if (!code || !is_character(*code))
          return std::nullopt;
        d.pad = static_cast<std::uint32_t>(*code);
      }
    }
    for (; here() == 't' || here() == 'l' || here() == 'k' || here() == 'K'; ++at)
      if (here() == 't')
        d.unicode = true;
      else if (here() == 'K' && !argument())
        return std::nullopt;
    if (at == format.size())
      return std::nullopt;
    d.what = format[at++];
    return d;
  }

  void put(std::size_t count, std::uint32_t code) { out_.insert(out_.end(), count, code); }

  void put_adjusted(const directive& d, const characters& text, std::size_t width) {
    const std::size_t missing = width - std::min(width, text.size());
    if (!d.field || *d.field >= 0)
      put(missing, d.pad);
    out_.insert(out_.end(), text.begin(), text.end());
    if (d.field && *d.field < 0)
      put(missing, d.pad);
  }

  static std::size_t width_of(const std::optional<std::int64_t>& field) {
    return static_cast<std::size_t>(field.value_or(0) < 0 ? -*field : field.value_or(0));
  }

  /// Stars if it does not fit.
  bool put_field(const directive& d, const characters& text) {
    const std::size_t width = d.field ? width_of(d.field) : text.size();
    if (text.size() > width)
      put(width, '*');
    else
      put_adjusted(d, text, width);
    return true;
  }

  bool put_text(const directive& d, term_ref what) {
    characters text;
    if (const auto name = what.to_atom())
      text = points_of(name->text());
    else if (!append_points(what, d.unicode ? io_encoding::unicode : io_encoding::latin1, most_,
                            text))
      return false;
    if (d.precision && text.size() > width_of(d.precision))
      text.resize(width_of(d.precision));
    else if (d.precision && d.field && width_of(d.precision) > text.size())
      text.resize(width_of(d.precision), d.pad);
    const std::size_t width = d.field ? width_of(d.field) : text.size();
    if (text.size() > width)
      text.resize(width);
    put_adjusted(d, text, width);
    return true;
  }

  bool put_term(const directive& d, term_ref what, print_style style) {
    return put_field(d, points_of(to_string(what, {.style = style, .max_bytes = most_})));
  }

  bool put_character(const directive& d, term_ref what) {
    const auto code = what.to_uint64();
    if (!code || !is_character(*code))
      return false;
    const std::size_t count = d.precision ? width_of(d.precision) : d.field ? width_of(d.field) : 1;
    const auto shown = static_cast<std::uint32_t>(d.unicode ? *code : *code & 0xff);
    return put_field(d, characters(count, shown));
  }

  bool put_integer(const directive& d, term_ref what, std::string_view prefix, bool upper) {
    const std::int64_t base = d.precision.value_or(10);
    if (!what.is_integer() || base < 2 || base > 36)
      return false;
    std::string digits;
    if (const auto small = what.to_int64()) {
      char text[72];
      const auto end = std::to_chars(text, text + sizeof text, *small, static_cast<int>(base)).ptr;
      digits.assign(text, end);
    } else if (base == 10) {
      digits = to_string(what);
    } else {
      return false; // a large one in another base
    }
    if (upper)
      for (char& each : digits)
        each = static_cast<char>(each >= 'a' && each <= 'z' ? each - 'a' + 'A' : each);
    const std::size_t sign = digits.starts_with('-') ? 1 : 0;
    digits.insert(sign, prefix);
    return put_field(d, points_of(digits));
  }

  bool put_float(const directive& d, term_ref what) {
    const auto number = what.to_double();
    const std::int64_t precision = d.precision.value_or(6);
    if (!number || precision < (d.what == 'e' ? 2 : 1) || precision > 253)
      return false;
    char text[640];
    const int digits = static_cast<int>(precision);
    int size = 0;
    const double size_of = *number < 0 ? -*number : *number;
    if (d.what == 'f' || (d.what == 'g' && size_of >= 0.1 && size_of < 10000.0))
      size = std::snprintf(text, sizeof text, "%.*f", digits, *number);
    else
      size = std::snprintf(text, sizeof text, "%.*e", digits - 1, *number);
    std::string shown(text, static_cast<std::size_t>(size));
    // Erlang's exponents have no leading zero.
    if (const std::size_t e = shown.find('e'); e != std::string::npos && shown[e + 2] == '0')
      shown.erase(e + 2, 1);
    return put_field(d, points_of(shown));
  }

  bool apply(const directive& d) {
    if (d.what == '~' || d.what == 'n') {
      put(d.field ? width_of(d.field) : 1, d.what == 'n' ? '\n' : '~');
      return true;
    }
    const auto what = argument();
    if (!what)
      return false;
    switch (d.what) {
    case 'i':
      return true;
    case 'w':
      return put_term(d, *what, d.unicode ? print_style::plain : print_style::plain_latin1);
    case 'p': // its field is the length of a line
      return put_term({}, *what, print_style::pretty);
    case 'W':
    case 'P':
      return argument() &&
             put_term({}, *what, d.what == 'P' ? print_style::pretty : print_style::plain);
    case 's':
      return put_text(d, *what);
    case 'c':
      return put_character(d, *what);
    case 'b':
    case 'B':
      return put_integer(d, *what, {}, d.what == 'B');
    case 'x':
    case 'X': {
      const auto given = argument();
      std::string prefix;
      if (!given)
        return false;
      if (given->is_atom())
        prefix = given->to_atom()->text();
      else if (!append_chars(*given, io_encoding::unicode, most_, prefix))
        return false;
      return put_integer(d, *what, prefix, d.what == 'X');
    }
    case '+':
    case '#':
      return put_integer(d, *what, std::to_string(d.precision.value_or(10)) + "#", d.what == '#');
    case 'e':
    case 'f':
    case 'g':
      return put_float(d, *what);
    default:
      return false;
    }
  }

  term_ref arguments_;
  std::size_t most_;
  characters out_;
};

} // namespace

bool append_chars(term_ref chars, io_encoding in, std::size_t most, std::string& out) {
  characters points;
  return append_points(chars, in, most, points) && append_utf8(points, most, out);
}

bool append_format(term_ref format, term_ref arguments, std::size_t most, std::string& out) {
  characters text;
  if (const auto name = format.to_atom())
    text = points_of(name->text());
  else if (!append_points(format, io_encoding::unicode, most, text))
    return false;
  formatter made(arguments, most);
  return made.run(text) && append_utf8(made.result(), most, out);
}

} // namespace erl
