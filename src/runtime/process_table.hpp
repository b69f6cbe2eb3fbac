/// The processes of one scheduler: index and serial -> block.
///
/// A pid's id is {index, table, scheduler} and its serial counts the lives of the slot, so a pid is
/// looked up without a search and a stale one is recognised by its serial. Slots never move. A slot
/// whose serials are used up is retired: no pid is ever used twice.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace erl::runtime {

class process_block;

class process_table {
public:
  static constexpr std::uint32_t index_bits = 22;

  struct place {
    std::uint32_t index = 0; ///< 0: the table is full
    std::uint32_t serial = 0;
  };

  process_table();
  process_table(const process_table&) = delete;
  process_table& operator=(const process_table&) = delete;
  ~process_table();

  /// Reserves a slot for a new process.
  place reserve();
  /// The process has started.
  void set(std::uint32_t index, process_block* block) {
    at(index).block = block;
    at(index).reserved = false;
  }
  /// The process, or null if it has ended.
  process_block* find(std::uint32_t index, std::uint32_t serial) const {
    const slot* s = slot_at(index);
    return s != nullptr && s->serial == serial ? s->block : nullptr;
  }
  /// The slot waits for its process to start.
  bool is_reserved(std::uint32_t index, std::uint32_t serial) const {
    const slot* s = slot_at(index);
    return s != nullptr && s->serial == serial && s->reserved;
  }
  /// A note on the slot, for all threads.
  void set_full(std::uint32_t index, bool full) {
    at(index).full.store(full, std::memory_order_relaxed);
  }
  bool is_full(std::uint32_t index) const {
    const slot* s = slot_at(index);
    return s != nullptr && s->full.load(std::memory_order_relaxed);
  }
  /// The process has ended; the slot may be used again, with another serial.
  void release(std::uint32_t index);
  /// Calls `use(process_block&)` for each process.
  template <class Use> void for_each(Use&& use) const {
    for (const auto& each : pages_)
      if (const page* p = each.load(std::memory_order_acquire))
        for (const slot& s : *p)
          if (s.block != nullptr)
            use(*s.block);
  }

private:
  static constexpr std::size_t page_size = 1024;
  struct slot {
    process_block* block = nullptr;
    std::uint32_t serial = 0;
    std::uint32_t next_free = 0;
    bool reserved = false;
    std::atomic<bool> full{false};
  };
  using page = std::array<slot, page_size>;

  slot& at(std::uint32_t index) {
    return (*pages_[index / page_size].load(std::memory_order_acquire))[index % page_size];
  }
  const slot* slot_at(std::uint32_t index) const {
    const page* p = index / page_size < pages_.size()
                        ? pages_[index / page_size].load(std::memory_order_acquire)
                        : nullptr;
    return p == nullptr ? nullptr : &(*p)[index % page_size];
  }

  // A fixed directory: one thread may add a page while another looks up slots of earlier pages.
  std::vector<std::atomic<page*>> pages_;
  std::uint32_t used_ = 1; // index 0 is nobody's
  std::uint32_t free_ = 0;
};

} // namespace erl::runtime
