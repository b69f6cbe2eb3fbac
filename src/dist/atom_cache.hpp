/// The atom caches of a connection in header mode: each direction has 2048 slots, which the atom
/// references at the start of a message fill and point to.
#pragma once

#include <erl/etf/atom.hpp>
#include <erl/etf/codec.hpp>
#include <erl/etf/error.hpp>
#include <erl/etf/limits.hpp>

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

namespace erl::dist {

inline constexpr std::size_t cache_slots = 2048;
inline constexpr std::size_t most_references = 255;

/// The peer's cache, as its messages fill it.
class received_atoms {
public:
  /// Takes the atom references, their count first, off the front of `bytes`. Returns the atoms that
  /// they stand for, valid until the next call; new atoms are charged to `budget`. After an error
  /// the connection has to be closed.
  std::expected<std::span<const atom>, etf_errc> read(std::span<const std::byte>& bytes,
                                                      atom_budget& budget);

private:
  std::array<atom, cache_slots> slots_{};
  std::bitset<cache_slots> filled_;
  std::array<atom, most_references> list_{};
};

/// This node's cache: says for each atom of the message under way how it is written, and writes the
/// references of the message when it is done.
class sent_atoms final : public atom_cache_writer {
public:
  /// A new message begins.
  void begin();
  int reference(atom value) override;
  /// The message is not sent after all.
  void abandon();

  /// Bytes of the references, their count included.
  std::size_t size() const;
  /// Writes them to `out`, which has `size()` bytes.
  void write(std::byte* out) const;

private:
  struct slot {
    atom value;
    std::uint32_t message = 0; ///< the last message that used it; 0: never filled
    std::uint8_t index = 0;    ///< its place in that message's list
  };
  struct reference_to {
    std::uint16_t slot;
    bool added;
  };

  std::array<slot, cache_slots> slots_{};
  std::array<reference_to, most_references> list_{};
  std::size_t count_ = 0;
  std::size_t text_size_ = 0; // of the atoms that are new
  std::size_t added_ = 0;
  bool long_atoms_ = false;
  std::uint32_t message_ = 0;
};

} // namespace erl::dist
