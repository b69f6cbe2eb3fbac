/// Reads the heads of encoded terms in place, for `erl::source`.
#pragma once

#include <erl/etf/source.hpp>
#include <erl/etf/tags.hpp>

#include <cstddef>
#include <cstdint>

namespace erl::detail {

constexpr std::uint32_t load8(const std::byte* at) noexcept {
  return std::to_integer<std::uint32_t>(*at);
}
constexpr std::uint32_t load16(const std::byte* at) noexcept {
  return load8(at) << 8 | load8(at + 1);
}
constexpr std::uint32_t load32(const std::byte* at) noexcept {
  return load16(at) << 16 | load16(at + 2);
}
constexpr std::uint64_t load64(const std::byte* at) noexcept {
  return std::uint64_t{load32(at)} << 32 | load32(at + 4);
}

/// The kinds that a term with this tag may have; none for an illegal tag.
constexpr kind_set kinds_of_tag(int first) noexcept {
  using etf::tag;
  switch (static_cast<etf::tag>(first)) {
  case tag::small_integer:
  case tag::integer:
    return kinds(term_kind::integer);
  case tag::small_big:
  case tag::large_big:
    return kinds(term_kind::integer, term_kind::big_integer);
  case tag::new_float:
  case tag::float_text:
    return kinds(term_kind::floating);
  case tag::atom:
  case tag::small_atom:
  case tag::atom_utf8:
  case tag::small_atom_utf8:
  case tag::atom_cache_ref:
    return kinds(term_kind::atom);
  case tag::reference:
  case tag::new_reference:
  case tag::newer_reference:
    return kinds(term_kind::reference);
  case tag::new_fun:
  case tag::external_fun:
    return kinds(term_kind::fun);
  case tag::port:
  case tag::new_port:
  case tag::v4_port:
    return kinds(term_kind::port);
  case tag::pid:
  case tag::new_pid:
    return kinds(term_kind::pid);
  case tag::small_tuple:
  case tag::large_tuple:
    return kinds(term_kind::tuple);
  case tag::record:
    return kinds(term_kind::record);
  case tag::map:
    return kinds(term_kind::map);
  case tag::nil:
    return kinds(term_kind::nil);
  case tag::string:
  case tag::list:
    return kinds(term_kind::list, term_kind::nil);
  case tag::binary:
  case tag::bit_binary:
    return kinds(term_kind::bitstring);
  case tag::compressed:
    break;
  }
  return 0;
}

} // namespace erl::detail
