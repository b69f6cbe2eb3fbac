#include "etf/atom_table.hpp"
#include "etf/utf8.hpp"
#include <erl/etf/atoms.hpp>
#include <erl/etf/limits.hpp>

#include <algorithm>
#include <new>
#include <random>
#include <stdexcept>

namespace erl {

namespace detail {

namespace {

constexpr std::uint32_t default_limit = 1U << 20;

} // namespace

std::atomic<atom_table*> atom_table::instance_{nullptr};

atom_table::cells::cells(std::uint32_t size) noexcept
    : mask(size - 1), values(new(std::nothrow) std::atomic<std::uint64_t>[size]()) {}

void atom_table::cells::put(std::uint32_t hash, std::uint32_t index) const noexcept {
  std::uint32_t place = hash;
  while (at(place).load(std::memory_order_relaxed) != 0)
    ++place;
  at(place).store(std::uint64_t{hash} << 32 | (index + 1), std::memory_order_release);
}

atom_table::atom_table() : limit_(default_limit) {
  std::random_device random;
  for (std::uint64_t& part : secret_)
    part = std::uint64_t{random()} << 32 | random() | 1;
  if (!grow(nullptr))
    throw std::bad_alloc();
  for (std::string_view text : predefined_atoms)
    if (!add(atom_key(text)))
      throw std::bad_alloc();
}

/// Without memory for the first atoms there is no going on.
atom_table& atom_table::make() noexcept {
  alignas(atom_table) static std::byte storage[sizeof(atom_table)];
  static atom_table* const made = new (storage) atom_table;
  instance_.store(made, std::memory_order_release);
  return *made;
}

std::expected<atom, etf_errc> atom_table::add(const atom_key& key) noexcept {
  const std::uint32_t code = hash(key);
  std::scoped_lock lock(mutex_);
  if (const std::uint32_t found = find(key, code); found != none)
    return atom::from_index(found);
  std::uint32_t index = count_.load(std::memory_order_relaxed);
  if (index >= limit_.load(std::memory_order_relaxed) || !make_room(index))
    return std::unexpected(etf_errc::atom_table_full);
  const char* kept = keep({key.text, key.size});
  if (kept == nullptr)
    return std::unexpected(etf_errc::atom_table_full);
  chunks_[index / chunk_size].load(std::memory_order_relaxed)[index % chunk_size] =
      entry{key.first, key.last, kept, key.size};
  cells_.load(std::memory_order_relaxed)->put(code, index);
  count_.store(index + 1, std::memory_order_release);
  return atom::from_index(index);
}

void atom_table::limit(std::uint32_t count) noexcept {
  limit_.store(std::min(count, chunk_size * chunk_count), std::memory_order_relaxed);
}

/// Makes sure of a chunk for entry `index`, and of hash cells that stay at least half empty.
bool atom_table::make_room(std::uint32_t index) noexcept {
  auto& chunk = chunks_[index / chunk_size];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    auto* fresh = new (std::nothrow) entry[chunk_size];
    if (fresh == nullptr)
      return false;
    chunk.store(fresh, std::memory_order_release);
  }
  cells* table = cells_.load(std::memory_order_relaxed);
  return index < table->mask / 2 || grow(table);
}

bool atom_table::grow(cells* table) noexcept {
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
const char* atom_table::keep(std::string_view text) noexcept {
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

} // namespace detail

namespace {

using detail::atom_key;
using detail::atom_table;

constexpr std::size_t max_characters = 255;

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
  // The longest name has 255 characters of four bytes; a key counts in 32 bits.
  constexpr std::size_t longest = 4 * max_characters;
  if (utf8.size() > longest)
    return std::unexpected(utf8::length(utf8) ? etf_errc::atom_too_long : etf_errc::bad_utf8);
  const atom_key key(utf8);
  atom_table& table = atom_table::get();
  if (const std::uint32_t found = table.find(key); found != atom_table::none)
    return from_index(found);
  if (etf_errc wrong = check_text(utf8); wrong != etf_errc::none)
    return std::unexpected(wrong);
  return table.add(key);
}

std::expected<atom, etf_errc> atom::intern(std::string_view utf8, atom_budget& budget) noexcept {
  if (const auto known = find(utf8))
    return *known;
  if (budget.left == 0)
    return std::unexpected(etf_errc::too_many_new_atoms);
  const auto added = intern(utf8);
  if (added)
    --budget.left;
  return added;
}

std::optional<atom> atom::find(std::string_view utf8) noexcept {
  if (utf8.size() > 4 * max_characters)
    return std::nullopt;
  const std::uint32_t found = atom_table::get().find(atom_key(utf8));
  return found == atom_table::none ? std::nullopt : std::optional(from_index(found));
}

std::string_view atom::text() const noexcept {
  const auto& found = atom_table::get().at(index_);
  return {found.text, found.size};
}

int compare(atom left, atom right) noexcept {
  if (left == right)
    return 0;
  const auto& a = atom_table::get().at(left.index());
  const auto& b = atom_table::get().at(right.index());
  // The first bytes as numbers whose highest byte is the first character.
  if (a.first != b.first)
    return __builtin_bswap64(a.first) < __builtin_bswap64(b.first) ? -1 : 1;
  return std::string_view(a.text, a.size).compare(std::string_view(b.text, b.size));
}

std::uint32_t atom_count() noexcept { return atom_table::get().count(); }

void set_atom_limit(std::uint32_t count) noexcept { atom_table::get().limit(count); }

bool is_atom_text(std::string_view text) noexcept { return check_text(text) == etf_errc::none; }

} // namespace erl
