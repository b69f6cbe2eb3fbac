/// A lane: an unbounded queue with one producing and one consuming thread.
///
/// Chunks of slots in a chain. The producer fills slots with plain stores and makes them visible in
/// batches, with one store of `published_`; the consumer never writes to what the producer reads. A
/// used-up chunk is freed by the consumer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace erl::runtime {

template <class Entry> class lane {
public:
  lane() : tail_(new chunk), head_(tail_) {}
  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;
  ~lane() {
    while (chunk* c = head_) {
      head_ = c->next;
      delete c;
    }
  }

  /// Producer: appends; not visible before `publish`. Returns how many entries wait to be
  /// published.
  std::size_t push(Entry entry) {
    if (tail_used_ == chunk_size) {
      // The chain is extended before the entry behind it is published, so the consumer finds `next`
      // set.
      tail_->next = new chunk;
      tail_ = tail_->next;
      tail_used_ = 0;
    }
    tail_->slots[tail_used_++] = std::move(entry);
    return static_cast<std::size_t>(++pushed_ - published_.load(std::memory_order_relaxed));
  }
  /// Producer: makes everything visible. Returns false if there was nothing new. Sequentially
  /// consistent, so that a consumer that goes to sleep and a producer that looks whether it sleeps
  /// cannot miss each other.
  bool publish() {
    if (published_.load(std::memory_order_relaxed) == pushed_)
      return false;
    published_.store(pushed_, std::memory_order_seq_cst);
    return true;
  }

  /// Producer: how many entries the consumer has not taken yet. Sequentially consistent, for a
  /// producer that goes to sleep until there are fewer.
  std::size_t backlog() const {
    return static_cast<std::size_t>(pushed_ - consumed_.load(std::memory_order_seq_cst));
  }
  /// Producer: asks to be woken when the backlog is small.
  void ask_for_room() { wanted_.store(true, std::memory_order_seq_cst); }
  /// Consumer, after `drain`: true once if the producer has asked, and at most `small` entries are
  /// left.
  bool must_tell_of_room(std::size_t small) {
    return published_.load(std::memory_order_relaxed) - taken_ <= small &&
           wanted_.load(std::memory_order_seq_cst) &&
           wanted_.exchange(false, std::memory_order_seq_cst);
  }

  /// Consumer: calls `use(Entry&&)` for what is visible, at most `most` entries. Returns how many
  /// there were.
  template <class Use> std::size_t drain(std::size_t most, Use&& use) {
    const std::uint64_t visible = published_.load(std::memory_order_acquire);
    std::size_t used = 0;
    for (; taken_ != visible && used < most; ++used) {
      if (head_used_ == chunk_size) {
        chunk* done = head_;
        head_ = head_->next;
        head_used_ = 0;
        delete done;
      }
      Entry entry = std::move(head_->slots[head_used_++]);
      ++taken_;
      use(std::move(entry));
    }
    if (used != 0)
      consumed_.store(taken_, std::memory_order_seq_cst);
    return used;
  }
  /// Consumer: is anything visible?
  bool pending() const { return published_.load(std::memory_order_seq_cst) != taken_; }

private:
  static constexpr std::size_t chunk_size = 256;
  struct chunk {
    Entry slots[chunk_size];
    chunk* next = nullptr;
  };

  // The producer's side.
  alignas(64) chunk* tail_;
  std::size_t tail_used_ = 0;
  std::uint64_t pushed_ = 0;
  alignas(64) std::atomic<std::uint64_t> published_{0};
  // The consumer's side.
  alignas(64) chunk* head_;
  std::size_t head_used_ = 0;
  std::uint64_t taken_ = 0;
  std::atomic<std::uint64_t> consumed_{0}; // what the producer may know of taken_
  std::atomic<bool> wanted_{false};
};

} // namespace erl::runtime
