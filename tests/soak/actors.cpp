#include "actors.hpp"

#include <erl/etf/atoms.hpp>
#include <erl/process_info.hpp>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <vector>

namespace soak {

using namespace std::chrono_literals;
namespace atoms = erl::atoms;

namespace {

const erl::atom names[] = {"anna", "bela", "cleo", "dora", "edda", "fred", "gita", "hugo"};

/// An invitation to send something to an alias.
struct hello {
  reference alias;
  using erl_shape = erl::tagged_shape<"hello">;
};

task<> act(process& self, stage* all, std::uint64_t seed, bool grown_up);

class actor {
public:
  actor(process& self, stage& all, dice& d, bool grown_up)
      : self_(self), all_(all), dice_(d), grown_up_(grown_up) {}
  void do_something();
  void judge(const term& message);

private:
  pid somebody() { return all_.board.pick(dice_, self_.self()); }
  erl::atom some_name() { return names[dice_.below(std::size(names))]; }
  erl::message_priority some_urgency() {
    return static_cast<erl::message_priority>(dice_.one_in(4));
  }
  erl::destination somewhere();
  /// Takes one out, or gives an unused one.
  reference take_one(std::vector<reference>& from);

  void talk();
  void watch();
  void stop_watching();
  void open_alias();
  void set_timer();
  void start_child();
  void end_somebody();
  void end_myself();
  void change_myself();

  process& self_;
  stage& all_;
  dice& dice_;
  bool grown_up_;
  std::vector<reference> watches_;
  std::vector<reference> aliases_;
  std::vector<reference> timers_;
};

erl::destination actor::somewhere() {
  if (dice_.one_in(4))
    return some_name();
  if (dice_.one_in(8) && !aliases_.empty())
    return aliases_[dice_.below(aliases_.size())];
  return somebody();
}

reference actor::take_one(std::vector<reference>& from) {
  if (from.empty())
    return self_.make_reference();
  std::swap(from[dice_.below(from.size())], from.back());
  const reference taken = from.back();
  from.pop_back();
  return taken;
}

void actor::do_something() {
  switch (dice_.below(24)) {
  case 0:
  case 1:
    return self_.link(somebody(), some_urgency());
  case 2:
  case 3:
    return self_.unlink(somebody());
  case 4:
  case 5:
    return watch();
  case 6:
  case 7:
    return stop_watching();
  case 8:
  case 9:
    return open_alias();
  case 10:
    static_cast<void>(self_.unalias(take_one(aliases_)));
    return;
  case 11:
  case 12:
    return set_timer();
  case 13:
    static_cast<void>(self_.cancel_timer(take_one(timers_)));
    return;
  case 14:
    return start_child();
  case 15:
    return end_somebody();
  case 16:
    return end_myself();
  case 17:
  case 18:
    return change_myself();
  default:
    return talk();
  }
}

void actor::talk() {
  const std::uint64_t count = 1 + dice_.below(30);
  for (std::uint64_t i = 0; i < count; ++i)
    self_.send(somewhere(), static_cast<std::int64_t>(i));
  all_.messages.add(count);
}

void actor::watch() {
  const auto mode = static_cast<erl::alias_mode>(dice_.below(4));
  const reference ref = dice_.one_in(4) ? self_.monitor(some_name(), mode, some_urgency())
                                        : self_.monitor(somebody(), mode, some_urgency());
  watches_.push_back(ref);
  if (mode != erl::alias_mode::none)
    self_.send(somebody(), hello{ref});
}

void actor::stop_watching() { self_.demonitor(take_one(watches_), true); }

void actor::open_alias() {
  const reference ref = self_.alias(dice_.one_in(2) ? erl::alias_mode::explicit_unalias
                                                    : erl::alias_mode::reply_demonitor,
                                    some_urgency());
  aliases_.push_back(ref);
  self_.send(somebody(), hello{ref});
}

void actor::set_timer() {
  const duration delay = 1us + dice_.up_to(20ms);
  const erl::destination to = somewhere();
  if (dice_.one_in(4))
    timers_.push_back(self_.send_interval(1ms + delay, to, atoms::ok));
  else
    timers_.push_back(self_.send_after(delay, to, atoms::ok));
  if (timers_.size() > 8)
    self_.cancel_timer(take_one(timers_));
}

void actor::start_child() {
  if (!grown_up_)
    return;
  const erl::spawn_options options{
      .link = dice_.one_in(3),
      .monitor = dice_.one_in(3),
      .mailbox = {.messages = dice_.one_in(4) ? 50 : erl::mailbox_limit::none,
                  .when_full = static_cast<erl::full_mailbox>(dice_.below(4))},
      .priority = static_cast<erl::priority>(dice_.below(3))};
  const auto child = start(self_, all_, dice_, options, act, &all_, dice_.roll(), false);
  if (options.monitor)
    watches_.push_back(child.monitor);
  // Others may know it before its scheduler does.
  all_.board.put(dice_.roll(), child.process);
}

void actor::end_somebody() {
  self_.exit(somebody(), term(dice_.one_in(3) ? atoms::kill : atoms::shutdown));
}

void actor::end_myself() {
  if (dice_.one_in(2))
    throw std::runtime_error("enough");
  self_.exit(term(dice_.one_in(2) ? atoms::normal : atoms::shutdown));
}

void actor::change_myself() {
  switch (dice_.below(6)) {
  case 0:
    static_cast<void>(self_.set_priority(static_cast<erl::priority>(dice_.below(3))));
    return;
  case 1:
    static_cast<void>(self_.trap_exit(dice_.one_in(2)));
    return;
  case 2:
    static_cast<void>(
        self_.register_name(some_name(), dice_.one_in(2) ? somebody() : self_.self()));
    return;
  case 3:
    static_cast<void>(self_.unregister_name(some_name()));
    return;
  case 4:
    self_.set_label(term(static_cast<std::int64_t>(dice_.below(100))));
    return;
  default:
    static_cast<void>(self_.put(term(some_name()), term(self_.self())));
  }
}

void actor::judge(const term& message) {
  if (const auto end = erl::try_decode<erl::down>(message)) {
    all_.ends.add();
    all_.expect(std::erase(watches_, end->monitor) == 1, "actors: a DOWN that nobody waits for");
  } else if (const auto invitation = erl::try_decode<hello>(message)) {
    all_.messages.add();
    self_.send(invitation->alias, term(atoms::ok), some_urgency());
  }
}

task<> act(process& self, stage* all, std::uint64_t seed, bool grown_up) {
  dice d(seed);
  actor me(self, *all, d, grown_up);
  const std::uint64_t deeds = grown_up ? 500 : d.below(40);
  for (std::uint64_t deed = 0; deed < deeds && !all->over(); ++deed) {
    me.do_something();
    if (d.one_in(20)) {
      auto known = co_await erl::info(self, all->board.pick(d, self.self()));
      all->expect(!known || known->status != erl::atom(), "actors: a process without a status");
    }
    duration patience = d.one_in(4) ? d.up_to(2ms) : duration::zero();
    for (int heard = 0; heard < 100; ++heard) {
      auto m = co_await self.receive(patience);
      if (!m)
        break;
      me.judge(m.body());
      patience = duration::zero();
    }
    co_await self.yield();
  }
}

} // namespace

task<> keep_actors(process& self, stage* all, std::uint64_t seed, std::size_t first,
                   std::size_t count) {
  dice d(seed);
  std::unordered_map<reference, std::size_t> places;
  const auto engage = [&](std::size_t place) {
    const auto engaged = start(self, *all, d, {.monitor = true}, act, all, d.roll(), true);
    places.emplace(engaged.monitor, place);
    all->board.put(place, engaged.process);
  };
  for (std::size_t i = 0; i < count; ++i)
    engage(first + i);
  while (!places.empty()) {
    auto m = co_await self.receive(60s);
    const auto end = m.as<erl::down>();
    const auto found = end ? places.find(end->monitor) : places.end();
    if (!all->expect(found != places.end(), m ? "keeper: a message that nobody sends"
                                              : "keeper: no actor has ended for a minute"))
      co_return;
    const std::size_t place = found->second;
    places.erase(found);
    all->ends.add();
    if (!all->over())
      engage(place);
  }
}

} // namespace soak
