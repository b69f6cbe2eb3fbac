#include "runtime/type_name.hpp"

#include <cstdlib>
#include <memory>
#include <string_view>
#include <unordered_map>

#include <cxxabi.h>

namespace erl::runtime {

namespace {

atom demangled(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), &std::free);
  std::string_view text = status == 0 ? name.get() : mangled;
  // Of a body that was made from a function, the function's type.
  constexpr std::string_view wrapper = "erl::detail::coroutine_body<";
  if (text.starts_with(wrapper) && text.ends_with('>'))
    text = text.substr(wrapper.size(), text.size() - wrapper.size() - 1);
  return atom::intern(text).value_or(atom("c++"));
}

} // namespace

atom type_name(const std::type_info& type) {
  thread_local std::unordered_map<const char*, atom> known;
  const auto [place, is_new] = known.try_emplace(type.name());
  if (is_new)
    place->second = demangled(type.name());
  return place->second;
}

} // namespace erl::runtime
