/// What `global` knows: names and who has them, locks and who holds them. Both go when their
/// process does.
#pragma once

#include "runtime/global_names.hpp"
#include <erl/process.hpp>
#include <erl/runtime_options.hpp>

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

namespace erl {

class global_table {
public:
  /// Bytes of all names together.
  static constexpr std::size_t most_bytes = std::size_t{256} << 20U;

  /// `self` monitors the processes; `shown` has the names for everybody.
  global_table(process& self, runtime::global_names& shown, std::size_t most_entries)
      : self_(self), shown_(shown), most_entries_(most_entries) {}

  struct name {
    term entry; ///< `{Name, Pid, Method}`
    pid holder;
    atom registered_by; ///< of an external name: the node that answers for it
    reference monitor;
    std::size_t bytes = 0;
  };

  const name* find(term_ref of) const;
  /// Gives `of` to `holder`, whoever had it. With `may` false, or when the table is full, nobody
  /// has it then.
  void set_name(term_ref of, const pid& holder, term_ref method, atom registered_by, bool may);
  void erase_name(term_ref of);
  /// What nodes have found that exchange names: `[{insert, {Name, Pid, Method}} | {delete, Name}]`,
  /// `external` is `[{Name, Pid, Node}]`, and `lock` `{global, Requester}`.
  void apply(const std::vector<term>& changes, term_ref external, term_ref lock);
  /// `[{Name, Pid, Method}]` of all.
  term names() const;
  /// `[{Name, Pid, Node}]` of the external ones.
  term external_names() const;

  /// True: granted, as nobody holds it, or others in the name of the same requester do.
  bool set_lock(term_ref resource, term_ref requester, const pid& holder);
  void delete_lock(term_ref resource, term_ref requester, const pid& holder);
  /// Whether a process that registers names still holds the lock for it. While nobody does, the
  /// last one must not have died with it.
  bool is_locked_by(const pid& holder) const;

  /// A monitor has fired.
  void down(const reference& monitor);
  /// Forgets what processes of a node have and hold.
  void forget(atom node);

  std::size_t size() const { return names_.size() + lock_holders_; }

private:
  /// As `is_locked_by`, of nodes that exchange names.
  bool is_locked_for(term_ref lock) const;

  struct lock_holder {
    pid who;
    reference monitor;
  };
  struct held_lock {
    term requester;
    std::size_t bytes;
    std::vector<lock_holder> holders;
  };
  struct watched {
    bool is_name;
    atom node;
    term key; ///< the name or the resource
  };

  reference watch(const pid& who, bool is_name, const term& key);
  void unwatch(const reference& monitor);
  void remove_holder(runtime::map_by_term<held_lock>::iterator at, const reference& monitor,
                     bool has_died);
  bool is_full(std::size_t more_bytes) const;

  process& self_;
  runtime::global_names& shown_;
  const std::size_t most_entries_;
  std::size_t bytes_ = 0;
  std::size_t lock_holders_ = 0;
  bool holder_has_died_ = false; ///< the last one of the lock `global`
  runtime::map_by_term<name> names_;
  runtime::map_by_term<held_lock> locks_;
  std::unordered_map<reference, watched> watched_;
};

} // namespace erl
