/// A pointer that owns: std::unique_ptr without what `<memory>` costs to compile.
#pragma once

#include <utility>

namespace erl {

/// Owns an object on the heap.
template <class T> class owned {
public:
  owned() noexcept = default;
  explicit owned(T* what) noexcept : what_(what) {}
  owned(owned&& other) noexcept : what_(std::exchange(other.what_, nullptr)) {}
  owned& operator=(owned&& other) noexcept {
    std::swap(what_, other.what_);
    return *this;
  }
  ~owned() { delete what_; }
  explicit operator bool() const noexcept { return what_ != nullptr; }
  T* operator->() const noexcept { return what_; }
  T& operator*() const noexcept { return *what_; }
  T* get() const noexcept { return what_; }

private:
  T* what_ = nullptr;
};

} // namespace erl
