/// The names of processes that are known in the whole cluster.
#pragma once

#include <erl/etf/pid.hpp>
#include <erl/etf/term.hpp>

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

namespace erl::runtime {

/// Finds terms by parts of other terms.
struct term_hash {
  using is_transparent = void;
  std::size_t operator()(term_ref value) const { return hash(value); }
};
template <class Value>
using map_by_term = std::unordered_map<term, Value, term_hash, std::equal_to<>>;

/// Written by the process that speaks for `global`, read by all. Any thread.
class global_names {
public:
  std::optional<pid> find(term_ref name) const {
    const std::shared_lock lock(mutex_);
    const auto found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const {
    const std::shared_lock lock(mutex_);
    return names_.size();
  }
  void set(const term& name, const pid& who) {
    const std::unique_lock lock(mutex_);
    names_.insert_or_assign(name, who);
  }
  void erase(term_ref name) {
    term kept; // released without the lock
    const std::unique_lock lock(mutex_);
    if (const auto found = names_.find(name); found != names_.end()) {
      kept = found->first;
      names_.erase(found);
    }
  }

private:
  mutable std::shared_mutex mutex_;
  map_by_term<pid> names_;
};

} // namespace erl::runtime
