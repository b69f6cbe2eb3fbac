/// Frames of the connected phase: each is a length (four bytes, big-endian) and that many bytes. An
/// empty one is a tick.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace erl::dist {

/// The longest frame that is accepted unless set otherwise: 256 MB.
inline constexpr std::size_t default_max_frame = std::size_t{256} << 20U;

/// How much more a connection makes ready to read at a time.
inline constexpr std::size_t default_step = std::size_t{64} << 10U;

/// A tick.
inline constexpr std::array<std::byte, 4> tick_frame{};

/// Collects what arrives and gives out complete frames in place.
///
/// The buffer grows with what has arrived, by 64 KB or by half of that, never by what a length
/// announces.
class frame_reader {
public:
  explicit frame_reader(std::size_t max_frame = default_max_frame) : max_frame_(max_frame) {}

  /// Room for further bytes: a quarter of `step` at least; grows by `step` or more. Ends the life
  /// of the spans given out before.
  std::span<std::byte> space(std::size_t step = default_step);
  /// The first `size` bytes of `space()` have been filled.
  void filled(std::size_t size) { end_ += size; }

  /// What has arrived and has not been taken.
  std::span<const std::byte> unread() const { return {buffer_.get() + begin_, end_ - begin_}; }
  /// Takes `size` bytes off the front of `unread()`.
  void consume(std::size_t size) { begin_ += size; }

  enum class outcome { frame, more, too_long };
  struct result {
    outcome what = outcome::more;
    std::span<const std::byte> body{}; ///< valid until the next `space()`
    std::uint32_t announced = 0;       ///< its length, if that has come
  };
  /// The next complete frame, taken off the front.
  result next();
  /// The bytes that have come of the body of a frame that is not complete, taken off the front. It
  /// goes on elsewhere.
  std::span<const std::byte> begin_of_frame();

  std::size_t capacity() const { return capacity_; }

private:
  void grow(std::size_t capacity);

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t max_frame_;
};

/// Bytes that wait for the socket, in order, in pieces that are written by gathering.
class output_queue {
public:
  /// Room for `size` bytes at the end, for the caller to fill before anything else happens.
  std::byte* add(std::size_t size);
  /// Appends a copy.
  void append(std::span<const std::byte> bytes);
  /// Appends `bytes`, which live as long as `owner` does.
  void append(std::shared_ptr<const void> owner, std::span<const std::byte> bytes);

  bool empty() const { return size_ == 0; }
  /// Bytes in the queue.
  std::size_t size() const { return size_; }

  /// The first bytes to write, at most `max_chain` pieces.
  static constexpr std::size_t max_chain = 16;
  using chain = std::array<std::span<const std::byte>, max_chain>;
  std::size_t gather(chain& pieces) const;
  /// The socket took `size` bytes.
  void taken(std::size_t size);

private:
  struct piece {
    std::shared_ptr<const void> owner;
    std::span<const std::byte> bytes;
  };

  std::vector<piece> pieces_;
  std::size_t first_ = 0; // of those that are not written
  std::size_t size_ = 0;
  // Where copies go. A piece may follow the one before it in the same memory.
  std::shared_ptr<std::byte[]> memory_;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
};

} // namespace erl::dist
