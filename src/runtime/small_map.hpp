/// A map that is a list while it is small, as a process's links and monitors mostly are: no memory
/// for each entry, and a search of a cache line or two. From `most_listed` entries on an index
/// finds them.
///
/// Pointers to values and iterators are valid until the next change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace erl::runtime {

template <class Key, class Value> class small_map {
public:
  static constexpr std::size_t most_listed = 16;
  using entry = std::pair<Key, Value>;

  Value* find(const Key& key) {
    const std::size_t place = place_of(key);
    return place == entries_.size() ? nullptr : &entries_[place].second;
  }
  /// The value, new or old, and whether it is new.
  std::pair<Value*, bool> try_emplace(const Key& key, Value value) {
    if (Value* old = find(key))
      return {old, false};
    entries_.emplace_back(key, std::move(value));
    if (index_ != nullptr)
      index_->emplace(key, static_cast<std::uint32_t>(entries_.size() - 1));
    else if (entries_.size() > most_listed)
      make_index();
    return {&entries_.back().second, true};
  }
  bool erase(const Key& key) {
    const std::size_t place = place_of(key);
    if (place == entries_.size())
      return false;
    erase_at(place);
    return true;
  }
  entry* find_entry(const Key& key) {
    const std::size_t place = place_of(key);
    return place == entries_.size() ? nullptr : &entries_[place];
  }
  /// Erases what `find_entry` found, without another search.
  void erase(const entry* found) { erase_at(static_cast<std::size_t>(found - entries_.data())); }
  template <class Predicate> void erase_if(Predicate predicate) {
    for (std::size_t place = entries_.size(); place-- > 0;)
      if (predicate(entries_[place]))
        erase_at(place);
  }

  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  auto begin() const noexcept { return entries_.begin(); }
  auto end() const noexcept { return entries_.end(); }

private:
  std::size_t place_of(const Key& key) const {
    if (index_ != nullptr) {
      const auto found = index_->find(key);
      return found == index_->end() ? entries_.size() : found->second;
    }
    std::size_t place = 0;
    while (place < entries_.size() && !(entries_[place].first == key))
      ++place;
    return place;
  }
  /// The last entry takes the place of the one that goes.
  void erase_at(std::size_t place) {
    if (index_ != nullptr) {
      index_->erase(entries_[place].first);
      if (place + 1 != entries_.size())
        index_->find(entries_.back().first)->second = static_cast<std::uint32_t>(place);
    }
    if (place + 1 != entries_.size())
      entries_[place] = std::move(entries_.back());
    entries_.pop_back();
    if (entries_.size() <= most_listed / 2)
      index_.reset();
  }
  void make_index() {
    index_ = std::make_unique<std::unordered_map<Key, std::uint32_t>>();
    for (std::size_t place = 0; place < entries_.size(); ++place)
      index_->emplace(entries_[place].first, static_cast<std::uint32_t>(place));
  }

  std::vector<entry> entries_;
  std::unique_ptr<std::unordered_map<Key, std::uint32_t>> index_;
};

} // namespace erl::runtime
