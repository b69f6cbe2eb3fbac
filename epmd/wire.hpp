/// EPMD's requests and answers as bytes, without any I/O.
///
/// A request is a 16-bit length and so many bytes; an answer has no length in front. Byte strings
/// are std::string_view, as half of the protocol is text. Nothing here throws for what a peer sent,
/// reads past the bytes given, or allocates more than a small multiple of them.
#pragma once

#include <erl/epmd/client.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace erl::epmd::wire {

inline constexpr std::size_t max_body = 3057;           ///< bytes of a request after its length
inline constexpr std::size_t max_name = 1020;           ///< bytes
inline constexpr std::size_t max_name_characters = 255; ///< code points
inline constexpr std::size_t max_extra = 1020;          ///< bytes
inline constexpr std::uint32_t error_creation = 99;     ///< the creation in every refusal

/// ALIVE2_REQ. The views point into the bytes that were decoded.
struct register_request {
  std::uint16_t port = 0;
  std::uint8_t type = 77;
  std::uint8_t protocol = 0;
  std::uint16_t highest = 6;
  std::uint16_t lowest = 6;
  std::string_view name;
  std::string_view extra;
};
struct lookup_request { ///< PORT_PLEASE2_REQ
  std::string_view name;
};
struct names_request {};
struct dump_request {};
struct kill_request {};
struct stop_request {
  std::string_view name;
};
using request = std::variant<register_request, lookup_request, names_request, dump_request,
                             kill_request, stop_request>;

/// The request in `body` (without its length); nothing when the daemon must close without an
/// answer.
std::optional<request> decode_request(std::string_view body) noexcept;

/// A request with its length in front, ready to send. Precondition: `is_name(name)`.
std::string encode(const register_request& what);
std::string encode(const lookup_request& what);
std::string encode(names_request);

/// Whether EPMD takes it for a name: UTF-8, at most 255 code points and 1020 bytes, no NUL. May be
/// empty.
bool is_name(std::string_view bytes) noexcept;

/// ALIVE2_X_RESP, or ALIVE2_RESP.
struct registered {
  bool accepted = false;
  std::uint32_t creation = 0; ///< never 0 when accepted
};

/// Why bytes are no answer.
struct malformed {
  const char* why; ///< completes the sentence "the answer ..."
};

/// The answer; nothing while more bytes are needed; or why these bytes are no answer.
template <class Answer> using decoded = std::expected<std::optional<Answer>, malformed>;

/// An answer to a registration, which is exactly `bytes`.
decoded<registered> decode_registered(std::string_view bytes) noexcept;

/// An answer to a look-up, which is exactly `bytes`. A refusal is a node_info with port 0.
decoded<node_info> decode_lookup(std::string_view bytes);

/// An answer to NAMES, whose end is that of the connection (`ended`). Lines of another form are
/// left out.
decoded<std::vector<listed_node>> decode_names(std::string_view bytes, bool ended);

/// ALIVE2_X_RESP to a client that speaks version 6, else ALIVE2_RESP.
std::string encode_registered(registered what, std::uint16_t clients_highest);

/// PORT2_RESP.
std::string encode_found(const node_info& node);
std::string encode_not_found();

/// Appends an integer in network order.
void put_u16(std::string& out, std::uint16_t value);
void put_u32(std::string& out, std::uint32_t value);

} // namespace erl::epmd::wire
