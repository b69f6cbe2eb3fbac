/// A doubly linked list of objects that carry their own links: no allocation, and an object leaves
/// in O(1).
#pragma once

#include <cassert>
#include <concepts>
#include <cstddef>
#include <iterator>

namespace erl {

template <class T, class Tag> class intrusive_list;

/// The links of one list, a base class of the elements. `Tag` tells several lists apart that an
/// object may be in at the same time. An object that is destroyed leaves its list.
template <class Tag = void> class list_hook {
public:
  list_hook() = default;
  list_hook(const list_hook&) = delete;
  list_hook& operator=(const list_hook&) = delete;

  bool linked() const { return next_ != nullptr; }
  /// Leaves the list; nothing happens outside of one.
  void unlink() {
    if (linked()) {
      next_->prev_ = prev_;
      prev_->next_ = next_;
      prev_ = next_ = nullptr;
    }
  }

protected:
  ~list_hook() { unlink(); }

private:
  template <class, class> friend class intrusive_list;
  list_hook* prev_ = nullptr;
  list_hook* next_ = nullptr;
};

/// The list. Owns nothing: destroying it unlinks the elements. One thread.
template <class T, class Tag = void> class intrusive_list {
  using hook = list_hook<Tag>;

public:
  class iterator {
  public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::bidirectional_iterator_tag;
    using pointer = T*;
    using reference = T&;

    iterator() = default;
    explicit iterator(hook* at) : at_(at) {}
    T& operator*() const { return static_cast<T&>(*at_); }
    T* operator->() const { return &**this; }
    iterator& operator++() { return at_ = at_->next_, *this; }
    iterator& operator--() { return at_ = at_->prev_, *this; }
    iterator operator++(int) {
      auto old = *this;
      ++*this;
      return old;
    }
    iterator operator--(int) {
      auto old = *this;
      --*this;
      return old;
    }
    bool operator==(const iterator&) const = default;

  private:
    hook* at_ = nullptr;
  };

  intrusive_list() { ends_.prev_ = ends_.next_ = &ends_; }
  ~intrusive_list() {
    while (pop_front() != nullptr) {
    }
  }

  bool empty() const { return ends_.next_ == &ends_; }
  iterator begin() { return iterator{ends_.next_}; }
  iterator end() { return iterator{&ends_}; }
  /// The first and the last element, null when empty.
  T* front() { return empty() ? nullptr : static_cast<T*>(ends_.next_); }
  T* back() { return empty() ? nullptr : static_cast<T*>(ends_.prev_); }

  /// Adds an element that is in no list of this tag.
  void push_back(T& element) { insert_before(ends_, element); }
  void push_front(T& element) { insert_before(*ends_.next_, element); }
  /// Unlinks and returns the first element, null when empty.
  T* pop_front() {
    T* first = front();
    if (first != nullptr) {
      static_cast<hook*>(first)->unlink();
    }
    return first;
  }
  /// Moves all elements of `other` to the end of this list, in order, in O(1).
  void splice_back(intrusive_list& other) {
    if (&other == this || other.empty()) {
      return;
    }
    hook* first = other.ends_.next_;
    hook* last = other.ends_.prev_;
    other.ends_.prev_ = other.ends_.next_ = &other.ends_;
    first->prev_ = ends_.prev_;
    ends_.prev_->next_ = first;
    last->next_ = &ends_;
    ends_.prev_ = last;
  }

private:
  struct sentinel : hook {
    ~sentinel() { this->prev_ = this->next_ = nullptr; }
    using hook::next_;
    using hook::prev_;
  };

  void insert_before(hook& place, hook& added) {
    assert(!added.linked());
    added.prev_ = place.prev_;
    added.next_ = &place;
    place.prev_->next_ = &added;
    place.prev_ = &added;
  }

  sentinel ends_;
};

} // namespace erl
