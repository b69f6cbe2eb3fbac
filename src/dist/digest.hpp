/// The proof of the cookie: MD5 digests of challenges, and the challenges that wait for their
/// proof.
#pragma once

#include "base/driver.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace erl::dist {

using digest_bytes = std::array<std::byte, 16>;

/// MD5 of the cookie's bytes followed by the challenge as an unsigned decimal number: what proves,
/// in the handshake, that one knows the cookie. Nothing when the cryptographic library refuses MD5
/// (as in FIPS mode).
std::optional<digest_bytes> challenge_digest(std::string_view cookie, std::uint32_t challenge);

/// Whether two digests are equal, in a time that does not tell where they differ.
bool same_digest(std::span<const std::byte, 16> a, std::span<const std::byte, 16> b);

/// The challenges that one node has drawn and whose handshakes are under way; all its handshakes
/// share one set.
///
/// The digest names neither side nor direction, so whoever opens a second connection could hand us
/// our own challenge and learn the answer from us. A peer's challenge that is in this set is
/// therefore refused.
class challenge_set {
public:
  /// Keeps one challenge in the set for as long as it lives. The set must outlive it.
  class entry {
  public:
    entry() = default;
    entry(challenge_set& set, std::uint32_t challenge) : set_(&set), challenge_(challenge) {
      set.outstanding_.push_back(challenge);
    }
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;
    entry(entry&& from) noexcept;
    entry& operator=(entry&& from) noexcept;
    ~entry() { release(); }

    std::uint32_t challenge() const { return challenge_; }
    void release();

  private:
    challenge_set* set_ = nullptr;
    std::uint32_t challenge_ = 0;
  };

  /// A fresh challenge from the driver's cryptographic source.
  [[nodiscard]] entry draw(driver& source);

  bool contains(std::uint32_t challenge) const;
  std::size_t size() const { return outstanding_.size(); }

private:
  std::vector<std::uint32_t> outstanding_;
};

} // namespace erl::dist
