#include "runtime/process_table.hpp"

#include <limits>

namespace erl::runtime {

process_table::process_table() : pages_((std::size_t{1} << index_bits) / page_size) {}

process_table::~process_table() {
  for (auto& p : pages_)
    delete p.load(std::memory_order_relaxed);
}

process_table::place process_table::reserve() {
  std::uint32_t index = free_;
  if (index != 0) {
    free_ = at(index).next_free;
  } else {
    if (used_ >> index_bits != 0)
      return {};
    index = used_++;
    if (pages_[index / page_size].load(std::memory_order_relaxed) == nullptr)
      pages_[index / page_size].store(new page{}, std::memory_order_release);
  }
  at(index).reserved = true;
  return {index, at(index).serial};
}

void process_table::release(std::uint32_t index) {
  slot& s = at(index);
  s.block = nullptr;
  s.reserved = false;
  s.full.store(false, std::memory_order_relaxed);
  if (s.serial == std::numeric_limits<std::uint32_t>::max())
    return;
  ++s.serial;
  s.next_free = free_;
  free_ = index;
}

} // namespace erl::runtime
