#include "runtime/process_table.hpp"

#include <limits>

namespace erl::runtime {

process_table::process_table() : pages_((std::size_t{1} << index_bits) / page_size) {}
process_table::~process_table() = default;

process_table::place process_table::reserve() {
  if (free_ != 0) {
    const std::uint32_t index = free_;
    free_ = at(index).next_free;
    return {index, at(index).serial};
  }
  if (used_ >> index_bits != 0)
    return {};
  const std::uint32_t index = used_++;
  if (pages_[index / page_size] == nullptr)
    pages_[index / page_size] = std::make_unique<page>();
  return {index, at(index).serial};
}

void process_table::release(std::uint32_t index) {
  slot& s = at(index);
  s.block = nullptr;
  if (s.serial == std::numeric_limits<std::uint32_t>::max())
    return;
  ++s.serial;
  s.next_free = free_;
  free_ = index;
}

} // namespace erl::runtime
