/// A stack that needs the heap only when it grows deep.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace erl::detail {

/// For frames of walks that do not recurse. T is trivially copyable.
template <class T, std::size_t Near = 16> class small_stack {
public:
  bool empty() const noexcept { return near_size_ == 0; }
  std::size_t size() const noexcept { return near_size_ + far_.size(); }

  void push(const T& value) {
    if (near_size_ < Near)
      near_[near_size_++] = value;
    else
      far_.push_back(value);
  }

  T& top() noexcept { return far_.empty() ? near_[near_size_ - 1] : far_.back(); }

  void pop() noexcept {
    if (far_.empty())
      --near_size_;
    else
      far_.pop_back();
  }

private:
  std::array<T, Near> near_;
  std::size_t near_size_ = 0;
  std::vector<T> far_;
};

} // namespace erl::detail
