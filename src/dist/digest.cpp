#include "dist/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace erl::dist {

std::optional<digest_bytes> challenge_digest(std::string_view cookie, std::uint32_t challenge) {
  std::array<char, 10> decimal{};
  const auto end = std::to_chars(decimal.data(), decimal.data() + decimal.size(), challenge).ptr;
  std::string text;
  text.reserve(cookie.size() + decimal.size());
  text.append(cookie).append(decimal.data(), end);

  digest_bytes digest{};
  unsigned size = 0;
  const int done =
      EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 EVP_md5(), nullptr);
  OPENSSL_cleanse(text.data(), text.size());
  if (done != 1 || size != digest.size())
    return std::nullopt;
  return digest;
}

bool same_digest(std::span<const std::byte, 16> a, std::span<const std::byte, 16> b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

challenge_set::entry::entry(entry&& from) noexcept
    : set_(std::exchange(from.set_, nullptr)), challenge_(from.challenge_) {}

challenge_set::entry& challenge_set::entry::operator=(entry&& from) noexcept {
  if (this != &from) {
    release();
    set_ = std::exchange(from.set_, nullptr);
    challenge_ = from.challenge_;
  }
  return *this;
}

void challenge_set::entry::release() {
  auto* set = std::exchange(set_, nullptr);
  if (set == nullptr)
    return;
  const auto place = std::ranges::find(set->outstanding_, challenge_);
  if (place != set->outstanding_.end()) {
    *place = set->outstanding_.back();
    set->outstanding_.pop_back();
  }
}

challenge_set::entry challenge_set::draw(driver& source) {
  std::array<std::byte, 4> bytes{};
  source.random(bytes);
  std::uint32_t challenge = 0;
  for (const auto byte : bytes)
    challenge = challenge << 8U | std::to_integer<std::uint32_t>(byte);
  return {*this, challenge};
}

bool challenge_set::contains(std::uint32_t challenge) const {
  return std::ranges::find(outstanding_, challenge) != outstanding_.end();
}

} // namespace erl::dist
