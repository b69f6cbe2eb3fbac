// Writes the types whose fields have names: maps, Elixir structs, keyword lists, property lists and
// native records.
#include <erl/etf/encode.hpp>
#include <erl/etf/other_keys.hpp>

#include <optional>
#include <vector>

namespace erl::detail {

namespace {

/// What the type has kept of other keys.
term_ref kept(const keyed_writer& type, void* const* fields) {
  if (type.rest == type.keys.count)
    return {};
  return static_cast<const other_keys*>(fields[type.rest])->all;
}

bool is_flag(const keyed_writer& type, std::size_t index) { return (type.flags >> index & 1) != 0; }

bool is_there(const keyed_writer& type, void* const* fields, std::size_t index) {
  const auto is_empty = type.fields[index].is_empty;
  return index != type.rest && (is_empty == nullptr || !is_empty(fields[index]));
}

/// The name of a pair that a native record keeps.
std::optional<atom> kept_name(const keyed_writer& type, term_ref key) {
  const auto name = key.to_atom();
  for (std::size_t i = 0; name && i < type.keys.count; ++i)
    if (i != type.rest && type.keys[i].is(*name))
      return std::nullopt;
  return name;
}

void write_element(sink& to, const keyed_writer& type, void* const* fields, std::size_t index) {
  if (is_flag(type, index) && *static_cast<const bool*>(fields[index]))
    return to.atom(type.keys[index]);
  to.begin_tuple(2);
  to.atom(type.keys[index]);
  type.fields[index].write(to, fields[index]);
}

} // namespace

/// The kept pairs come first, so that a field wins over a pair with its key.
void write_map(sink& to, const keyed_writer& type, void* const* fields) {
  const term_ref others = kept(type, fields);
  const std::size_t pairs = type.order_count + others.map_size();
  const std::size_t start = to.begin_map(pairs);
  for (std::size_t i = 0; i < others.map_size(); ++i) {
    to.write(others.map_key(i));
    to.write(others.map_value(i));
  }
  for (std::size_t i = 0; i < type.order_count; ++i) {
    const std::size_t index = type.order[i];
    if (index == type.keys.count) {
      to.atom(name_of<"__struct__">);
      to.atom(*type.module);
    } else {
      to.atom(type.keys[index]);
      type.fields[index].write(to, fields[index]);
    }
  }
  to.end_map(start, pairs, others.map_size() == 0);
}

void write_key_list(sink& to, const keyed_writer& type, void* const* fields) {
  const term_ref others = kept(type, fields);
  std::size_t count = others.list_length().value_or(0);
  for (std::size_t i = 0; i < type.keys.count; ++i)
    count += is_there(type, fields, i) ? 1 : 0;
  const std::size_t start = to.begin_list(count);
  for (std::size_t i = 0; i < type.keys.count; ++i)
    if (is_there(type, fields, i))
      write_element(to, type, fields, i);
  if (others.list_length())
    for (const term_ref other : others.items())
      to.write(other);
  to.end_list(start, count);
}

/// The fields of the type, then the kept ones that the type does not have.
void write_native_record(sink& to, const keyed_writer& type, void* const* fields) {
  const term_ref others = kept(type, fields);
  std::vector<atom> names;
  for (std::size_t i = 0; i < type.keys.count; ++i)
    if (i != type.rest)
      names.push_back(type.keys[i].get());
  for (std::size_t i = 0; i < others.map_size(); ++i)
    if (const auto name = kept_name(type, others.map_key(i)))
      names.push_back(*name);
  to.begin_record(type.module->get(), type.name->get(), type.exported, names);
  for (std::size_t i = 0; i < type.keys.count; ++i)
    if (i != type.rest)
      type.fields[i].write(to, fields[i]);
  for (std::size_t i = 0; i < others.map_size(); ++i)
    if (kept_name(type, others.map_key(i)))
      to.write(others.map_value(i));
}

} // namespace erl::detail
