// The atom table. Entries live in chunks that never move, so an index finds its text without a
// lock. Texts are found by an open-addressing hash of 64-bit cells (hash above, index + 1 below),
// which readers probe without a lock too: a cell is written once, and when the hash grows the old
// one stays readable (and allocated: all old ones together are smaller than the present one). Only
// adding an atom takes the mutex.
#include "etf/utf8.hpp"
#include <erl/etf/atom.hpp>
#include <erl/etf/atoms.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>

namespace erl {

namespace {

constexpr std::uint32_t chunk_size = 4096;
constexpr std::uint32_t chunk_count = 4096;
constexpr std::uint32_t default_limit = 1U << 20;
constexpr std::size_t max_characters = 255;

struct entry {
  const char* text;
  std::uint32_t size;
  /// The first eight bytes as a big-endian number, zero-padded: decides most comparisons.
  std::uint64_t order;
};

std::uint64_t first_bytes(std::string_view text) noexcept {
  std::uint64_t result = 0;
  for (std::size_t i = 0; i < 8; ++i)
    result = result << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
  return result;
}

std::uint64_t load64(const char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

std::uint64_t load32(const char* at) noexcept {
  std::uint32_t word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

/// Reads the text in words, of which the last one may overlap the one before: no loop over single
/// bytes.
std::uint32_t hash_text(std::string_view text) noexcept {
  constexpr std::uint64_t factor = 0x9e3779b97f4a7c15U;
  const char* at = text.data();
  std::size_t size = text.size();
  std::uint64_t hash = size;
  if (size >= 8) {
    for (; size > 8; at += 8, size -= 8)
      hash = (hash ^ load64(at)) * factor ^ hash >> 32;
    hash ^= load64(at + size - 8);
  } else if (size >= 4) {
    hash ^= load32(at) << 32 ^ load32(at + size - 4) << 3;
  } else if (size > 0) {
    auto byte = [&](std::size_t index) {
      return std::uint64_t{static_cast<unsigned char>(at[index])};
    };
    hash ^= byte(0) << 8 | byte(size / 2) << 16 | byte(size - 1) << 24;
  }
  hash *= factor;
  hash ^= hash >> 29;
  hash *= 0xff51afd7ed558ccdU;
  return static_cast<std::uint32_t>(hash >> 32);
}

/// Equal texts of the same size, without a call.
bool same_text(const char* a, const char* b, std::size_t size) noexcept {
  if (size < 8) {
    if (size >= 4)
      return load32(a) == load32(b) && load32(a + size - 4) == load32(b + size - 4);
    for (std::size_t i = 0; i < size; ++i) {
      if (a[i] != b[i])
        return false;
    }
    return true;
  }
  std::uint64_t different = load64(a + size - 8) ^ load64(b + size - 8);
  for (std::size_t i = 0; i + 8 < size; i += 8)
    different |= load64(a + i) ^ load64(b + i);
  return different == 0;
}

class atom_table {
public:
  atom_table() noexcept {
    for (std::string_view text : detail::predefined_atoms)
      static_cast<void>(add(text, hash_text(text)));
  }

  const entry& at(std::uint32_t index) const noexcept {
    return chunks_[index / chunk_size].load(std::memory_order_acquire)[index % chunk_size];
  }

  std::optional<atom> find(std::string_view text, std::uint32_t hash) const noexcept {
    const cells* table = cells_.load(std::memory_order_acquire);
    if (table == nullptr)
      return std::nullopt;
    for (std::uint32_t place = hash;; ++place) {
      std::uint64_t cell = table->at(place).load(std::memory_order_acquire);
      if (cell == 0)
        return std::nullopt;
      if (static_cast<std::uint32_t>(cell >> 32) != hash)
        continue;
      std::uint32_t index = static_cast<std::uint32_t>(cell) - 1;
      const entry& found = at(index);
      if (found.size == text.size() && same_text(found.text, text.data(), text.size()))
        return atom::from_index(index);
    }
  }

  std::expected<atom, etf_errc> add(std::string_view text, std::uint32_t hash) noexcept {
    std::scoped_lock lock(mutex_);
    if (auto found = find(text, hash))
      return *found;
    std::uint32_t index = count_.load(std::memory_order_relaxed);
    if (index >= limit_.load(std::memory_order_relaxed) || !make_room(index))
      return std::unexpected(etf_errc::atom_table_full);
    const char* kept = keep(text);
    if (kept == nullptr)
      return std::unexpected(etf_errc::atom_table_full);
    chunks_[index / chunk_size].load(std::memory_order_relaxed)[index % chunk_size] =
        entry{kept, static_cast<std::uint32_t>(text.size()), first_bytes(text)};
    cells_.load(std::memory_order_relaxed)->put(hash, index);
    count_.store(index + 1, std::memory_order_release);
    return atom::from_index(index);
  }

  std::uint32_t count() const noexcept { return count_.load(std::memory_order_acquire); }
  void limit(std::uint32_t count) noexcept {
    limit_.store(std::min(count, chunk_size * chunk_count), std::memory_order_relaxed);
  }

private:
  struct cells {
    explicit cells(std::uint32_t size) noexcept
        : mask(size - 1), values(new(std::nothrow) std::atomic<std::uint64_t>[size]()) {}
    std::atomic<std::uint64_t>& at(std::uint32_t place) const noexcept {
      return values[place & mask];
    }
    void put(std::uint32_t hash, std::uint32_t index) const noexcept {
      std::uint32_t place = hash;
      while (at(place).load(std::memory_order_relaxed) != 0)
        ++place;
      at(place).store(std::uint64_t{hash} << 32 | (index + 1), std::memory_order_release);
    }

    std::uint32_t mask;
    std::unique_ptr<std::atomic<std::uint64_t>[]> values;
    cells* older = nullptr;
  };

  /// Makes sure of a chunk for entry `index`, and of hash cells that stay at least half empty.
  bool make_room(std::uint32_t index) noexcept {
    auto& chunk = chunks_[index / chunk_size];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
      auto* fresh = new (std::nothrow) entry[chunk_size];
      if (fresh == nullptr)
        return false;
      chunk.store(fresh, std::memory_order_release);
    }
    cells* table = cells_.load(std::memory_order_relaxed);
    if (table != nullptr && index < table->mask / 2)
      return true;
    return grow(table);
  }

  bool grow(cells* table) noexcept {
    std::uint32_t size = table == nullptr ? 2 * chunk_size : 2 * (table->mask + 1);
    auto* larger = new (std::nothrow) cells(size);
    if (larger == nullptr || larger->values == nullptr) {
      delete larger;
      return false;
    }
    larger->older = table;
    if (table != nullptr) {
      for (std::uint32_t i = 0; i <= table->mask; ++i) {
        std::uint64_t cell = table->at(i).load(std::memory_order_relaxed);
        if (cell != 0)
          larger->put(static_cast<std::uint32_t>(cell >> 32), static_cast<std::uint32_t>(cell) - 1);
      }
    }
    cells_.store(larger, std::memory_order_release);
    return true;
  }

  /// A copy of the text that is never freed.
  const char* keep(std::string_view text) noexcept {
    if (text_ == nullptr || text.size() > text_left_) {
      constexpr std::size_t text_block = 64 * 1024;
      text_ = new (std::nothrow) char[text_block];
      text_left_ = text_ == nullptr ? 0 : text_block;
      if (text_ == nullptr)
        return nullptr;
    }
    char* kept = text_;
    std::ranges::copy(text, kept);
    text_ += text.size();
    text_left_ -= text.size();
    return kept;
  }

  std::array<std::atomic<entry*>, chunk_count> chunks_{};
  std::atomic<cells*> cells_{nullptr};
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint32_t> limit_{default_limit};
  std::mutex mutex_;
  char* text_ = nullptr;
  std::size_t text_left_ = 0;
};

/// The one table; made at its first use, never destroyed, as atoms are used until the last
/// destructor has run.
atom_table& table() noexcept {
  alignas(atom_table) static std::byte storage[sizeof(atom_table)];
  static atom_table* const instance = new (storage) atom_table;
  return *instance;
}

etf_errc check_text(std::string_view text) noexcept {
  auto length = utf8::length(text);
  if (!length)
    return etf_errc::bad_utf8;
  return *length > max_characters ? etf_errc::atom_too_long : etf_errc::none;
}

} // namespace

atom::atom(std::string_view utf8) {
  auto interned = intern(utf8);
  if (interned)
    index_ = interned->index_;
  else if (interned.error() == etf_errc::atom_table_full)
    throw std::length_error("erl::atom: the atom table is full");
  else
    throw std::invalid_argument("erl::atom: not the text of an atom");
}

std::expected<atom, etf_errc> atom::intern(std::string_view utf8) noexcept {
  std::uint32_t hash = hash_text(utf8);
  if (auto found = table().find(utf8, hash))
    return *found;
  if (etf_errc wrong = check_text(utf8); wrong != etf_errc::none)
    return std::unexpected(wrong);
  return table().add(utf8, hash);
}

std::optional<atom> atom::find(std::string_view utf8) noexcept {
  return table().find(utf8, hash_text(utf8));
}

std::string_view atom::text() const noexcept {
  const entry& found = table().at(index_);
  return {found.text, found.size};
}

int compare(atom left, atom right) noexcept {
  if (left == right)
    return 0;
  const entry& a = table().at(left.index());
  const entry& b = table().at(right.index());
  if (a.order != b.order)
    return a.order < b.order ? -1 : 1;
  return std::string_view(a.text, a.size).compare(std::string_view(b.text, b.size));
}

std::uint32_t atom_count() noexcept { return table().count(); }

void set_atom_limit(std::uint32_t count) noexcept { table().limit(count); }

bool is_atom_text(std::string_view text) noexcept { return check_text(text) == etf_errc::none; }

} // namespace erl
