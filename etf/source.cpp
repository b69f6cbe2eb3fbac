#include "etf/source_bytes.hpp"
#include <erl/etf/print.hpp>
#include <erl/etf/source.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace erl {

using detail::load16;
using detail::load32;
using detail::load8;

namespace {

constexpr decode_options no_options{};

/// Terms of more bytes than this are not printed in errors.
constexpr std::size_t max_printed_bytes = 512;
constexpr std::size_t max_printed_text = 100;

std::string print_short(term_ref value) {
  return to_string(value, {.style = print_style::pretty, .max_bytes = max_printed_text});
}

std::string_view kind_name(kind_set kind) noexcept {
  if (kind & kinds(term_kind::integer))
    return "integer";
  if (kind & kinds(term_kind::list))
    return "list";
  if (kind == kinds(term_kind::tuple))
    return "tuple";
  if (kind == kinds(term_kind::map))
    return "map";
  if (kind == kinds(term_kind::record))
    return "native record";
  if (kind == kinds(term_kind::bitstring))
    return "binary";
  return "term";
}

} // namespace

source::source(std::span<const std::byte> external) { start(external, no_options); }

source::source(std::span<const std::byte> bytes, const decode_options& options) {
  start(bytes, options);
}

source::source(term_ref value) noexcept
    : here_(value), where_(place::single), options_(&no_options) {}

source::source(const term& owner, term_ref part) noexcept : source(part) { owner_ = &owner; }

void source::start(std::span<const std::byte> bytes, const decode_options& options) {
  begin_ = at_ = bytes.data();
  end_ = at_ + bytes.size();
  claimable_ = bytes.size();
  constexpr std::size_t times = 16;
  askable_ = times * bytes.size();
  new_atoms_ = options.limits.new_atoms;
  max_depth_ = std::min(options.limits.depth, max_depth);
  options_ = &options;
  if (options.framing != framing::external)
    return;
  if (bytes.empty() || load8(at_) != etf::version) {
    failed_ = true;
    fail(bytes.empty() ? etf_errc::truncated : etf_errc::bad_version, {});
  } else if (bytes.size() > 1 &&
             load8(at_ + 1) == static_cast<std::uint32_t>(etf::tag::compressed)) {
    expand(bytes);
  } else {
    ++at_;
  }
}

void source::expand(std::span<const std::byte> bytes) {
  auto expanded = decode_prefix(bytes, *options_);
  if (!expanded) {
    failed_ = true;
    error_ = new decode_error(std::move(expanded.error()));
    return;
  }
  expanded_ = std::move(expanded->value);
  inflated_ = true;
  owner_ = &expanded_;
  here_ = expanded_;
  where_ = place::single;
  at_ += expanded->consumed;
}

decode_error source::take_error() {
  return error_ != nullptr ? std::move(*error_) : decode_error{etf_errc::wrong_type};
}

void source::discard_error() noexcept { delete error_; }

std::size_t source::consumed() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

decode_options source::bare_options() const noexcept {
  decode_options result = *options_;
  result.framing = framing::bare;
  result.limits.new_atoms = new_atoms_;
  return result;
}

source::position source::tell() const noexcept {
  position result;
  result.at_ = at_;
  result.here_ = here_;
  result.index_ = index_;
  result.depth_ = depth_;
  result.claimable_ = claimable_;
  result.where_ = where_;
  result.quiet_ = quiet_;
  return result;
}

void source::go_back(const position& to) noexcept {
  at_ = to.at_;
  here_ = to.here_;
  index_ = to.index_;
  depth_ = to.depth_;
  claimable_ = to.claimable_;
  where_ = to.where_;
  quiet_ = to.quiet_;
}

/// An element of STRING_EXT looks like the payload of a SMALL_INTEGER_EXT.
int source::tag() const noexcept {
  if (where_ == place::string)
    return static_cast<int>(etf::tag::small_integer);
  return at_ == end_ ? -1 : static_cast<int>(load8(at_));
}

term_ref source::peek() const noexcept {
  switch (where_) {
  case place::tuple:
    return here_.element(index_);
  case place::list:
    return here_.head();
  case place::map:
    return index_ % 2 == 0 ? here_.map_key(index_ / 2) : here_.map_value(index_ / 2);
  case place::record: {
    const record_info record = here_.to_record().value_or(record_info());
    return (index_ % 2 == 0 ? record.fields : record.values)[index_ / 2];
  }
  case place::cell:
    return index_ == 0 ? here_.head() : here_.tail();
  default:
    return here_;
  }
}

void source::advance() noexcept {
  if (where_ == place::list)
    here_ = here_.tail();
  else
    ++index_;
}

bool source::descend(scope& saved) {
  if (depth_ >= max_depth_)
    return fail(etf_errc::too_deep, {});
  ++depth_;
  saved.here_ = here_;
  saved.index_ = index_;
  saved.where_ = where_;
  return true;
}

bool source::leave(scope& saved) {
  if (saved.list_ == scope::list_state::broken)
    return false;
  --depth_;
  where_ = saved.where_;
  if (in_bytes()) {
    if (saved.values_ != nullptr)
      at_ = saved.values_;
    return true;
  }
  here_ = saved.here_;
  index_ = saved.index_;
  advance();
  return true;
}

void source::look_into(term_ref value, place where) noexcept {
  here_ = value;
  index_ = 0;
  where_ = where;
}

/// The arity of the tuple at `at_` and the size of its head; a head of 0 bytes when there is no
/// whole one.
source::tuple_head source::head_of_tuple() const noexcept {
  const int first = tag();
  if (first == static_cast<int>(etf::tag::small_tuple) && rest() >= 2)
    return {load8(at_ + 1), 2};
  if (first == static_cast<int>(etf::tag::large_tuple) && rest() >= 5)
    return {load32(at_ + 1), 5};
  return {};
}

/// Goes past `size` bytes, the head of a container, if it may be entered.
bool source::descend_in_bytes(scope& saved, std::size_t size) {
  if (depth_ >= max_depth_)
    return fail(etf_errc::too_deep, {});
  ++depth_;
  saved.where_ = where_;
  at_ += size;
  return true;
}

bool source::enter_tuple(scope& saved, std::size_t arity) {
  if (where_ == place::bytes && rest() >= 2 && load8(at_ + 1) == arity &&
      load8(at_) == static_cast<std::uint32_t>(etf::tag::small_tuple))
    return descend_in_bytes(saved, 2);
  if (in_bytes()) {
    const tuple_head head = head_of_tuple();
    if (head.size == 0 || head.arity != arity)
      return fail(head.size == 0 ? etf_errc::wrong_type : etf_errc::wrong_arity,
                  quiet_ ? std::string() : detail::tuple_text(arity));
    if (!descend(saved))
      return false;
    at_ += head.size;
    return true;
  }
  const term_ref value = peek();
  if (!value.is_tuple(arity))
    return fail(value.is_tuple() ? etf_errc::wrong_arity : etf_errc::wrong_type,
                quiet_ ? std::string() : detail::tuple_text(arity));
  if (!descend(saved))
    return false;
  look_into(value, place::tuple);
  return true;
}

bool source::enter_tagged(scope& saved, const detail::named_atom& name, std::size_t fields) {
  // The usual form at once: a small tuple whose first element is this atom in UTF-8.
  const std::string_view text = name.text();
  if (where_ == place::bytes && rest() >= 4 + text.size() &&
      load8(at_) == static_cast<std::uint32_t>(etf::tag::small_tuple) &&
      load8(at_ + 1) == fields + 1 &&
      load8(at_ + 2) == static_cast<std::uint32_t>(etf::tag::small_atom_utf8) &&
      load8(at_ + 3) == text.size() && std::memcmp(at_ + 4, text.data(), text.size()) == 0)
    return descend_in_bytes(saved, 4 + text.size());
  if (!is_tagged(name, fields)) {
    if (quiet_)
      return false;
    const auto code = is_tuple(fields + 1)          ? etf_errc::wrong_value
                      : is(kinds(term_kind::tuple)) ? etf_errc::wrong_arity
                                                    : etf_errc::wrong_type;
    return fail(code, detail::tagged_text(name.text(), fields));
  }
  return enter_tuple(saved, fields + 1) && take(name);
}

bool source::claim(std::size_t count, std::size_t min_size) noexcept {
  if (count > rest() || count > claimable_ / min_size)
    return false;
  claimable_ -= count * min_size;
  return true;
}

/// Reads the head of a list, or what stands where its tail is: an end, or more elements.
bool source::open_part(scope& saved) {
  const auto broken = [&] {
    saved.list_ = scope::list_state::broken;
    return false;
  };
  saved.left_ = 0;
  for (;;) {
    std::size_t count = 0;
    switch (static_cast<etf::tag>(tag())) {
    case etf::tag::nil:
      ++at_;
      saved.list_ = scope::list_state::closed;
      return true;
    case etf::tag::string:
      if (rest() < 3)
        return fail(etf_errc::truncated, {}), broken();
      count = load16(at_ + 1);
      if (count > rest() - 3 || !claim(count, 1))
        return fail(etf_errc::length_beyond_input, {}), broken();
      at_ += 3;
      saved.left_ = count;
      saved.list_ = scope::list_state::closed;
      if (count > 0)
        where_ = place::string;
      return true;
    case etf::tag::list:
      if (rest() < 5)
        return fail(etf_errc::truncated, {}), broken();
      count = load32(at_ + 1);
      if (!claim(count, saved.min_size_))
        return fail(etf_errc::length_beyond_input, {}), broken();
      at_ += 5;
      saved.left_ = count;
      saved.list_ = scope::list_state::open;
      if (count > 0)
        return true;
      break;
    default:
      return fail(etf_errc::wrong_type, "proper list"), broken();
    }
  }
}

bool source::continue_list(scope& saved) {
  if (!open_part(saved) || saved.left_ == 0)
    return false;
  --saved.left_;
  return true;
}

bool source::enter_list(scope& saved, std::size_t min_size) {
  if (in_bytes()) {
    if (!is(kinds(term_kind::list, term_kind::nil)))
      return fail(etf_errc::wrong_type, "list");
    saved.min_size_ = min_size;
    return descend(saved) && open_part(saved);
  }
  const term_ref value = peek();
  const auto length = value.list_length();
  if (!length)
    return fail(etf_errc::wrong_type, value.is_list() ? "proper list" : "list");
  if (!descend(saved))
    return false;
  saved.left_ = *length;
  look_into(value, place::list);
  return true;
}

bool source::enter_map(scope& saved, std::size_t min_size) {
  if (in_bytes()) {
    if (!is(kinds(term_kind::map)) || rest() < 5)
      return fail(etf_errc::wrong_type, "map");
    const std::size_t pairs = load32(at_ + 1);
    if (!claim(pairs, min_size))
      return fail(etf_errc::length_beyond_input, {});
    if (!descend(saved))
      return false;
    at_ += 5;
    saved.left_ = pairs;
    return true;
  }
  const term_ref value = peek();
  if (!value.is_map())
    return fail(etf_errc::wrong_type, "map");
  if (!descend(saved))
    return false;
  saved.left_ = value.map_size();
  look_into(value, place::map);
  return true;
}

bool source::skip() {
  if (!in_bytes()) {
    advance();
    return true;
  }
  if (where_ == place::string) {
    ++at_;
    return true;
  }
  const auto size = skip_term({at_, end_}, bare_options());
  if (!size)
    return fail_at(at_ + size.error().offset, size.error().code);
  at_ += *size;
  return true;
}

bool source::is(kind_set kinds) const noexcept {
  if (in_bytes())
    return (detail::kinds_of_tag(tag()) & kinds) != 0;
  return (erl::kinds(peek().kind()) & kinds) != 0;
}

bool source::is_tuple(std::size_t arity) const noexcept {
  if (!in_bytes())
    return peek().is_tuple(arity);
  const tuple_head head = head_of_tuple();
  return head.size != 0 && head.arity == arity;
}

bool source::is_tagged(const detail::named_atom& name, std::size_t fields) const noexcept {
  if (!in_bytes()) {
    const term_ref value = peek();
    if (!value.is_tuple(fields + 1))
      return false;
    const auto first = value.element(0).to_atom();
    return first && name.is(*first);
  }
  const tuple_head head = head_of_tuple();
  return head.size != 0 && head.arity == fields + 1 && after_atom(at_ + head.size, name) != nullptr;
}

bool source::is_struct(const detail::named_atom& module) const {
  const detail::named_atom& key = detail::name_of<"__struct__">;
  if (!in_bytes()) {
    const term_ref map = peek();
    for (std::size_t i = 0; i < map.map_size(); ++i) {
      const auto name = map.map_key(i).to_atom();
      if (!name || !key.is(*name))
        continue;
      const auto value = map.map_value(i).to_atom();
      return value && module.is(*value);
    }
    return false;
  }
  if (tag() != static_cast<int>(etf::tag::map) || rest() < 5)
    return false;
  const decode_options options = bare_options();
  const std::byte* at = at_ + 5;
  for (std::size_t left = load32(at_ + 1); left > 0; --left) {
    const bool found = after_atom(at, key) != nullptr;
    for (int part = 0; part < 2; ++part) {
      if (part == 1 && found)
        return after_atom(at, module) != nullptr;
      const auto size = skip_term({at, end_}, options);
      if (!size || *size > askable_)
        return false;
      askable_ -= *size;
      at += *size;
    }
  }
  return false;
}

/// What the next term is, in words or printed; or, where it is no term, the error that its bytes
/// have.
std::string source::describe(decode_error& malformed) const {
  if (!in_bytes())
    return print_short(peek());
  if (where_ == place::string)
    return std::to_string(load8(at_));
  const decode_options options = bare_options();
  const auto size = skip_term({at_, end_}, options);
  if (!size) {
    malformed = size.error();
    malformed.offset += consumed();
    return {};
  }
  const std::string_view kind = kind_name(detail::kinds_of_tag(tag()));
  if (*size <= max_printed_bytes)
    if (const auto value = decode_prefix({at_, *size}, options))
      return print_short(value->value);
  return "a " + std::string(kind) + " of " + std::to_string(*size) + " bytes";
}

bool source::fail(etf_errc code, std::string_view expected) {
  if (quiet_ || error_ != nullptr)
    return false;
  error_ = new decode_error{code, in_bytes() ? consumed() : 0};
  if (code == etf_errc::missing_key) {
    error_->detail = "no key " + std::string(expected);
  } else if (!expected.empty()) {
    decode_error malformed;
    const std::string found = describe(malformed);
    if (malformed.code != etf_errc::none)
      *error_ = std::move(malformed);
    else
      error_->detail = code == etf_errc::unknown_key
                           ? "unknown key " + found + ", expected " + std::string(expected)
                           : "expected " + std::string(expected) + ", got " + found;
  }
  return false;
}

bool source::fail_at(const std::byte* at, etf_errc code) {
  if (!quiet_ && error_ == nullptr)
    error_ = new decode_error{code, static_cast<std::size_t>(at - begin_)};
  return false;
}

bool source::under(std::string_view field) {
  if (error_ != nullptr)
    error_->path.insert(0, "." + std::string(field));
  return false;
}

bool source::under(std::size_t index) {
  if (error_ != nullptr)
    error_->path.insert(0, "[" + std::to_string(index) + "]");
  return false;
}

} // namespace erl
