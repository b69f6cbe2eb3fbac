#include "runtime/exit_reason.hpp"

#include "base/log.hpp"
#include "runtime/type_name.hpp"
#include <erl/etf/print.hpp>
#include <erl/process.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <typeinfo>

#include <cxxabi.h>

namespace erl::runtime {

static atom class_name() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type == nullptr ? atom("exception") : type_name(*type);
}

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
  log::limited(name.text(), log::level::error, "process", to_string(term(who)),
               " ended by an exception: ", name.text(), ": ", what);
  return term::tuple({name, term::text(what)});
}

} // namespace erl::runtime
