#include "runtime/exit_reason.hpp"

#include "base/log.hpp"
#include <erl/etf/print.hpp>
#include <erl/process.hpp>

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include <cxxabi.h>

namespace erl::runtime {

namespace {

atom class_name() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr)
    return atom("exception");
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return atom::intern(status == 0 ? name.get() : type->name()).value_or(atom("exception"));
}

} // namespace

term reason_of_current_exception(const pid& who) {
  const atom name = class_name();
  std::string what;
  try {
    throw;
  } catch (const exit_exception& exit) {
    return exit.reason;
  } catch (const std::exception& failure) {
    what = failure.what();
  } catch (...) {
    what = "(not a std::exception)";
  }
  log::put(log::level::error, "process", to_string(term(who)),
           " ended by an exception: ", name.text(), ": ", what);
  return term::tuple({name, term::text(what)});
}

} // namespace erl::runtime
