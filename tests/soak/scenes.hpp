/// Scenes: small plays on several schedulers whose end is known, since nobody else meddles.
#pragma once

#include "stage.hpp"

#include <string>

namespace soak {

/// Where a scene takes place: its process, its random numbers, and a name that no other has.
struct setting {
  process& self;
  stage& all;
  dice& d;
  std::string name;

  /// A time-out this long means that something has been lost.
  static constexpr duration patience = std::chrono::seconds(60);

  template <class Function, class... Arguments>
  erl::spawned start(erl::spawn_options options, Function function, Arguments... arguments) const {
    return soak::start(self, all, d, options, std::move(function), std::move(arguments)...);
  }
  bool expect(bool holds, std::string_view what) const {
    return all.expect(holds, name + ": " + std::string(what));
  }
};

struct scene {
  const char* name;
  task<> (*play)(const setting& at);
};

// messages.cpp
task<> conversation(const setting& at); ///< numbered messages by pid, name and alias
task<> flood(const setting& at);        ///< lanes and mailboxes that fill up
task<> full_mailboxes(const setting& at);
task<> dead_letters(const setting& at);

// relations.cpp
task<> links(const setting& at);
task<> monitors(const setting& at);
task<> names(const setting& at);

// services.cpp
task<> calls(const setting& at);
task<> timers(const setting& at);
task<> supervision(const setting& at);

inline constexpr scene scenes[] = {
    {"conversation", conversation},
    {"flood", flood},
    {"full mailboxes", full_mailboxes},
    {"dead letters", dead_letters},
    {"links", links},
    {"monitors", monitors},
    {"names", names},
    {"calls", calls},
    {"timers", timers},
    {"supervision", supervision},
};

/// Plays `what` again and again until the test is over. Between two times no message may be left.
task<> repeat(process& self, stage* all, std::uint64_t seed, scene what, unsigned scheduler);

} // namespace soak
