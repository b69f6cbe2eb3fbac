#include "runtime/registry.hpp"

namespace erl::runtime {

registry::~registry() {
  for (auto& slot : pages_)
    delete slot.load(std::memory_order_relaxed);
}

bool registry::add(atom name, std::uint64_t process) {
  const std::size_t number = name.index() >> page_bits;
  if (number >= page_count)
    return false;
  page* p = pages_[number].load(std::memory_order_acquire);
  if (p == nullptr) {
    auto* made = new page;
    if (pages_[number].compare_exchange_strong(p, made, std::memory_order_acq_rel))
      p = made;
    else
      delete made;
  }
  std::uint64_t nobody = 0;
  return p->slots[name.index() % page_size].compare_exchange_strong(nobody, process,
                                                                    std::memory_order_acq_rel);
}

bool registry::remove(atom name, std::uint64_t process) {
  const std::size_t number = name.index() >> page_bits;
  page* p = number < page_count ? pages_[number].load(std::memory_order_acquire) : nullptr;
  return p != nullptr && process != 0 &&
         p->slots[name.index() % page_size].compare_exchange_strong(process, 0,
                                                                    std::memory_order_acq_rel);
}

std::uint64_t registry::find(atom name) const {
  const std::size_t number = name.index() >> page_bits;
  const page* p = number < page_count ? pages_[number].load(std::memory_order_acquire) : nullptr;
  return p == nullptr ? 0 : p->slots[name.index() % page_size].load(std::memory_order_acquire);
}

std::size_t registry::size() const {
  std::size_t count = 0;
  for (const auto& each : pages_)
    if (const page* p = each.load(std::memory_order_acquire))
      for (const auto& slot : p->slots)
        count += slot.load(std::memory_order_relaxed) != 0 ? 1 : 0;
  return count;
}

} // namespace erl::runtime
