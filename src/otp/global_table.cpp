#include "otp/global_table.hpp"

#include "base/log.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/encode.hpp>
#include <erl/etf/print.hpp>

#include <algorithm>
#include <utility>

namespace erl {

namespace {

const atom global_resource("global");
const atom insert_tag("insert");
const atom delete_tag("delete");

/// A term that shares no memory with the frame it came in: a binary would keep all of that.
term own_copy(const term& value, std::size_t& bytes) {
  std::vector<std::byte> encoded;
  encode_external(value, encoded);
  bytes = encoded.size() + value.memory();
  constexpr std::size_t too_small_to_share = 256;
  if (encoded.size() <= too_small_to_share)
    return value;
  auto copy = decode_external(encoded);
  if (!copy)
    return value;
  return std::move(*copy);
}

} // namespace

const global_table::name* global_table::find(term_ref of) const {
  const auto found = names_.find(of);
  return found == names_.end() ? nullptr : &found->second;
}

bool global_table::is_full(std::size_t more_bytes) const {
  if (size() < most_entries_ && bytes_ + more_bytes <= most_bytes)
    return false;
  log::limited("global names", log::level::warning, "global",
               "this node keeps no more global names and locks: there are ", size(), " with ",
               bytes_, " bytes");
  return true;
}

void global_table::set_name(term_ref of, const pid& holder, term_ref method, atom registered_by,
                            bool may) {
  // `of` may be a part of what is erased.
  std::size_t bytes = 0;
  const term entry = own_copy(term::tuple({of, term(holder), method}), bytes);
  const term key = entry.share(entry.element(0));
  erase_name(key);
  if (!may || is_full(bytes))
    return;
  names_.emplace(key, name{entry, holder, registered_by, watch(holder, true, key), bytes});
  bytes_ += bytes;
  shown_.set(key, holder);
}

void global_table::erase_name(term_ref of) {
  const auto found = names_.find(of);
  if (found == names_.end())
    return;
  const auto gone = names_.extract(found);
  shown_.erase(gone.key());
  bytes_ -= gone.mapped().bytes;
  unwatch(gone.mapped().monitor);
}

term global_table::names() const {
  std::vector<term> all;
  all.reserve(names_.size());
  for (const auto& [key, each] : names_)
    all.push_back(each.entry);
  return to_term(all);
}

term global_table::external_names() const {
  std::vector<term> all;
  for (const auto& [key, each] : names_)
    if (each.registered_by != atom())
      all.push_back(term::tuple({key, term(each.holder), each.registered_by}));
  return to_term(all);
}

void global_table::apply(const std::vector<term>& changes, term_ref external, term_ref lock) {
  runtime::map_by_term<std::pair<pid, atom>> registered_by;
  for (const term_ref each : external.items())
    if (each.is_tuple(3) && each.element(1).is_pid() && each.element(2).is_atom())
      registered_by.emplace(term::copy(each.element(0)),
                            std::pair(*each.element(1).to_pid(), *each.element(2).to_atom()));
  const bool may = is_locked_for(lock);
  for (const term& change : changes) {
    if (!change.is_tuple(insert_tag, 2))
      continue;
    const term_ref entry = change.element(1);
    if (!entry.is_tuple(3) || !entry.element(1).is_pid())
      continue;
    const pid holder = *entry.element(1).to_pid();
    const auto found = registered_by.find(entry.element(0));
    const atom by = found != registered_by.end() && found->second.first == holder
                        ? found->second.second
                        : atom();
    set_name(entry.element(0), holder, entry.element(2), by, may);
  }
  for (const term& change : changes)
    if (change.is_tuple(delete_tag, 2))
      erase_name(change.element(1));
}

bool global_table::set_lock(term_ref resource, term_ref requester, const pid& holder) {
  auto found = locks_.find(resource);
  if (found != locks_.end() && found->second.requester != requester)
    return false;
  if (found != locks_.end() && std::ranges::any_of(found->second.holders, [&](const auto& each) {
        return each.who == holder;
      }))
    return true;
  std::size_t bytes = 0;
  const term own = own_copy(term::tuple({resource, requester}), bytes);
  if (is_full(bytes))
    return false;
  if (found == locks_.end()) {
    found =
        locks_.emplace(own.share(own.element(0)), held_lock{own.share(own.element(1)), bytes, {}})
            .first;
    bytes_ += bytes;
  }
  found->second.holders.push_back({holder, watch(holder, false, found->first)});
  ++lock_holders_;
  return true;
}

void global_table::delete_lock(term_ref resource, term_ref requester, const pid& holder) {
  const auto found = locks_.find(resource);
  if (found == locks_.end() || found->second.requester != requester)
    return;
  const auto& holders = found->second.holders;
  if (const auto it = std::ranges::find(holders, holder, &lock_holder::who); it != holders.end())
    remove_holder(found, it->monitor, false);
}

void global_table::remove_holder(runtime::map_by_term<held_lock>::iterator at,
                                 const reference& monitor, bool has_died) {
  const reference which = monitor; // a part of what goes
  lock_holders_ -= std::erase_if(at->second.holders,
                                 [&](const lock_holder& each) { return each.monitor == which; });
  unwatch(which);
  if (!at->second.holders.empty())
    return;
  if (at->first.is(global_resource))
    holder_has_died_ = has_died;
  bytes_ -= at->second.bytes;
  locks_.erase(at);
}

bool global_table::is_locked_by(const pid& holder) const {
  const auto found = locks_.find(term_ref(global_resource));
  return found == locks_.end() ? !holder_has_died_
                               : std::ranges::any_of(found->second.holders, [&](const auto& each) {
                                   return each.who == holder;
                                 });
}

bool global_table::is_locked_for(term_ref lock) const {
  const auto found = locks_.find(term_ref(global_resource));
  return found == locks_.end()
             ? !holder_has_died_
             : lock.is_tuple(global_resource, 2) && found->second.requester == lock.element(1);
}

reference global_table::watch(const pid& who, bool is_name, const term& key) {
  const reference monitor = self_.monitor(who);
  watched_.emplace(monitor, watched{is_name, who.node, key});
  return monitor;
}

void global_table::unwatch(const reference& monitor) {
  if (watched_.erase(monitor) != 0)
    self_.demonitor(monitor);
}

void global_table::down(const reference& monitor) {
  const auto found = watched_.find(monitor);
  if (found == watched_.end())
    return;
  const watched what = found->second;
  if (what.is_name)
    erase_name(what.key);
  else if (const auto at = locks_.find(what.key); at != locks_.end())
    remove_holder(at, monitor, true);
}

void global_table::forget(atom node) {
  std::vector<reference> gone;
  for (const auto& [monitor, what] : watched_)
    if (what.node == node)
      gone.push_back(monitor);
  for (const reference& monitor : gone)
    down(monitor);
}

} // namespace erl
