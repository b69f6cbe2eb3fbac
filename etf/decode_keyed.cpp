// Reads the types whose fields are found by name: maps, Elixir structs, keyword lists, property
// lists and native records. One loop for pairs and one for lists serve all types; a table says what
// the fields of a type are.
#include <erl/etf/decode.hpp>
#include <erl/etf/other_keys.hpp>

#include <string>
#include <utility>
#include <vector>

namespace erl::detail {

namespace {

/// One value of a type in the making.
class keyed_read {
public:
  keyed_read(source& from, const keyed_reader& type, void* const* fields) noexcept
      : from_(from), type_(type), fields_(fields) {}

  bool pairs(source::scope& saved) {
    while (from_.more(saved))
      if (!pair(saved))
        return false;
    return all_there() && keep_pairs();
  }

  /// `bare`: an atom alone is a key with the value true.
  bool list(bool bare) {
    source::scope saved;
    if (!from_.enter_list(saved, 1))
      return false;
    for (std::size_t index = 0; from_.more(saved); ++index)
      if (!(bare ? property(index) : keyword(index)))
        return false;
    return from_.leave(saved) && all_there() && keep_elements();
  }

private:
  bool keeps() const noexcept { return type_.rest != type_.keys.count; }
  other_keys& kept() const noexcept { return *static_cast<other_keys*>(fields_[type_.rest]); }
  static std::uint32_t bit(std::size_t key) noexcept { return std::uint32_t{1} << key; }

  /// Takes the name of a field; `keys.count`, and nothing taken, for any other term.
  std::size_t key() {
    const source::position start = from_.tell();
    const std::size_t result = from_.read_one_of(type_.keys);
    if (result != type_.rest)
      return result;
    from_.go_back(start);
    return type_.keys.count;
  }

  bool value(std::size_t key) {
    seen_ |= bit(key);
    return type_.read[key](from_, fields_[key]) || from_.under(type_.keys[key].text());
  }

  bool pair(source::scope& saved) {
    const source::position start = from_.tell();
    const std::size_t which = key();
    if (which == type_.keys.count)
      return other_pair(saved);
    if ((seen_ & bit(which)) != 0) {
      from_.go_back(start);
      return from_.fail(etf_errc::duplicate_key, {});
    }
    cross(saved);
    if (!value(which))
      return false;
    cross(saved);
    return true;
  }

  bool other_pair(source::scope& saved) {
    if (type_.name == nullptr && type_.module != nullptr && from_.is_atom(name_of<"__struct__">)) {
      if (!from_.skip())
        return false;
      has_module_ = true;
      return from_.read_exactly(*type_.module) || from_.under("__struct__");
    }
    if (type_.refuse_unknown)
      return refuse();
    term name, content;
    if (!(keeps() ? from_.read(name) : from_.skip()))
      return false;
    cross(saved);
    if (!(keeps() ? from_.read(content) : from_.skip()))
      return false;
    cross(saved);
    if (keeps()) {
      others_.push_back(std::move(name));
      others_.push_back(std::move(content));
    }
    return true;
  }

  void cross(source::scope& saved) {
    if (type_.name != nullptr)
      from_.cross(saved);
  }

  bool property(std::size_t index) {
    const source::position start = from_.tell();
    const std::size_t which = key();
    if (which == type_.keys.count)
      return from_.is_tuple(2) ? keyword_pair(index, true) : other_element() || from_.under(index);
    if ((seen_ & bit(which)) != 0)
      return true;
    const term yes(true);
    source alone(yes);
    alone.quiet();
    seen_ |= bit(which);
    if (type_.read[which](alone, fields_[which]))
      return true;
    from_.go_back(start);
    return from_.fail(etf_errc::wrong_type, tagged_text(type_.keys[which].text(), 1)) ||
           from_.under(index);
  }

  bool keyword(std::size_t index) {
    return from_.is_tuple(2) ? keyword_pair(index, false) : refuse_element(index);
  }

  /// `any_key`: keys that are no atoms are unknown keys, and no errors.
  bool keyword_pair(std::size_t index, bool any_key) {
    const source::position start = from_.tell();
    source::scope saved;
    if (!from_.enter_tuple(saved, 2))
      return from_.under(index);
    const std::size_t which = key();
    if (which != type_.keys.count) {
      const bool first = (seen_ & bit(which)) == 0;
      return (first ? value(which) : from_.skip()) && from_.leave(saved);
    }
    const bool is_key = any_key || from_.is(kinds(term_kind::atom));
    if (is_key && type_.refuse_unknown)
      return refuse() || from_.under(index);
    from_.go_back(start);
    return is_key ? other_element() || from_.under(index) : refuse_element(index);
  }

  bool other_element() {
    if (type_.refuse_unknown)
      return refuse();
    if (!keeps())
      return from_.skip();
    return from_.read(others_.emplace_back());
  }

  bool refuse_element(std::size_t index) {
    return from_.fail(etf_errc::wrong_type, "{Key,Value}") || from_.under(index);
  }

  bool refuse() {
    std::string names;
    for (std::size_t i = 0; i < type_.keys.count; ++i) {
      names += i == 0 ? "" : " or ";
      names += type_.keys[i].text();
    }
    return from_.fail(etf_errc::unknown_key, names.empty() ? "none" : names);
  }

  bool all_there() {
    for (std::size_t i = 0; i < type_.keys.count; ++i)
      if ((type_.required & ~seen_ & bit(i)) != 0)
        return from_.fail(etf_errc::missing_key, type_.keys[i].text());
    if (type_.name == nullptr && type_.module != nullptr && !has_module_)
      return from_.fail(etf_errc::missing_key, "__struct__");
    return true;
  }

  bool keep_pairs() {
    if (!keeps())
      return true;
    kept() = {};
    if (others_.empty())
      return true;
    std::vector<std::pair<term_ref, term_ref>> pairs;
    for (std::size_t i = 0; i < others_.size(); i += 2)
      pairs.emplace_back(others_[i], others_[i + 1]);
    kept().all = term::map(pairs);
    return kept().all.map_size() == pairs.size() || from_.fail(etf_errc::duplicate_key, {});
  }

  bool keep_elements() {
    if (keeps())
      kept().all = term::list(std::vector<term_ref>(others_.begin(), others_.end()));
    return true;
  }

  source& from_;
  const keyed_reader& type_;
  void* const* fields_;
  std::uint32_t seen_ = 0;
  bool has_module_ = false;
  /// Keys and values in turn, or elements.
  std::vector<term> others_;
};

} // namespace

std::string record_text(const named_atom& module, const named_atom& name) {
  std::string result;
  describe_native_record(result, module, name);
  return result;
}

void describe_map(std::string& out, const named_atom* module) {
  out += "map";
  if (module != nullptr) {
    out += " with __struct__ ";
    out += module->text();
  }
}

void describe_native_record(std::string& out, const named_atom& module, const named_atom& name) {
  out += "#";
  out += module.text();
  out += ":";
  out += name.text();
  out += "{}";
}

bool read_map(source& from, const keyed_reader& type, void* const* fields) {
  source::scope saved;
  return from.enter_map(saved, 2) && keyed_read(from, type, fields).pairs(saved) &&
         from.leave(saved);
}

bool read_keyword_list(source& from, const keyed_reader& type, void* const* fields) {
  return keyed_read(from, type, fields).list(false);
}

bool read_proplist(source& from, const keyed_reader& type, void* const* fields) {
  return keyed_read(from, type, fields).list(true);
}

bool read_native_record(source& from, const keyed_reader& type, void* const* fields) {
  source::scope saved;
  return from.enter_record(saved, *type.module, *type.name) &&
         keyed_read(from, type, fields).pairs(saved) && from.leave(saved);
}

} // namespace erl::detail
