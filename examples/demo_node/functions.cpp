#include "functions.hpp"

#include "arithmetic.hpp"

#include <chrono>
#include <cstdint>
#include <tuple>
#include <type_traits>

namespace demo {

namespace {

/// The arguments as these types, or the process ends with `badarg`.
template <class... Types>
std::tuple<Types...> read(erl::process& self, const erl::term& arguments) {
  std::tuple<Types...> values;
  erl::term_ref rest = arguments;
  const auto take = [&](auto& value) {
    auto one = erl::decode<std::remove_reference_t<decltype(value)>>(rest.head());
    if (!one)
      self.exit(erl::atom("badarg"));
    value = std::move(*one);
    rest = rest.tail();
  };
  std::apply([&](Types&... each) { (take(each), ...); }, values);
  return values;
}

erl::task<erl::term> add(erl::process& self, erl::term& arguments) {
  const auto [a, b] = read<erl::term, erl::term>(self, arguments);
  co_return sum(a, b);
}

erl::task<erl::term> run(erl::process& self, erl::term& arguments) {
  const auto [to, tag] = read<erl::pid, erl::term>(self, arguments);
  self.send(to, std::tuple(erl::is<"demo_run">{}, tag, self.self()));
  co_return erl::atom("ok");
}

erl::task<erl::term> fail(erl::process& self, erl::term& arguments) {
  const auto [reason] = read<erl::term>(self, arguments);
  self.exit(reason);
  co_return reason;
}

erl::task<erl::term> sleep(erl::process& self, erl::term& arguments) {
  const auto [time, result] = read<std::int64_t, erl::term>(self, arguments);
  const auto nothing = [](erl::term_ref) { return false; };
  const auto timeout = co_await self.receive(nothing, std::chrono::milliseconds(time));
  co_return result;
}

} // namespace

void serve_functions(erl::node& node) {
  const erl::atom demo("demo");
  node.serve(demo, "add", 2, add);
  node.serve(demo, "run", 2, run);
  node.serve(demo, "fail", 1, fail);
  node.serve(demo, "sleep", 2, sleep);
}

} // namespace demo
