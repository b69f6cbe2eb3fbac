// A walk in preorder; a frame stays until its bracket is closed. The frames say where an error is.
#include "etf/print_leaf.hpp"
#include "etf/utf8.hpp"
#include <erl/etf/detail/small_stack.hpp>
#include <erl/etf/json.hpp>
#include <erl/etf/print.hpp>

#include <ranges>
#include <utility>
#include <vector>

namespace erl {

namespace {

/// A list of which `rest` is left, or a map.
struct frame {
  term_ref rest;
  std::size_t next;
  bool is_map;
};

/// The letter of a short escape, or 0.
char short_escape(char code) noexcept {
  switch (code) {
  case '"':
  case '\\':
    return code;
  case '\b':
    return 'b';
  case '\f':
    return 'f';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  case '\t':
    return 't';
  default:
    return 0;
  }
}

class json_printer {
public:
  explicit json_printer(const to_json_options& options) noexcept : options_(options) {}

  std::expected<std::string, decode_error> run(term_ref root) {
    bool good = one(root);
    while (good && !open_.empty())
      good = next();
    if (!good)
      return std::unexpected(std::move(error_));
    return std::move(out_);
  }

private:
  bool next() {
    frame& now = open_.top();
    const bool more = now.is_map ? now.next < now.rest.map_size() : now.rest.is_cons();
    if (!more)
      return close();
    if (now.next != 0)
      out_ += ',';
    ++now.next;
    if (now.is_map)
      return key(now.rest.map_key(now.next - 1)) && one(now.rest.map_value(now.next - 1));
    const term_ref head = now.rest.head();
    now.rest = now.rest.tail();
    return one(head);
  }

  bool close() {
    const frame now = open_.top();
    open_.pop();
    if (!now.is_map && !now.rest.is_nil())
      return fail(now.rest, etf_errc::wrong_type, "JSON has no improper lists: the tail is ");
    out_ += now.is_map ? '}' : ']';
    return true;
  }

  bool one(term_ref value) {
    switch (value.kind()) {
    case term_kind::integer:
    case term_kind::big_integer:
    case term_kind::floating:
      number(value);
      return true;
    case term_kind::atom:
      return atom_value(*value.to_atom());
    case term_kind::nil:
      out_ += "[]";
      return true;
    case term_kind::list:
      out_ += '[';
      open_.push({value, 0, false});
      return true;
    case term_kind::map:
      out_ += '{';
      open_.push({value, 0, true});
      return true;
    case term_kind::bitstring:
      if (value.is_binary())
        return string(value);
      break;
    default:
      break;
    }
    return fail(value, etf_errc::wrong_type, "JSON has nothing for ");
  }

  /// Numbers are written as Erlang writes them.
  void number(term_ref value) {
    print(value, out_, {.style = print_style::plain, .own_node = atom()});
  }

  bool atom_value(atom value) {
    const bool null = value == atoms::null || (value == atoms::nil && options_.nil_is_null) ||
                      (value == atoms::undefined && options_.undefined_is_null);
    if (null)
      out_ += "null";
    else if (value == atoms::true_ || value == atoms::false_)
      out_ += value.text();
    else
      quoted(value.text());
    return true;
  }

  bool key(term_ref value) {
    if (value.is_number()) {
      out_ += '"';
      number(value);
      out_ += "\":";
      return true;
    }
    if (value.is_atom()) {
      quoted(value.to_atom()->text());
    } else if (!value.is_binary()) {
      return fail(value, etf_errc::wrong_type, "JSON has no key like ");
    } else if (!string(value)) {
      return false;
    }
    out_ += ':';
    return true;
  }

  bool string(term_ref value) {
    const std::string_view text = *value.to_text();
    if (!utf8::length(text))
      return fail(value, etf_errc::bad_utf8, "not UTF-8: ");
    quoted(text);
    return true;
  }

  void quoted(std::string_view text) {
    out_ += '"';
    std::size_t plain = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char letter = short_escape(text[i]);
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte >= 0x20 && letter == 0)
        continue;
      out_.append(text.substr(plain, i - plain)).append(1, '\\');
      plain = i + 1;
      if (letter != 0)
        out_ += letter;
      else
        out_.append("u00")
            .append(1, static_cast<char>('0' + (byte >> 4)))
            .append(1, "0123456789ABCDEF"[byte & 15]);
    }
    out_.append(text.substr(plain)).append(1, '"');
  }

  bool fail(term_ref value, etf_errc code, std::string_view why) {
    constexpr std::size_t enough = 80;
    error_ = {.code = code, .path = path(), .detail = std::string(why)};
    print(value, error_.detail, {.max_bytes = enough});
    return false;
  }

  /// Where the walk is: the steps from the root to the value that the innermost frame is at.
  std::string path() {
    constexpr std::size_t most_steps = 16;
    constexpr std::size_t longest_name = 80;
    std::vector<frame> frames;
    for (; !open_.empty(); open_.pop())
      frames.push_back(open_.top());
    std::string result;
    std::size_t left = most_steps;
    for (const frame& now : std::views::reverse(frames)) {
      if (left-- == 0)
        return result += "...";
      const std::size_t index = now.next - (now.next == 0 ? 0 : 1);
      if (!now.is_map) {
        result += '[' + std::to_string(index) + ']';
        continue;
      }
      const term_ref key = now.rest.map_key(index);
      const auto text = key.to_text();
      result += '.';
      result += text ? std::string(text->substr(0, longest_name))
                     : to_string(key, {.max_bytes = longest_name});
    }
    return result;
  }

  const to_json_options& options_;
  std::string out_;
  detail::small_stack<frame> open_;
  decode_error error_;
};

} // namespace

std::expected<std::string, decode_error> to_json(term_ref value, const to_json_options& options) {
  return json_printer(options).run(value);
}

} // namespace erl
