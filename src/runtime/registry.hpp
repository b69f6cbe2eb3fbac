/// Registered names: name -> pid, for every thread, without locks.
///
/// Atoms are numbered from 0, so the registry is an array indexed by atom in pages that are made on
/// demand. A slot holds the pid's 64 bits (id and serial) or 0.
#pragma once

#include <erl/etf/atom.hpp>
#include <erl/etf/pid.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace erl::runtime {

class registry {
public:
  registry() = default;
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;
  ~registry();

  /// What stands for a process of this node.
  static std::uint64_t value_of(const pid& who) { return std::uint64_t{who.serial} << 32 | who.id; }

  /// False if the name is taken. `process` is not 0.
  bool add(atom name, std::uint64_t process);
  /// False if the name does not belong to `process`.
  bool remove(atom name, std::uint64_t process);
  /// 0 if there is none.
  std::uint64_t find(atom name) const;
  /// How many names there are.
  std::size_t size() const;

private:
  static constexpr std::size_t page_bits = 12;
  static constexpr std::size_t page_size = std::size_t{1} << page_bits;
  // 16 million atoms; the atom table's default limit is one million.
  static constexpr std::size_t page_count = std::size_t{1} << 12;
  struct page {
    std::array<std::atomic<std::uint64_t>, page_size> slots{};
  };

  std::array<std::atomic<page*>, page_count> pages_{};
};

} // namespace erl::runtime
