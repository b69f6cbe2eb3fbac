#include "node/served_functions.hpp"

#include "base/log.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <utility>

namespace erl {

namespace {

owned_body exiting_with(term reason) {
  return make_body(
      [](process& self, term& why) -> task<> {
        const term& exit_reason = why;
        self.exit(exit_reason);
        co_return;
      },
      std::move(reason));
}

} // namespace

void served_functions::add(atom module, atom name, unsigned arity,
                           owned<detail::served_function> function) {
  const std::lock_guard lock(mutex_);
  table_[{module, name, arity}] =
      std::make_shared<const owned<detail::served_function>>(std::move(function));
}

owned_body served_functions::body_for(atom module, atom name, const term& arguments) const {
  const auto arity = arguments.list_length();
  const term call = term::tuple({term(module), term(name), arguments, term::list({})});
  if (!arity)
    return exiting_with(term::tuple({term(atoms::badarg), term::list({call})}));
  std::shared_ptr<const owned<detail::served_function>> found;
  {
    const std::lock_guard lock(mutex_);
    if (const auto place = table_.find({module, name, *arity}); place != table_.end())
      found = place->second;
  }
  if (found != nullptr)
    return (*found)->body_for(arguments);
  log::limited("undef", log::level::warning, "dist", "a peer asked for ", to_string(term(module)),
               ":", to_string(term(name)), "/", *arity, ", which is not served here");
  return exiting_with(term::tuple({term(atoms::undef), term::list({call})}));
}

} // namespace erl
