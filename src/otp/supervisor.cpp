/// The supervisor's process: a coroutine that traps exits and reacts to its children's.
///
/// Starting and stopping wait with selective receives, so that everything else (calls, other
/// children's exits) stays in the mailbox until the supervisor is back in its loop.
#include "base/log.hpp"
#include "otp/gen.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/print.hpp>
#include <erl/supervisor.hpp>

#include <atomic>
#include <deque>
#include <optional>
#include <ranges>
#include <utility>

namespace erl {

shared_maker::shared_maker(const shared_maker& other) noexcept : what_(other.what_) {
  std::atomic_ref(what_->owners_).fetch_add(1, std::memory_order_relaxed);
}
shared_maker::~shared_maker() {
  if (std::atomic_ref(what_->owners_).fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete what_;
}

supervisor::supervisor(supervision strategy, restart_limits limits)
    : strategy_(strategy), limits_(limits) {}
supervisor::supervisor(const supervisor& other) = default;
supervisor::supervisor(supervisor&& other) noexcept = default;
supervisor& supervisor::operator=(supervisor other) noexcept {
  std::swap(strategy_, other.strategy_);
  std::swap(limits_, other.limits_);
  children_.swap(other.children_);
  return *this;
}
supervisor::~supervisor() = default;
void supervisor::add(child_spec child) { children_.push_back(std::move(child)); }

namespace {

struct running_child {
  child_spec spec;
  std::optional<pid> process;
};

bool is_abnormal(term_ref reason) {
  return !reason.is(atoms::normal) && !reason.is(atoms::shutdown) &&
         !reason.is_tuple(atoms::shutdown, 2);
}

class supervisor_process {
public:
  supervisor_process(process& self, const supervisor& what, atom name)
      : self_(self), limits_(what.limits()), name_(name) {
    for (const child_spec& spec : what.children())
      children_.push_back({spec, std::nullopt});
  }

  task<> run(start_notice notice) {
    auto failure = std::optional<term>();
    gen::introduce(self_, notice, "supervisor");
    self_.trap_exit(true);
    failure = register_self();
    for (std::size_t i = 0; i < children_.size() && !failure; ++i) {
      auto problem = co_await start(children_[i]);
      if (problem)
        failure = term::tuple({atoms::shutdown, term::tuple({atom("failed_to_start_child"),
                                                             children_[i].spec.id, *problem})});
    }
    if (failure) {
      co_await stop_all();
      gen::notify_failed(self_, notice.tag, *failure);
      self_.exit(*failure);
    }
    gen::notify_started(self_, notice.tag);
    for (;;) {
      auto m = co_await self_.receive();
      const term& body = m.body();
      if (!body.is_tuple(atoms::exit_signal, 3)) {
        answer(body);
        continue;
      }
      const term reason = body.share(body.element(2));
      const std::optional<pid> from = body.element(1).to_pid();
      if (running_child* child = from ? find(*from) : nullptr) {
        co_await child_ended(*child, reason);
      } else if (from == self_.parent()) {
        co_await stop_all();
        self_.exit(reason);
      }
    }
  }

private:
  std::optional<term> register_self() {
    if (name_ == atom() || self_.register_name(name_))
      return std::nullopt;
    const auto holder = self_.whereis(name_);
    return term::tuple({atoms::already_started, holder ? term(*holder) : term(atoms::undefined)});
  }

  running_child* find(const pid& who) {
    for (running_child& child : children_)
      if (child.process == who)
        return &child;
    return nullptr;
  }

  /// Starts a child and waits for its start to end; the result is the reason of a failure.
  task<std::optional<term>> start(running_child& child) {
    const start_notice notice = child.spec.notifies ? detail::make_notice(self_) : start_notice();
    owned_body what;
    std::optional<term> failure;
    try {
      what = child.spec.maker->make(notice);
    } catch (...) { // from the server's constructor
      failure = detail::exit_reason_of_exception(self_);
    }
    if (failure) {
      self_.unalias(notice.tag);
      co_return failure;
    }
    if (!child.spec.notifies) {
      child.process = self_.spawn_body(std::move(what), {.link = true}).process;
      co_return std::nullopt;
    }
    auto started = co_await detail::start_linked(self_, std::move(what), notice.tag);
    if (!started)
      co_return std::move(started.error());
    child.process = *started;
    co_return std::nullopt;
  }

  /// Stops one child: `shutdown`, then, when its time is up, `kill`.
  task<> stop(running_child& child) {
    const pid who = *std::exchange(child.process, std::nullopt);
    const reference monitor = self_.monitor(who);
    const auto is_down = [&](term_ref m) {
      return m.is_tuple(atoms::down, 5) && m.element(1).to_reference() == monitor;
    };
    const bool gently = child.spec.options.shutdown > duration::zero();
    self_.exit(who, gently ? atoms::shutdown : atoms::kill);
    auto down = co_await self_.receive(is_down, gently ? child.spec.options.shutdown : infinity);
    if (!down) {
      log::put(log::level::warning, "supervisor", to_string(child.spec.id),
               " did not stop in time and is killed");
      self_.exit(who, atoms::kill);
      auto killed = co_await self_.receive(is_down);
    }
    const auto is_exit = [&](term_ref m) { return gen::is_exit_of(m, who); };
    self_.unlink(who);
    static_cast<void>(self_.take(is_exit));
  }

  task<> stop_all() {
    auto left = children_.size();
    for (; left > 0; --left)
      if (children_[left - 1].process)
        co_await stop(children_[left - 1]);
  }

  task<> child_ended(running_child& child, term reason) {
    auto why = std::optional<term>(std::move(reason));
    child.process.reset();
    const restart_type type = child.spec.options.restart;
    if (type == temporary) { // never started again, and forgotten
      std::erase_if(children_, [&](const running_child& each) { return &each == &child; });
      co_return;
    }
    if (type == transient && !is_abnormal(*why))
      co_return;
    while (why) {
      if (!may_restart()) {
        log::put(log::level::error, "supervisor", "more than ", limits_.intensity,
                 " restarts within ",
                 std::chrono::duration_cast<std::chrono::milliseconds>(limits_.period).count(),
                 " ms: giving up");
        co_await stop_all();
        self_.exit(term(atoms::shutdown));
      }
      log::put(log::level::warning, "supervisor", "child ", to_string(child.spec.id),
               " ended: ", brief(*why), "; it is restarted");
      auto problem = co_await start(child);
      why = std::move(problem);
    }
  }

  /// Counts a restart; false when that is one too many within the period.
  bool may_restart() {
    const time_point now = self_.now();
    restarts_.push_back(now);
    while (now - restarts_.front() > limits_.period)
      restarts_.pop_front();
    return restarts_.size() <= limits_.intensity;
  }

  void answer(const term& message) {
    const auto request = gen::parse(message);
    if (request && request->what == gen::request::kind::call)
      gen::reply(self_, request->from, to_encode(answer_to(request->body)));
    else
      log::limited("unexpected", log::level::warning, "supervisor",
                   "unexpected message: ", brief(message));
  }

  term answer_to(term_ref request) const {
    if (request.is(atoms::which_children))
      return which_children();
    if (request.is(atoms::count_children))
      return count_children();
    return term::tuple({atoms::error, term::tuple({atom("unknown_call"), request})});
  }

  /// `[{Id, Pid | undefined, worker | supervisor, Modules}]`, the newest first.
  term which_children() const {
    std::vector<term> list;
    list.reserve(children_.size());
    for (const running_child& child : std::views::reverse(children_))
      list.push_back(
          term::tuple({child.spec.id, child.process ? term(*child.process) : term(atoms::undefined),
                       type_of(child), term::list({child.spec.id})}));
    const std::vector<term_ref> parts(list.begin(), list.end());
    return term::list(parts);
  }

  term count_children() const {
    std::size_t active = 0;
    std::size_t supervisors = 0;
    for (const running_child& child : children_) {
      active += child.process ? 1 : 0;
      supervisors += child.spec.is_supervisor ? 1 : 0;
    }
    const auto pair = [](const char* name, std::size_t count) {
      return term::tuple({atom(std::string_view(name)), term(count)});
    };
    return term::list({pair("specs", children_.size()), pair("active", active),
                       pair("supervisors", supervisors),
                       pair("workers", children_.size() - supervisors)});
  }

  static atom type_of(const running_child& child) {
    return child.spec.is_supervisor ? atoms::supervisor : atoms::worker;
  }

  process& self_;
  restart_limits limits_;
  atom name_;
  std::vector<running_child> children_;
  std::deque<time_point> restarts_; // within the last period
};

task<> supervise(process& self, supervisor& what, atom& name, start_notice& notice) {
  supervisor_process body(self, what, name);
  co_await body.run(notice);
}

} // namespace

owned_body detail::make_supervisor(supervisor what, atom name, const start_notice& notice) {
  return make_body(supervise, std::move(what), name, notice);
}

} // namespace erl
