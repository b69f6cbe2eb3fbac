// Prints terms: a walk in preorder. A frame stays on the stack until its closing bracket is
// written.
#include "etf/inspect.hpp"
#include "etf/parts.hpp"
#include "etf/print_leaf.hpp"
#include <erl/etf/detail/small_stack.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <atomic>

namespace erl {

namespace {

using detail::word;

class printer {
public:
  printer(std::string& out, const print_options& options) noexcept
      : out_(out), options_(options), start_(out.size()),
        end_(text::end_of(start_, options.max_bytes)) {}

  void run(word root) {
    one(root);
    while (!left_.empty() && out_.size() <= end_)
      next();
    if (out_.size() > end_)
      text::cut(out_, start_, end_);
  }

private:
  enum class shape : std::uint8_t { tuple, list, map, record };

  struct frame {
    const word* next;
    std::size_t left;
    /// Of a record: the names.
    const word* names;
    shape what;
    bool started;
  };

  void next() {
    frame& now = left_.top();
    if (now.left == 0)
      return close(now);
    if (now.what == shape::map && now.left % 2 != 0)
      out_ += " => ";
    else if (now.started)
      out_ += ',';
    now.started = true;
    if (now.what == shape::record) {
      atom(*now.names++);
      out_ += " = ";
    }
    word value = *now.next++;
    --now.left;
    one(value);
  }

  void close(const frame& now) {
    if (now.what == shape::list) {
      word tail = detail::tail_after(now.next);
      if (detail::tag_of(tail) == detail::tag::list) {
        const word* element = detail::address(tail);
        left_.top().next = element;
        left_.top().left = detail::run_of(element);
        return;
      }
      if (tail != detail::nil_word) {
        // A tail that is no list and has parts: they come before the bracket, as those of a list of
        // nothing else.
        out_ += '|';
        left_.top().next = &proper_end;
        return one(tail);
      }
      out_ += ']';
    } else {
      out_ += '}';
    }
    left_.pop();
  }

  void open(std::string_view bracket, shape what, const word* words, std::size_t count,
            const word* names = nullptr) {
    out_ += bracket;
    left_.push({words, count, names, what, false});
  }

  bool latin1() const noexcept { return options_.style == print_style::plain_latin1; }

  void atom(word value) { text::write_atom(detail::atom_of(value), latin1(), out_); }

  void one(word value) {
    const word* at = detail::address(value);
    switch (detail::tag_of(value)) {
    case detail::tag::integer:
      out_ += std::to_string(detail::small_value(value));
      return;
    case detail::tag::immediate:
      if (value == detail::nil_word)
        out_ += "[]";
      else
        atom(value);
      return;
    case detail::tag::floating:
      return text::write_float(detail::float_at(value), out_);
    case detail::tag::binary:
      return text::write_bits(detail::inline_binary(value), options_.style, end_, out_);
    case detail::tag::tuple:
      return open("{", shape::tuple, at + 1, static_cast<std::size_t>(at[0]));
    case detail::tag::list:
      if (options_.style == print_style::pretty && is_string(term_ref::from_word(value)))
        return string(term_ref::from_word(value));
      return open("[", shape::list, at, detail::run_of(at));
    case detail::tag::box:
      return box(at);
    }
  }

  static bool is_string(term_ref list) noexcept {
    term_ref rest = list;
    for (; rest.is_cons(); rest = rest.tail()) {
      term_ref head = rest.head();
      bool small = detail::tag_of(head.raw()) == detail::tag::integer;
      if (!small || head.raw() > 255U << 3 ||
          !text::is_printable(static_cast<char32_t>(head.raw() >> 3)))
        return false;
    }
    return rest.is_nil();
  }

  void string(term_ref list) {
    out_ += '"';
    for (term_ref character : list.items()) {
      text::write_character(static_cast<char32_t>(character.raw() >> 3), '"', false, out_);
      if (out_.size() > end_)
        return;
    }
    out_ += '"';
  }

  void box(const word* at) {
    std::size_t count = detail::size_of(at[0]);
    switch (detail::kind_of(at[0])) {
    case detail::box_kind::positive_integer:
    case detail::box_kind::negative_integer:
      return text::write_integer(at, end_, out_);
    case detail::box_kind::slice:
    case detail::box_kind::bits:
      return text::write_bits(detail::slice_or_bits(at), options_.style, end_, out_);
    case detail::box_kind::map:
      return open("#{", shape::map, at + 1, 2 * count);
    case detail::box_kind::pid:
      out_ += '<';
      text::write_parts(detail::pid_at(at), options_, out_);
      out_ += '>';
      return;
    case detail::box_kind::port:
      out_ += "#Port<";
      text::write_parts(detail::port_at(at), options_, out_);
      out_ += '>';
      return;
    case detail::box_kind::reference:
      out_ += "#Ref<";
      text::write_parts(detail::reference_at(at), options_, out_);
      out_ += '>';
      return;
    case detail::box_kind::external_fun:
      out_ += "fun ";
      atom(at[1]);
      out_ += ':';
      atom(at[2]);
      out_ += '/';
      return text::write_number(count, out_);
    case detail::box_kind::closure:
      out_ += "#Fun<";
      atom(at[detail::closure_module]);
      out_ += '.' + std::to_string(detail::small_value(at[detail::closure_old_index]));
      out_ += '.' + std::to_string(detail::small_value(at[detail::closure_old_unique])) + '>';
      return;
    case detail::box_kind::record:
      out_ += '#';
      atom(at[1]);
      out_ += ':';
      atom(at[2]);
      return open("{", shape::record, at + detail::record_head + count / 2, count / 2,
                  at + detail::record_head);
    }
  }

  static constexpr word proper_end = detail::list_end;

  std::string& out_;
  const print_options& options_;
  std::size_t start_;
  /// The text must not be longer.
  std::size_t end_;
  detail::small_stack<frame> left_;
};

} // namespace

namespace {
std::atomic<std::uint32_t> own_node_index = atoms::nonode_nohost.index();
} // namespace

atom own_node() noexcept {
  return atom::from_index(own_node_index.load(std::memory_order_relaxed));
}
void set_own_node(atom node) noexcept {
  own_node_index.store(node.index(), std::memory_order_relaxed);
}

void print(term_ref value, std::string& out, const print_options& options) {
  if (options.style == print_style::elixir)
    return text::inspect(value, out, options);
  printer(out, options).run(value.raw());
}

std::string to_string(term_ref value, const print_options& options) {
  std::string result;
  print(value, result, options);
  return result;
}

std::string to_string(term_ref value, print_style style) {
  return to_string(value, print_options{.style = style});
}

std::string brief(term_ref value) { return to_string(value, print_options{.max_bytes = 1000}); }

} // namespace erl
