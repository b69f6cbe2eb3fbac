#include "runtime/process_block.hpp"
#include "runtime/scheduler.hpp"
#include "runtime/type_name.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/process_info.hpp>

#include <typeinfo>

namespace erl {

namespace runtime {

namespace {

atom name_of(process_block::state state) {
  static const atom runnable("runnable"), waiting("waiting");
  switch (state) {
  case process_block::state::running:
  case process_block::state::ending:
    return atoms::running;
  case process_block::state::runnable:
    return runnable;
  case process_block::state::waiting:
  case process_block::state::blocked:
    break;
  }
  return waiting;
}

} // namespace

void process_extras::set_label(term to) noexcept {
  changes_label.store(true, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  label.swap(to);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  changes_label.store(false, std::memory_order_relaxed);
}

void process_block::glance(atom& name, term& label) const noexcept {
  if (extras_ == nullptr)
    return;
  name = extras_->name;
  if (!extras_->changes_label.load(std::memory_order_relaxed))
    label = extras_->label;
}

term process_block::describe() {
  const body& runs = *what;
  process_info result{.status = name_of(run_state),
                      .message_queue_len = inbox.size(),
                      .trap_exit = traps_exit,
                      .initial_call = term::tuple({type_name(typeid(runs)), atom("run"), term(1)}),
                      .reductions = used_reductions(),
                      .memory = sizeof *this + inbox.memory()};
  if (const pid leader = group_leader(); leader.node != atom())
    result.group_leader = leader;
  if (parent_pid.node != atom())
    result.parent = parent_pid;
  if (const process_extras* x = extras_if_any()) {
    if (const atom name = registered_name(); name != atom())
      result.registered_name = name;
    for (const auto& [other, link] : x->links)
      if (link.unlinking == 0)
        result.links.push_back(other);
    for (const auto& [ref, monitor] : x->monitoring)
      result.monitors.push_back(term::tuple({atoms::process, monitor.object()}));
    for (const auto& [ref, monitor] : x->monitored_by)
      result.monitored_by.push_back(monitor.watcher);
    if (!x->label.is(atoms::undefined))
      result.label = x->label;
    result.dictionary.assign(x->dictionary.begin(), x->dictionary.end());
    result.memory += sizeof *x;
  }
  return to_term(result);
}

} // namespace runtime

task<std::optional<process_info>> info(process& self, pid who) {
  const receive_mark mark = self.mark();
  auto& asking = static_cast<runtime::process_block&>(self);
  if (who.node != self.node())
    co_return std::nullopt;
  const reference ref = self.alias(alias_mode::reply_demonitor);
  asking.owner().route(
      {.kind = runtime::signal_kind::info, .from = self.self(), .to = who, .ref = ref});
  const auto is_answer = [&](term_ref message) {
    return message.is_tuple(2) && message.element(0).to_reference() == ref;
  };
  const auto answer = co_await self.receive(is_answer, infinity, mark);
  co_return try_decode<process_info>(answer.body().share(answer.body().element(1)));
}

} // namespace erl
