#include <erl/etf/decode.hpp>

#include <string>

namespace erl::detail {

namespace {

constexpr std::uint32_t module_seen = std::uint32_t{1} << 31;

/// Takes a pair whose key is not among the fields: `__struct__`, or one that does not matter here.
bool skip_pair(source& from, const named_atom* module, std::uint32_t& seen) {
  const bool is_module = module != nullptr && from.is_atom(name_of<"__struct__">);
  if (!from.skip())
    return false;
  if (!is_module)
    return from.skip();
  seen |= module_seen;
  return from.read_exactly(*module) || from.under("__struct__");
}

} // namespace

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

void describe_map(std::string& out, const named_atom* module) {
  out += "map";
  if (module != nullptr) {
    out += " with __struct__ ";
    out += module->text();
  }
}

std::size_t next_field(source& from, source::scope& saved, named_atoms keys,
                       const named_atom* module, std::uint32_t required, std::uint32_t& seen) {
  while (from.more(saved)) {
    const source::position start = from.tell();
    const std::size_t key = from.read_one_of(keys);
    if (key == keys.count) {
      if (!skip_pair(from, module, seen))
        return no_field;
      continue;
    }
    const std::uint32_t bit = std::uint32_t{1} << key;
    if ((seen & bit) != 0) {
      from.go_back(start);
      from.fail(etf_errc::duplicate_key, {});
      return no_field;
    }
    seen |= bit;
    return key;
  }
  for (std::size_t i = 0; i < keys.count; ++i)
    if ((required & ~seen & (std::uint32_t{1} << i)) != 0) {
      from.fail(etf_errc::missing_key, keys[i].text());
      return no_field;
    }
  if (module != nullptr && (seen & module_seen) == 0) {
    from.fail(etf_errc::missing_key, "__struct__");
    return no_field;
  }
  return keys.count;
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
