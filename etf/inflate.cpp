#include "etf/wire.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

namespace erl::wire {

namespace {

constexpr std::size_t first_piece = 64 * 1024;
constexpr std::size_t largest_step = std::numeric_limits<uInt>::max();

Bytef* zlib_bytes(const std::byte* bytes) noexcept {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes));
}

/// A zlib stream that is ended when it goes.
class inflation {
public:
  inflation() {
    if (inflateInit(&stream_) != Z_OK)
      throw std::bad_alloc();
  }
  inflation(const inflation&) = delete;
  inflation& operator=(const inflation&) = delete;
  ~inflation() { inflateEnd(&stream_); }

  /// Expands from `in` to `out` and shortens both by what was used. False when there is no more to
  /// come.
  bool step(std::span<const std::byte>& in, std::span<std::byte>& out, int& status) noexcept {
    auto in_step = static_cast<uInt>(std::min(in.size(), largest_step));
    auto out_step = static_cast<uInt>(std::min(out.size(), largest_step));
    stream_.next_in = zlib_bytes(in.data());
    stream_.avail_in = in_step;
    stream_.next_out = zlib_bytes(out.data());
    stream_.avail_out = out_step;
    status = ::inflate(&stream_, Z_NO_FLUSH);
    std::size_t used = in_step - stream_.avail_in;
    std::size_t made = out_step - stream_.avail_out;
    in = in.subspan(used);
    out = out.subspan(made);
    return status == Z_OK && used + made != 0;
  }

private:
  z_stream stream_{};
};

shared_bytes grow(const shared_bytes& old, std::size_t used, std::size_t size) {
  shared_bytes result = shared_bytes::allocate(size);
  if (used != 0)
    std::memcpy(result.writable().data(), old.bytes().data(), used);
  return result;
}

} // namespace

inflated inflate(std::span<const std::byte> stream, std::size_t size, const limits& limits) {
  inflated result;
  if (size > limits.inflated ||
      size / std::max<std::size_t>(limits.inflate_ratio, 1) > stream.size()) {
    result.error = etf_errc::too_large;
    return result;
  }
  result.error = etf_errc::bad_compression;
  inflation zlib;
  std::span<const std::byte> in = stream;
  std::size_t made = 0;
  int status = Z_OK;
  for (bool more = true; more;) {
    // One byte beyond the announced size shows a stream that does not end there.
    std::size_t room = result.bytes.bytes().size();
    if (made == room && room <= size)
      result.bytes = grow(result.bytes, made, std::min(size + 1, std::max(first_piece, 2 * room)));
    std::span<std::byte> out = result.bytes.writable().subspan(made);
    more = zlib.step(in, out, status) && made <= size;
    made = result.bytes.bytes().size() - out.size();
  }
  if (status != Z_STREAM_END || made != size)
    return result;
  result.error = etf_errc::none;
  result.consumed = stream.size() - in.size();
  return result;
}

std::optional<std::vector<std::byte>> deflate(std::span<const std::byte> bytes, int level) {
  uLong size = compressBound(static_cast<uLong>(bytes.size()));
  std::vector<std::byte> out(size);
  int status = compress2(zlib_bytes(out.data()), &size, zlib_bytes(bytes.data()),
                         static_cast<uLong>(bytes.size()), level);
  if (status != Z_OK)
    return std::nullopt;
  out.resize(size);
  return out;
}

} // namespace erl::wire
