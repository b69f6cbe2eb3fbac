/// The atom table. Entries live in chunks that never move, so an index finds its text without a
/// lock. Texts are found by an open-addressing hash of 64-bit cells (hash above, index + 1 below),
/// which readers probe without a lock too: a cell is written once, and when the hash grows the old
/// one stays readable (and allocated: all old ones together are smaller than the present one). Only
/// adding an atom takes the mutex.
///
/// The hash has a secret of the process, so that nobody can choose names that collide.
#pragma once

#include <erl/etf/atom.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <mutex>
#include <string_view>

namespace erl::detail {

/// A text with what decides most comparisons at once: up to 16 bytes of it as two numbers.
struct atom_key {
  /// The first eight bytes, the first one lowest; 0 where there are none.
  std::uint64_t first = 0;
  /// The last eight bytes of a text of more than eight.
  std::uint64_t last = 0;
  const char* text = nullptr;
  std::uint32_t size = 0;

  static std::uint64_t load64(const char* at) noexcept {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }

  explicit atom_key(std::string_view name) noexcept
      : text(name.data()), size(static_cast<std::uint32_t>(name.size())) {
    if (size >= 8) {
      first = load64(text);
      last = size > 8 ? load64(text + size - 8) : 0;
    } else if (size != 0) {
      std::memcpy(&first, text, size);
    }
  }

  /// The same without a loop, for a text of at least eight bytes, or one before which there are so
  /// many bytes to read that it ends at least eight bytes after their start.
  [[gnu::always_inline]] static atom_key readable(const char* at, std::uint32_t size) noexcept {
    atom_key key;
    key.text = at;
    key.size = size;
    if (size >= 8) {
      key.first = load64(at);
      key.last = size > 8 ? load64(at + size - 8) : 0;
    } else {
      key.first = size == 0 ? 0 : load64(at + size - 8) >> (64 - 8 * size);
    }
    return key;
  }

private:
  atom_key() noexcept = default;
};

class atom_table {
public:
  static constexpr std::uint32_t chunk_size = 4096;
  static constexpr std::uint32_t chunk_count = 4096;

  struct entry {
    std::uint64_t first;
    std::uint64_t last;
    const char* text;
    std::uint32_t size;
  };

  /// The one table; made at its first use, never destroyed, as atoms are used until the last
  /// destructor has run.
  static atom_table& get() noexcept {
    atom_table* made = instance_.load(std::memory_order_acquire);
    return made != nullptr ? *made : make();
  }

  const entry& at(std::uint32_t index) const noexcept {
    return chunks_[index / chunk_size].load(std::memory_order_acquire)[index % chunk_size];
  }

  // These two are in the innermost loop of decoding.
  [[gnu::always_inline]] std::uint32_t hash(const atom_key& key) const noexcept {
    std::uint64_t low = mix(key.first ^ secret_[0], key.last ^ secret_[1] ^ key.size);
    for (std::uint32_t i = 8; i + 8 < key.size; i += 8)
      low = mix(low ^ secret_[0], atom_key::load64(key.text + i) ^ secret_[1]);
    return static_cast<std::uint32_t>(low >> 32 ^ low);
  }

  /// What `find` returns when there is no such atom.
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// The index of the atom with this text.
  [[gnu::always_inline]] std::uint32_t find(const atom_key& key,
                                            std::uint32_t hash) const noexcept {
    const cells* table = cells_.load(std::memory_order_acquire);
    for (std::uint32_t place = hash;; ++place) {
      const std::uint64_t cell = table->at(place).load(std::memory_order_acquire);
      if (cell == 0)
        return none;
      if (static_cast<std::uint32_t>(cell >> 32) != hash)
        continue;
      const std::uint32_t index = static_cast<std::uint32_t>(cell) - 1;
      const entry& found = at(index);
      if (found.first == key.first && found.last == key.last && found.size == key.size &&
          (key.size <= 16 || std::memcmp(found.text + 8, key.text + 8, key.size - 16) == 0))
        return index;
    }
  }
  [[gnu::always_inline]] std::uint32_t find(const atom_key& key) const noexcept {
    return find(key, hash(key));
  }

  /// Finds or adds. `key` is the text of an atom.
  std::expected<atom, etf_errc> add(const atom_key& key) noexcept;

  std::uint32_t count() const noexcept { return count_.load(std::memory_order_acquire); }
  void limit(std::uint32_t count) noexcept;

private:
  struct cells {
    explicit cells(std::uint32_t size) noexcept;
    std::atomic<std::uint64_t>& at(std::uint32_t place) const noexcept {
      return values[place & mask];
    }
    void put(std::uint32_t hash, std::uint32_t index) const noexcept;

    std::uint32_t mask;
    std::unique_ptr<std::atomic<std::uint64_t>[]> values;
    cells* older = nullptr;
  };

  atom_table();
  static atom_table& make() noexcept;
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  bool make_room(std::uint32_t index) noexcept;
  bool grow(cells* table) noexcept;
  const char* keep(std::string_view text) noexcept;

  static std::atomic<atom_table*> instance_;

  std::atomic<cells*> cells_{nullptr};
  std::array<std::uint64_t, 2> secret_{};
  std::array<std::atomic<entry*>, chunk_count> chunks_{};
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint32_t> limit_;
  std::mutex mutex_;
  char* text_ = nullptr;
  std::size_t text_left_ = 0;
};

} // namespace erl::detail
