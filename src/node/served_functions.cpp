#include "node/served_functions.hpp"

#include "base/log.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>

#include <utility>

namespace erl {

namespace {

// OTP's options that have no meaning here.
bool is_ignored(atom name) {
  static const atom ignored[] = {"fullsweep_after", "min_heap_size",      "min_bin_vheap_size",
                                 "max_heap_size",   "message_queue_data", "async_dist"};
  for (const atom each : ignored)
    if (name == each)
      return true;
  return false;
}

bool read_priority(term_ref value, priority& to) {
  static const atom low("low");
  static const atom high("high");
  static const atom max("max");
  if (value.is(low))
    to = priority::low;
  else if (value.is(high) || value.is(max))
    to = priority::high;
  else
    return value.is(atoms::normal);
  return true;
}

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

std::expected<spawn_wishes, atom> read_spawn_options(term_ref options) {
  static const atom badopt("badopt");
  static const atom link("link");
  static const atom monitor("monitor");
  static const atom priority_option("priority");
  spawn_wishes wishes;
  for (; options.is_cons(); options = options.tail()) {
    const term_ref option = options.head();
    const bool pair = option.is_tuple(2);
    const term_ref name = pair ? option.element(0) : option;
    if (name.is(link))
      wishes.link = true;
    else if (name.is(monitor))
      wishes.monitor = true;
    else if (pair && name.is(priority_option)
                 ? !read_priority(option.element(1), wishes.priority)
                 : !pair || !name.to_atom() || !is_ignored(*name.to_atom()))
      return std::unexpected(badopt);
  }
  if (!options.is_nil())
    return std::unexpected(badopt);
  return wishes;
}

void served_functions::add(atom module, atom name, unsigned arity,
                           owned<detail::served_function> function) {
  const std::lock_guard lock(mutex_);
  table_[{module, name, arity}] =
      std::make_shared<const owned<detail::served_function>>(std::move(function));
}

owned_body served_functions::body_for(atom module, atom name, const term& arguments) const {
  static const atom undef("undef");
  static const atom badarg("badarg");
  const auto arity = arguments.list_length();
  const term call = term::tuple({term(module), term(name), arguments, term::list({})});
  if (!arity)
    return exiting_with(term::tuple({term(badarg), term::list({call})}));
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
  return exiting_with(term::tuple({term(undef), term::list({call})}));
}

} // namespace erl
