#include <erl/etf/decode.hpp>

#include <string>

namespace erl::detail {

std::string tuple_text(std::size_t arity) {
  std::string result;
  describe_tuple(result, arity);
  return result;
}

std::string tagged_text(std::string_view name, std::size_t fields) {
  std::string result;
  describe_tagged(result, name, fields);
  return result;
}

void describe_tagged(std::string& out, std::string_view name, std::size_t fields) {
  out += "{";
  out += name;
  for (std::size_t i = 0; i < fields; ++i)
    out += ",_";
  out += "}";
}

void describe_tuple(std::string& out, std::size_t arity) {
  if (arity == 0)
    out += "{}";
  else
    describe_tagged(out, "_", arity - 1);
}

void describe_names(std::string& out, named_atoms names) {
  for (std::size_t i = 0; i < names.count; ++i) {
    out += i == 0 ? "" : " or ";
    out += names[i].text();
  }
}

bool read_tuple(source& from, const named_atom* tag, const tuple_reader& type,
                void* const* fields) {
  source::scope saved;
  if (tag != nullptr ? !from.enter_tagged(saved, *tag, type.count)
                     : !from.enter_tuple(saved, type.count))
    return false;
  std::size_t index = 0;
  while (index < type.count && type.read[index](from, fields[index]))
    ++index;
  if (index == type.count)
    return from.leave(saved);
  const std::size_t start = index == 0 ? 0 : type.name_ends[index - 1];
  return from.under({type.names + start, type.name_ends[index] - start});
}

std::size_t read_name(source& from, named_atoms names) {
  const std::size_t index = from.read_one_of(names);
  if (index == names.count) {
    std::string expected;
    describe_names(expected, names);
    from.fail(etf_errc::wrong_value, expected);
  }
  return index;
}

bool fail_variant(source& from, void (*describe)(std::string&)) {
  std::string expected;
  describe(expected);
  return from.fail(etf_errc::wrong_type, expected);
}

unsigned enter_result(source& from, source::scope& saved, bool bare) {
  if (bare && from.is_atom(name_of<"ok">))
    return from.skip() ? 0 : 2;
  if (!bare && from.is_tagged(name_of<"ok">, 1))
    return from.enter_tagged(saved, name_of<"ok">, 1) ? 0 : 2;
  if (from.is_tagged(name_of<"error">, 1))
    return from.enter_tagged(saved, name_of<"error">, 1) ? 1 : 2;
  from.fail(etf_errc::wrong_type, bare ? "ok or {error,_}" : "{ok,_} or {error,_}");
  return 2;
}

bool fits_result(source& from, bool bare) {
  return (bare ? from.is_atom(name_of<"ok">) : from.is_tagged(name_of<"ok">, 1)) ||
         from.is_tagged(name_of<"error">, 1);
}

} // namespace erl::detail
