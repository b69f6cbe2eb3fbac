// A walk in step over the pattern and the term. The pattern is a term whose variables are words of
// their own (pattern_word.hpp); its frames are at most as many as its levels, which are bounded, so
// they lie on the stack.
#include "etf/parse_grammar.hpp"
#include "etf/pattern_word.hpp"
#include <erl/etf/match.hpp>

#include <algorithm>
#include <bitset>
#include <stdexcept>
#include <utility>

namespace erl {

namespace {

using detail::word;

constexpr std::uint32_t deepest = 64;

/// Elements of tuples side by side; or what is left of two lists; or pairs of a pattern's map, to
/// be found in the term's.
struct frame {
  enum class shape : std::uint8_t { row, list, map };
  const word* expected;
  const word* found;
  std::size_t left;
  shape what;
};

class matcher {
public:
  explicit matcher(std::span<term_ref> values) noexcept : values_(values) {}

  bool run(word expected, word found) {
    if (!one(expected, found))
      return false;
    while (size_ != 0) {
      if (!next())
        return false;
    }
    return true;
  }

private:
  bool next() {
    frame& now = frames_[size_ - 1];
    switch (now.what) {
    case frame::shape::row: {
      const word expected = *now.expected++;
      const word found = *now.found++;
      if (--now.left == 0)
        --size_;
      return one(expected, found);
    }
    case frame::shape::list:
      return next_of_lists(now);
    case frame::shape::map:
      break;
    }
    const word key = now.expected[0];
    const word value = now.expected[1];
    const auto found = term_ref::from_word(detail::tagged(now.found, detail::tag::box))
                           .find(term_ref::from_word(key));
    now.expected += 2;
    if (--now.left == 0)
      --size_;
    return found && one(value, found->raw());
  }

  bool next_of_lists(frame& now) {
    const word* expected = now.expected;
    const word* found = now.found;
    const word expected_tail = detail::tail_of(expected);
    const word found_tail = detail::tail_of(found);
    if (detail::tag_of(expected_tail) != detail::tag::list) {
      --size_;
      return one(expected_tail, found_tail) && one(*expected, *found);
    }
    if (detail::tag_of(found_tail) != detail::tag::list)
      return false;
    now.expected = detail::address(expected_tail);
    now.found = detail::address(found_tail);
    return one(*expected, *found);
  }

  bool one(word expected, word found) {
    if (detail::is_variable_word(expected))
      return expected == detail::wildcard_word || bind(detail::variable_index(expected), found);
    const term_ref wanted = term_ref::from_word(expected);
    const term_ref value = term_ref::from_word(found);
    switch (detail::tag_of(expected)) {
    case detail::tag::tuple:
      return value.is_tuple(wanted.arity()) &&
             push({detail::address(expected) + 1, detail::address(found) + 1, wanted.arity(),
                   frame::shape::row});
    case detail::tag::list:
      return value.is_cons() &&
             push({detail::address(expected), detail::address(found), 1, frame::shape::list});
    case detail::tag::box:
      if (wanted.is_map())
        return value.is_map() && push({detail::address(expected) + 1, detail::address(found),
                                       wanted.map_size(), frame::shape::map});
      break;
    default:
      break;
    }
    return exactly_equal(wanted, value);
  }

  bool bind(std::size_t variable, word found) {
    const term_ref value = term_ref::from_word(found);
    if (bound_[variable])
      return exactly_equal(values_[variable], value);
    bound_[variable] = true;
    values_[variable] = value;
    return true;
  }

  /// A level of the pattern has at most one frame: its own, or that of its tail while its last
  /// element is looked at.
  bool push(const frame& now) noexcept {
    if (now.left != 0)
      frames_[size_++] = now;
    return true;
  }

  std::span<term_ref> values_;
  std::bitset<detail::max_variables> bound_;
  std::array<frame, deepest + 1> frames_;
  std::size_t size_ = 0;
};

} // namespace

term_ref bindings::operator[](std::string_view name) const {
  const auto found = std::ranges::find(names_, name);
  if (found == names_.end())
    throw std::out_of_range("erl::bindings: the pattern has no variable " + std::string(name));
  return values_[static_cast<std::size_t>(found - names_.begin())];
}

std::expected<pattern, parse_error> pattern::parse(std::string_view text) {
  pattern result;
  const limits bounds{.depth = deepest};
  text::grammar reader(text, bounds, &result.names_);
  if (!reader.read_all(result.shape_))
    return std::unexpected(reader.error());
  return result;
}

pattern pattern::checked(std::string_view literal) {
  auto result = parse(literal);
  if (!result)
    throw std::invalid_argument("erl::pattern: " + result.error().message());
  return std::move(*result);
}

std::optional<bindings> pattern::match(term_ref value) const {
  std::optional<bindings> result(std::in_place);
  result->names_ = names_;
  if (!matcher(result->values_).run(shape_.raw(), value.raw()))
    result.reset();
  return result;
}

} // namespace erl
