/// Functions that other nodes may start processes of: what `node::serve` keeps.
#pragma once

#include <erl/owned.hpp>
#include <erl/process.hpp>
#include <erl/task.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace erl::detail {

/// A function that peers may call, whatever its type.
class served_function {
public:
  virtual ~served_function() = default;
  virtual owned_body body_for(term arguments) const = 0;
};

template <class Function> class served_function_of final : public served_function {
public:
  explicit served_function_of(Function function) : function_(std::move(function)) {}
  owned_body body_for(term arguments) const override {
    return make_body(run, function_, std::move(arguments));
  }

private:
  static task<> run(process& self, Function& function, term& arguments) {
    [[maybe_unused]] const term result = co_await function(self, arguments);
  }
  Function function_;
};

template <class Function> owned<served_function> make_served(Function function) {
  return owned<served_function>(new served_function_of<Function>(std::move(function)));
}

} // namespace erl::detail

namespace erl {

/// What `node::serve` takes: a coroutine of a process and the list of its arguments.
template <class Function>
concept servable = std::same_as<std::invoke_result_t<Function&, process&, term&>, task<term>>;

} // namespace erl
