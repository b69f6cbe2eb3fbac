// The parts that need more than a look at a head: native records, whose names all stand before the
// values, and list cells, whose tail is mostly no term of its own in the bytes.
#include "etf/source_bytes.hpp"
#include <erl/etf/source.hpp>

namespace erl {

using detail::load32;
using detail::load8;

namespace {

constexpr std::size_t record_head = 6;

} // namespace

/// Behind the names of the module and of the record, if they are these; else null.
const std::byte* source::after_record_name(const detail::named_atom& module,
                                           const detail::named_atom& name) const noexcept {
  if (tag() != static_cast<int>(etf::tag::record) || rest() < record_head)
    return nullptr;
  const std::byte* after = after_atom(at_ + record_head, module);
  return after == nullptr ? nullptr : after_atom(after, name);
}

bool source::is_record(const detail::named_atom& module,
                       const detail::named_atom& name) const noexcept {
  if (in_bytes())
    return after_record_name(module, name) != nullptr;
  const auto record = peek().to_record();
  return record && module.is(record->module) && name.is(record->name);
}

bool source::enter_record(scope& saved, const detail::named_atom& module,
                          const detail::named_atom& name) {
  if (!is_record(module, name))
    return fail(is(kinds(term_kind::record)) ? etf_errc::wrong_value : etf_errc::wrong_type,
                quiet_ ? std::string() : detail::record_text(module, name));
  if (!in_bytes()) {
    const term_ref value = peek();
    if (!descend(saved))
      return false;
    saved.left_ = value.to_record().value_or(record_info()).fields.size();
    look_into(value, place::record);
    return true;
  }
  const std::size_t fields = load32(at_ + 1);
  if (load8(at_ + 5) > 1)
    return fail(etf_errc::bad_record, {});
  // A field is an atom, of at least two bytes, and a value.
  if (!claim(fields, 3))
    return fail(etf_errc::length_beyond_input, {});
  const std::byte* const names = after_record_name(module, name);
  const std::byte* values = names;
  const decode_options options = bare_options();
  for (std::size_t i = 0; i < fields; ++i) {
    if (values == end_)
      return fail_at(values, etf_errc::truncated);
    if ((detail::kinds_of_tag(static_cast<int>(load8(values))) & kinds(term_kind::atom)) == 0)
      return fail_at(values, etf_errc::bad_record);
    const auto size = skip_term({values, end_}, options);
    if (!size)
      return fail_at(values + size.error().offset, size.error().code);
    values += *size;
  }
  if (!descend(saved))
    return false;
  at_ = names;
  saved.values_ = values;
  saved.left_ = fields;
  return true;
}

bool source::is_cell() const noexcept {
  if (!in_bytes())
    return peek().is_cons();
  if (tag() == static_cast<int>(etf::tag::string))
    return rest() >= 3 && detail::load16(at_ + 1) > 0;
  return tag() == static_cast<int>(etf::tag::list) && rest() >= 5;
}

bool source::enter_cell(scope& saved, term& room) {
  saved.owner_ = owner_;
  // One element, and then the tail.
  if (where_ == place::bytes && rest() >= 5 &&
      detail::load8(at_) == static_cast<std::uint32_t>(etf::tag::list) && load32(at_ + 1) == 1)
    return descend_in_bytes(saved, 5);
  if (in_bytes()) {
    if (!is_cell())
      return fail(etf_errc::wrong_type, "[_|_]");
    if (!descend(saved))
      return false;
    const position start = tell();
    if (!read_bare(room))
      return false;
    if (!room.is_cons()) {
      go_back(start);
      return fail(etf_errc::wrong_type, "[_|_]");
    }
    owner_ = &room;
    inflated_ = true;
    look_into(room, place::cell);
    return true;
  }
  const term_ref value = peek();
  if (!value.is_cons())
    return fail(etf_errc::wrong_type, "[_|_]");
  if (!descend(saved))
    return false;
  look_into(value, place::cell);
  return true;
}

bool source::leave_cell(scope& saved) {
  const bool was_bytes = saved.where_ <= place::string;
  if (was_bytes && !in_bytes()) {
    owner_ = saved.owner_;
    inflated_ = false;
  }
  return leave(saved);
}

} // namespace erl
