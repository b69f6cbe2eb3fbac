#include "node/spawn_options.hpp"

#include <erl/etf/atoms.hpp>

#include <cstdint>

namespace erl {
namespace {

bool is_bool(term_ref value) { return value.to_bool().has_value(); }

// OTP demands a fixnum.
bool is_size(term_ref value) {
  const auto size = value.to_int64();
  return size && *size >= 0 && *size < std::int64_t{1} << 59U;
}

bool is_heap_limit(term_ref value) {
  static const atom include_shared_binaries("include_shared_binaries");
  static const atom size("size");
  if (!value.is_map())
    return is_size(value);
  for (const atom each : {atoms::kill, atoms::error_logger, include_shared_binaries})
    if (const auto found = value.find(each); found && !is_bool(*found))
      return false;
  const auto limit = value.find(size);
  return limit && is_size(*limit);
}

bool is_queue_place(term_ref value) {
  static const atom on_heap("on_heap");
  static const atom off_heap("off_heap");
  return value.is(on_heap) || value.is(off_heap);
}

/// `{Name, Value}` with a value that is one: an option of OTP's that has no meaning here?
bool is_ignored(term_ref name, term_ref value) {
  struct option {
    atom name;
    bool (*is_right)(term_ref);
  };
  static const option ignored[] = {
      {"fullsweep_after", is_size},           {"min_heap_size", is_size},
      {"min_bin_vheap_size", is_size},        {"max_heap_size", is_heap_limit},
      {"message_queue_data", is_queue_place}, {"async_dist", is_bool},
  };
  for (const option& each : ignored)
    if (name.is(each.name))
      return each.is_right(value);
  return false;
}

bool read_priority(term_ref value, priority& to) {
  static const atom low("low");
  static const atom high("high");
  static const atom max("max");
  if (value.is(low))
    to = priority::low;
  else if (value.is(high) || value.is(max))
    to = priority::high;
  else
    return value.is(atoms::normal);
  return true;
}

/// The options of a link or a monitor: where they are for the receiver at all, `priority`.
bool are_relation_options(term_ref value) {
  static const atom priority_option("priority");
  for (const term_ref each : value.items())
    if (!each.is(priority_option))
      return false;
  return value.list_length().has_value();
}

bool read_option(term_ref option, spawn_wishes& to) {
  static const atom priority_option("priority");
  const bool pair = option.is_tuple(2);
  const term_ref name = pair ? option.element(0) : option;
  if (name.is(atoms::link) || name.is(atoms::monitor)) {
    (name.is(atoms::link) ? to.link : to.monitor) = true;
    return !pair || are_relation_options(option.element(1));
  }
  if (!pair)
    return false;
  return name.is(priority_option) ? read_priority(option.element(1), to.priority)
                                  : is_ignored(name, option.element(1));
}

} // namespace

std::expected<spawn_wishes, atom> read_spawn_options(term_ref options) {
  spawn_wishes wishes;
  for (; options.is_cons(); options = options.tail())
    if (!read_option(options.head(), wishes))
      return std::unexpected(atoms::badopt);
  if (!options.is_nil())
    return std::unexpected(atoms::badopt);
  return wishes;
}

} // namespace erl
