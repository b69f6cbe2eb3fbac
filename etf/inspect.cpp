// The walk is that of print.cpp: a frame stays on the stack until its closing bracket is written.
#include "etf/inspect.hpp"

#include "etf/inspect_leaf.hpp"
#include "etf/parts.hpp"
#include "etf/print_leaf.hpp"
#include <erl/etf/detail/small_stack.hpp>

#include <algorithm>
#include <utility>

namespace erl::text {

namespace {

using detail::atom_of;
using detail::word;

/// An atom that may stand before a colon: the name of a module may not.
bool is_key(term_ref value) noexcept {
  const auto name = value.to_atom();
  return name && !is_module(*name);
}

bool is_charlist(term_ref list) noexcept {
  term_ref rest = list;
  for (; rest.is_cons(); rest = rest.tail()) {
    const word head = rest.head().raw();
    if (detail::tag_of(head) != detail::tag::integer || !is_charlist_part(head >> 3))
      return false;
  }
  return rest.is_nil();
}

bool is_keyword_list(term_ref list) noexcept {
  term_ref rest = list;
  for (; rest.is_cons(); rest = rest.tail()) {
    if (!rest.head().is_tuple(2) || !is_key(rest.head().element(0)))
      return false;
  }
  return rest.is_nil();
}

bool has_keys_only(term_ref map) noexcept {
  for (std::size_t i = 0; i < map.map_size(); ++i) {
    if (!is_key(map.map_key(i)))
      return false;
  }
  return true;
}

class inspector {
public:
  inspector(std::string& out, const print_options& options) noexcept
      : out_(out), options_(options), start_(out.size()), end_(end_of(start_, options.max_bytes)) {}

  void run(word root) {
    one(root);
    while (!left_.empty() && out_.size() <= end_)
      next();
    if (out_.size() > end_)
      cut(out_, start_, end_);
  }

private:
  enum class shape : std::uint8_t {
    tuple,
    list,
    /// A list of pairs, and a map, whose keys are atoms before a colon.
    keywords,
    key_map,
    /// As `key_map`, without its name.
    structure,
    map,
  };

  struct frame {
    const word* next;
    std::size_t left;
    shape what;
    bool started;
  };

  void next() {
    frame& now = left_.top();
    if (now.what == shape::structure)
      skip_hidden(now);
    if (now.left == 0)
      return close(now);
    if (now.what == shape::map && now.left % 2 != 0)
      out_ += " => ";
    else if (std::exchange(now.started, true))
      out_ += ", ";
    // The frame may move when another one is pushed.
    one(take(now));
  }

  /// The next value, after its key where that has a place of its own.
  word take(frame& now) {
    if (now.what == shape::keywords) {
      const word* pair = detail::address(*now.next) + 1;
      inspect_atom(atom_of(pair[0]), atom_place::key, out_);
      --now.left;
      ++now.next;
      return pair[1];
    } else if (now.what == shape::key_map || now.what == shape::structure) {
      inspect_atom(atom_of(*now.next++), atom_place::key, out_);
      --now.left;
    }
    --now.left;
    return *now.next++;
  }

  /// Passes over the fields that make a struct one.
  static void skip_hidden(frame& now) noexcept {
    const auto hidden = [](word key) {
      return key == detail::atom_word(atoms::struct_.index()) ||
             key == detail::atom_word(atoms::exception_.index());
    };
    while (now.left != 0 && hidden(*now.next)) {
      now.next += 2;
      now.left -= 2;
    }
  }

  void close(const frame& now) {
    if (now.what != shape::list && now.what != shape::keywords) {
      out_ += '}';
      return left_.pop();
    }
    const word tail = detail::tail_after(now.next);
    if (detail::tag_of(tail) == detail::tag::list) {
      const word* element = detail::address(tail);
      left_.top().next = element;
      left_.top().left = detail::run_of(element);
    } else if (tail != detail::nil_word) {
      // As in print.cpp: the parts of the tail come before the bracket.
      out_ += " | ";
      left_.top().next = &proper_end;
      one(tail);
    } else {
      out_ += ']';
      left_.pop();
    }
  }

  void open(std::string_view bracket, shape what, const word* words, std::size_t count) {
    out_ += bracket;
    left_.push({words, count, what, false});
  }

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
        inspect_atom(atom_of(value), atom_place::alone, out_);
      return;
    case detail::tag::floating:
      return inspect_float(detail::float_at(value), out_);
    case detail::tag::binary:
      return inspect_bits(detail::inline_binary(value), end_, out_);
    case detail::tag::tuple:
      return open("{", shape::tuple, at + 1, static_cast<std::size_t>(at[0]));
    case detail::tag::list:
      return list(term_ref::from_word(value));
    case detail::tag::box:
      return box(value);
    }
  }

  void list(term_ref value) {
    if (is_charlist(value))
      return charlist(value);
    const word* at = detail::address(value.raw());
    const shape what = is_keyword_list(value) ? shape::keywords : shape::list;
    open("[", what, at, detail::run_of(at));
  }

  void charlist(term_ref list) {
    out_ += "~c\"";
    bool after_hash = false;
    for (const term_ref part : list.items()) {
      const auto code = static_cast<char32_t>(part.raw() >> 3);
      if (after_hash && code == '{')
        out_.insert(out_.size() - 1, 1, '\\');
      inspect_character(code, out_);
      after_hash = code == '#';
      if (out_.size() > end_)
        return;
    }
    out_ += '"';
  }

  void map(term_ref value) {
    const word* pairs = detail::address(value.raw()) + 1;
    const std::size_t words = 2 * value.map_size();
    if (!has_keys_only(value))
      return open("%{", shape::map, pairs, words);
    const auto name = value.find(atoms::struct_);
    const auto module = name ? name->to_atom() : std::nullopt;
    if (!module || !is_alias(module->text()))
      return open("%{", shape::key_map, pairs, words);
    out_ += '%';
    inspect_atom(*module, atom_place::alone, out_);
    open("{", shape::structure, pairs, words);
  }

  void box(word value) {
    const word* at = detail::address(value);
    const std::size_t count = detail::size_of(at[0]);
    switch (detail::kind_of(at[0])) {
    case detail::box_kind::positive_integer:
    case detail::box_kind::negative_integer:
      return write_integer(at, end_, out_);
    case detail::box_kind::slice:
    case detail::box_kind::bits:
      return inspect_bits(detail::slice_or_bits(at), end_, out_);
    case detail::box_kind::map:
      return map(term_ref::from_word(value));
    case detail::box_kind::pid:
      return identifier("#PID<", detail::pid_at(at));
    case detail::box_kind::port:
      return identifier("#Port<", detail::port_at(at));
    case detail::box_kind::reference:
      return identifier("#Reference<", detail::reference_at(at));
    case detail::box_kind::external_fun:
      out_ += '&';
      inspect_atom(atom_of(at[1]), atom_place::alone, out_);
      out_ += '.';
      inspect_atom(atom_of(at[2]), atom_place::function, out_);
      out_ += '/';
      return write_number(count, out_);
    case detail::box_kind::closure:
      return closure(*term_ref::from_word(value).to_closure());
    case detail::box_kind::record:
      // Elixir leaves these to Erlang.
      return print(term_ref::from_word(value), out_,
                   {.own_node = options_.own_node,
                    .max_bytes = end_ - std::min(end_, out_.size()),
                    .node_names = options_.node_names});
    }
  }

  template <class Identifier> void identifier(std::string_view bracket, const Identifier& value) {
    out_ += bracket;
    write_parts(value, options_, out_);
    out_ += '>';
  }

  /// As Elixir shows the closure of a module that it does not have.
  void closure(const closure_info& value) {
    out_ += "#Function<" + std::to_string(value.index) + '.' + std::to_string(value.old_unique);
    out_ += '/' + std::to_string(value.arity) + " in ";
    inspect_atom(value.module, atom_place::alone, out_);
    out_ += '>';
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

void inspect(term_ref value, std::string& out, const print_options& options) {
  inspector(out, options).run(value.raw());
}

} // namespace erl::text
