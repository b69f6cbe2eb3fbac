/// The daemon's memory: which names are live, and which were.
///
/// A name that was given up stays on a first-in first-out list of about a thousand, so that its
/// next registration gets another creation. Linear searches: a host has tens of nodes, and only
/// local programs can add one.
#pragma once

#include "epmd/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace erl::epmd {

class registry {
public:
  /// How many names are remembered beyond the live ones; one more, and the oldest is recycled.
  static constexpr std::size_t max_remembered = 1000;

  /// Registers for the connection `fd`; `now` is the wall clock in seconds. Returns the creation,
  /// or nothing when the name is live or not a name, or the extra data are too long.
  std::optional<std::uint32_t> add(const wire::register_request& wanted, int fd, std::uint32_t now);

  /// Gives up what the connection `fd` has registered, if anything.
  void remove(int fd);

  /// The live node of that name, byte for byte; valid until the next change.
  const node_info* find(std::string_view name) const;

  /// The connection that holds the name.
  std::optional<int> holder(std::string_view name) const;

  bool empty() const { return live_.empty(); }
  std::size_t remembered() const { return old_.size(); }

  /// The lines of a NAMES answer, newest registration first.
  std::string names_text() const;
  /// The lines of a DUMP answer.
  std::string dump_text() const;

private:
  struct slot {
    node_info node;
    std::uint32_t creation = 0;
    int fd = -1;
  };
  using slots = std::list<slot>;

  slots::const_iterator live(std::string_view name) const;
  slots take_slot(std::string_view name, std::uint32_t now);

  slots live_; // newest first
  slots old_;  // oldest first
};

} // namespace erl::epmd
