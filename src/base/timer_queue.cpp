#include "base/timer_queue.hpp"

#include <cassert>

namespace erl {

timer::~timer() {
  if (armed()) {
    queue_->cancel(*this);
  }
}

void timer_queue::arm(timer& t, time_point deadline) {
  if (t.armed()) {
    t.queue_->cancel(t);
  }
  assert(heap_.size() < timer::due);
  heap_.push_back(&t);
  t.queue_ = this;
  t.deadline_ = deadline;
  t.order_ = next_order_++;
  sift_up(heap_.size() - 1, &t);
}

void timer_queue::cancel(timer& t) {
  if (!t.armed()) {
    return;
  }
  assert(t.queue_ == this);
  if ((t.place_ & timer::due) != 0) {
    due_[t.place_ & ~timer::due] = nullptr;
    --due_left_;
  } else {
    remove(t.place_);
  }
  t.place_ = timer::unarmed;
}

std::size_t timer_queue::expire(time_point now) {
  assert(due_.empty());
  while (!heap_.empty() && heap_.front()->deadline_ <= now) {
    timer* t = heap_.front();
    remove(0);
    t->place_ = static_cast<std::uint32_t>(due_.size()) | timer::due;
    due_.push_back(t);
  }
  due_left_ = due_.size();

  std::size_t count = 0;
  for (timer*& place : due_) { // a callback may clear any of them
    if (timer* t = place) {
      t->place_ = timer::unarmed;
      --due_left_;
      ++count;
      t->expired();
    }
  }
  due_.clear();
  return count;
}

// The order wraps around; the difference still tells which of two live timers was armed first.
bool timer_queue::before(const timer& a, const timer& b) {
  if (a.deadline_ != b.deadline_) {
    return a.deadline_ < b.deadline_;
  }
  return static_cast<std::int32_t>(a.order_ - b.order_) < 0;
}

void timer_queue::put(std::size_t place, timer* t) {
  heap_[place] = t;
  t->place_ = static_cast<std::uint32_t>(place);
}

void timer_queue::remove(std::size_t place) {
  timer* last = heap_.back();
  heap_.pop_back();
  if (place == heap_.size()) {
    return;
  }
  if (place > 0 && before(*last, *heap_[(place - 1) / 2])) {
    sift_up(place, last);
  } else {
    sift_down(place, last);
  }
}

void timer_queue::sift_up(std::size_t place, timer* t) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / 2;
    if (!before(*t, *heap_[parent])) {
      break;
    }
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, t);
}

void timer_queue::sift_down(std::size_t place, timer* t) {
  for (;;) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) {
      ++child;
    }
    if (!before(*heap_[child], *t)) {
      break;
    }
    put(place, heap_[child]);
    place = child;
  }
  put(place, t);
}

} // namespace erl
